//! The files of Unix sockets: dead ones go, live ones stay.

use crate::{Scratch, call, common::*, who};
use cordial_runtime::ErrorKind;
use std::{fs, os::unix::net::UnixListener};

#[tokio::test]
async fn the_socket_of_a_dead_server_is_replaced() {
    let path = Scratch::new("dead");
    // std leaves the file, as a process that was killed does.
    drop(UnixListener::bind(&path.0).unwrap());
    assert!(path.0.exists());
    let _serving = Serving::start_at(who(), path.uri()).await;
    assert_eq!(call(&path.uri()).await.unwrap(), "unix");
}

#[tokio::test]
async fn the_socket_of_a_live_server_is_not() {
    let path = Scratch::new("live");
    let _serving = Serving::start_at(who(), path.uri()).await;
    let error = who().bind(path.uri()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bind);
    for words in [&path.uri(), "another server listens there"] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(call(&path.uri()).await.unwrap(), "unix");
}

/// One that accepts nobody any more lives nevertheless.
#[tokio::test]
async fn a_server_that_hangs_is_live() {
    let path = Scratch::new("hangs");
    let _hangs = UnixListener::bind(&path.0).unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(unix)) = tokio::time::timeout(
        std::time::Duration::from_millis(50),
        tokio::net::UnixStream::connect(&path.0),
    )
    .await
    {
        waiting.push(unix);
        assert!(waiting.len() < 10_000, "its backlog never fills");
    }
    let error = within(who().bind(path.uri())).await.unwrap_err();
    assert!(error.to_string().contains("another server"), "{error}");
    assert!(path.0.exists());
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_kept() {
    let path = Scratch::new("file");
    fs::write(&path.0, "precious").unwrap();
    let error = who().bind(path.uri()).await.unwrap_err();
    assert!(error.to_string().contains("no socket"), "{error}");
    assert_eq!(fs::read_to_string(&path.0).unwrap(), "precious");
}

#[tokio::test]
async fn a_socket_that_took_its_place_is_kept() {
    let path = Scratch::new("took");
    let mut serving = Serving::start_at(who(), path.uri()).await;
    fs::remove_file(&path.0).unwrap();
    let _other = UnixListener::bind(&path.0).unwrap();
    serving.ask_to_stop();
    serving.stopped().await;
    assert!(path.0.exists(), "it was another's");
}

#[test]
fn of_many_that_start_at_once_one_serves() {
    let path = Scratch::new("race");
    for _ in 0..20 {
        drop(UnixListener::bind(&path.0).unwrap());
        let start = std::sync::Barrier::new(4);
        let done = std::sync::Barrier::new(4);
        let bind = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                start.wait();
                let bound = who().bind(path.uri()).await;
                done.wait();
                bound.is_ok()
            })
        };
        let bound = std::thread::scope(|scope| {
            let all = [(); 4].map(|()| scope.spawn(bind));
            all.map(|thread| thread.join().unwrap())
        });
        let count = bound.iter().filter(|bound| **bound).count();
        assert_eq!(count, 1, "{bound:?}");
        assert!(!path.0.exists());
    }
}
