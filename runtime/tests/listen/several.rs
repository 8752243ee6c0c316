//! One server, any number of addresses.

use crate::{Scratch, call, common::*, is_gone, who};
use cordial_runtime::{ErrorKind, Limits, Server};
use std::time::Duration;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_server_listens_on_several_addresses() {
    let path = Scratch::new("several");
    let bound_before = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = (
        "127.0.0.1:0",
        vec!["127.0.0.1:0".to_owned(), path.uri()],
        bound_before,
    );
    let mut serving = Serving::start_at(who(), listen).await;
    let addresses = serving.addresses.clone();
    assert_eq!(addresses.len(), 4, "{addresses:?}");
    assert_eq!(serving.uri, format!("http://{}", addresses[0]));
    assert_eq!(addresses[2], path.uri());
    let mut uris = Vec::new();
    for address in &addresses {
        let uri = match address.starts_with("unix:") {
            true => address.clone(),
            false => format!("http://{address}"),
        };
        let peer = call(&uri).await.unwrap();
        let expected = if uri == path.uri() {
            "unix"
        } else {
            "127.0.0.1:"
        };
        assert!(peer.starts_with(expected), "{uri}: {peer}");
        uris.push(uri);
    }
    serving.ask_to_stop();
    serving.stopped().await;
    for uri in uris {
        is_gone(&uri).await;
    }
}

/// A listener that is always busy does not keep the others waiting.
#[tokio::test]
async fn every_listener_has_its_turn() {
    let serving = Serving::start_at(who(), ["127.0.0.1:0", "127.0.0.1:0"]).await;
    let [busy, calm] = [0, 1].map(|at| serving.addresses[at].clone());
    let flood = tokio::spawn(async move {
        loop {
            drop(TcpStream::connect(&busy).await);
        }
    });
    for _ in 0..20 {
        call(&format!("http://{calm}")).await.unwrap();
    }
    flood.abort();
}

#[tokio::test]
async fn one_that_cannot_be_bound_leaves_none() {
    let path = Scratch::new("none");
    let taken = Serving::start(who()).await;
    let listen = (path.uri(), taken.addresses[0].clone());
    let error = who().bind(listen).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bind);
    assert!(error.to_string().contains(&taken.addresses[0]), "{error}");
    assert!(!path.0.exists(), "the first socket stayed behind");
    let error = who().bind(Vec::<String>::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address);
    assert!(
        error.to_string().contains("nothing to listen on"),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_is_shared_by_those_who_ask() {
    let first = Serving::start(who().reuse_port()).await;
    let address = first.address().to_owned();
    let error = who().bind(&address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bind, "it did not ask: {error}");
    let mut second = Serving::start_at(who().reuse_port(), &address).await;
    let uri = format!("http://{address}");
    call(&uri).await.unwrap();
    drop(first);
    second.ask_to_stop();
    second.stopped().await;
}

#[tokio::test]
async fn the_kernel_holds_as_many_as_the_limit_says() {
    let limits = Limits::default().with_backlog_max(1);
    let bound = who().limits(limits).bind("127.0.0.1:0").await.unwrap();
    let mut held = Vec::new();
    for _ in 0..8 {
        let connect = TcpStream::connect(bound.address());
        match tokio::time::timeout(Duration::from_millis(50), connect).await {
            Ok(tcp) => held.push(tcp.unwrap()),
            Err(_) => break,
        }
    }
    assert!((1..=3).contains(&held.len()), "{} are held", held.len());
}

#[tokio::test]
async fn the_log_says_where_and_how_it_is_served() {
    log::keep();
    let serving = Serving::start(Server::new().add(Probe::echo().routes())).await;
    let line = log::says(&[serving.address(), "=serving"]).await;
    assert!(line.starts_with("INFO"), "{line}");
    assert!(line.contains("security=\"plain text\""), "{line}");
}
