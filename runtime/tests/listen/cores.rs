//! A runtime for each core: the same server, to everybody outside.

use crate::{Scratch, call, common::*, is_gone, who};
use cordial_runtime::{Channel, ErrorKind, Limits, Server};
use std::{collections::HashSet, sync::Arc, thread};
use tokio::sync::{mpsc, watch};

/// Says back on which thread it runs.
fn threads() -> Server {
    let probe = Probe::echo().unary(|_| async {
        let thread = thread::current();
        Ok(note(thread.name().unwrap_or_default()).into())
    });
    Server::new().per_core().add(probe.routes())
}

fn cores() -> usize {
    thread::available_parallelism().unwrap().get()
}

/// The threads that answer 64 connections.
async fn seen(uri: &str) -> HashSet<String> {
    let mut seen = HashSet::new();
    for _ in 0..64 {
        seen.insert(call(uri).await.unwrap());
    }
    seen
}

#[tokio::test]
async fn every_core_serves_one_port() {
    let mut serving = Serving::start(threads()).await;
    let seen = seen(&serving.uri).await;
    assert!(
        seen.iter()
            .all(|thread| thread.starts_with("cordial-core-")),
        "{seen:?}"
    );
    // The kernel deals them out: that all of 64 meet on one core does not happen.
    assert_eq!(seen.len() > 1, cores() > 1, "{seen:?}");
    serving.ask_to_stop();
    serving.stopped().await;
    is_gone(&serving.uri).await;
}

#[tokio::test]
async fn every_core_serves_what_was_bound_before() {
    let path = Scratch::new("cores");
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut serving = Serving::start_at(threads(), (path.uri(), tcp)).await;
    for uri in [path.uri(), format!("http://{}", serving.addresses[1])] {
        for thread in seen(&uri).await {
            assert!(thread.starts_with("cordial-core-"), "{thread}");
        }
    }
    serving.ask_to_stop();
    serving.stopped().await;
    assert!(!path.0.exists(), "the server's socket stayed behind");
}

#[tokio::test]
async fn calls_in_flight_on_any_core_end_well() {
    let (start, mut started) = mpsc::channel(16);
    let (finish, finished) = watch::channel(false);
    let probe = Probe::echo().unary(move |request| {
        let (start, mut finished) = (start.clone(), finished.clone());
        async move {
            start.send(()).await.unwrap();
            finished.wait_for(|finished| *finished).await.unwrap();
            Ok(request.into_inner().into())
        }
    });
    let mut serving = Serving::start(Server::new().per_core().add(probe.routes())).await;
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let call = serving.channel().unary(UNARY, note("in flight"));
            tokio::spawn(call.into_future())
        })
        .collect();
    for _ in 0..calls.len() {
        within(started.recv()).await.unwrap();
    }
    serving.ask_to_stop();
    within(async {
        while tokio::net::TcpStream::connect(serving.address())
            .await
            .is_ok()
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    finish.send(true).unwrap();
    for call in calls {
        let reply = within(call).await.unwrap().unwrap();
        assert_eq!(reply.into_inner().text, "in flight");
    }
    serving.stopped().await;
}

/// As without cores: dropping what serves closes everything at once.
#[tokio::test]
async fn a_server_that_is_dropped_is_gone() {
    let (held, gone) = alive();
    let held = Arc::new(held);
    let (start, mut started) = mpsc::channel(1);
    let probe = Probe::echo().unary(move |_| {
        let (held, start) = (held.clone(), start.clone());
        async move {
            start.send(()).await.unwrap();
            let _held = held;
            std::future::pending().await
        }
    });
    let bound = Server::new().per_core().add(probe.routes());
    let bound = bound.bind("127.0.0.1:0").await.unwrap();
    let uri = bound.uri();
    let serving = tokio::spawn(bound.serve());
    let call = Channel::to(&uri).unwrap().unary(UNARY, note(""));
    let call = tokio::spawn(call.into_future());
    within(started.recv()).await.unwrap();
    serving.abort();
    within(call).await.unwrap().unwrap_err();
    gone.wait().await;
    within(async { while crate::call(&uri).await.is_ok() {} }).await;
}

#[tokio::test]
async fn a_server_that_never_served_is_gone() {
    let bound = threads().bind("127.0.0.1:0").await.unwrap();
    let address = bound.address().to_owned();
    drop(bound);
    within(async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Cores share a port with each other, and with nobody who did not ask.
#[tokio::test]
async fn two_servers_do_not_share_by_accident() {
    let first = Serving::start(threads()).await;
    for second in [who(), who().per_core()] {
        let error = second.bind(first.address()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Bind);
        assert!(error.to_string().contains(first.address()), "{error}");
    }
}

/// A place that no core uses is free for all of them.
#[tokio::test]
async fn cores_share_the_limit_of_connections() {
    let limits = Limits::default().with_connections_max(1);
    let serving = Serving::start(threads().limits(limits)).await;
    seen(&serving.uri).await;
}
