//! Addresses of servers and of channels.

use crate::common::*;
use cordial_runtime::{Channel, Code, ErrorKind, PeerAddress, Server};
use std::path::PathBuf;

/// A path that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cordial-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }

    fn uri(&self) -> String {
        format!("unix:{}", self.0.display())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn who() -> Server {
    let probe = Probe::echo().unary(|request| async move {
        Ok(note(&format!("{:?}", request.peer().unwrap().address())).into())
    });
    Server::new().add(probe.routes())
}

#[tokio::test]
async fn a_unix_socket_carries_calls() {
    let path = Scratch::new("carries");
    let mut serving = Serving::start_at(who(), &path.uri()).await;
    assert_eq!(serving.uri, path.uri());
    for uri in [path.uri(), path.uri().replace("unix:", "unix://")] {
        let channel = Channel::to(uri).unwrap();
        let reply = within(channel.unary(UNARY, note("")).into_future())
            .await
            .unwrap();
        assert_eq!(reply.into_inner().text, format!("{:?}", PeerAddress::Unix));
    }
    serving.ask_to_stop();
    serving.stopped().await;
    assert!(!path.0.exists(), "the server's socket stayed behind");
    let channel = Channel::to(path.uri()).unwrap();
    let status = within(channel.unary(UNARY, note("")).into_future())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains(&path.uri()), "{status:?}");
}

#[tokio::test]
async fn a_listener_bound_before_serves() {
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", tcp.local_addr().unwrap());
    let serving = tokio::spawn(who().serve(tcp));
    let channel = Channel::to(uri).unwrap();
    within(channel.unary(UNARY, note("")).into_future())
        .await
        .unwrap();
    serving.abort();
    let path = Scratch::new("before");
    let unix = tokio::net::UnixListener::bind(&path.0).unwrap();
    let serving = tokio::spawn(who().serve(unix));
    let channel = Channel::to(path.uri()).unwrap();
    within(channel.unary(UNARY, note("")).into_future())
        .await
        .unwrap();
    serving.abort();
    assert!(path.0.exists(), "the path is whose who bound it");
}

#[tokio::test]
async fn an_address_that_cannot_be_listened_on_says_so() {
    let taken = Serving::start(who()).await;
    let error = who().serve(taken.address()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bind);
    assert!(error.to_string().contains(taken.address()), "{error}");
    for (address, kind) in [
        ("localhost", ErrorKind::Address),
        ("", ErrorKind::Address),
        ("127.0.0.1:99999", ErrorKind::Bind),
        ("unix:/no/such/directory/socket", ErrorKind::Bind),
    ] {
        let error = who().bind(address).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{address}: {error}");
        assert!(
            error.to_string().contains(&format!("`{address}`")),
            "{error}"
        );
    }
}

#[test]
fn an_address_that_does_not_read_says_what_would() {
    for bad in [
        "",
        "localhost:50051",
        "127.0.0.1:50051",
        "ftp://x",
        "http://",
        "http://x:65536",
        "http://x:",
        "http://x/path",
        "http://x?q",
        "http://me@x",
        "http://x y",
        "unix:",
    ] {
        let error = Channel::to(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address, "{bad}");
        assert!(
            error.to_string().contains("write `http://host:port`"),
            "{error}"
        );
    }
}

#[test]
fn a_service_is_served_once() {
    let twice = || {
        Server::new()
            .add(Probe::echo().routes())
            .add(Probe::echo().routes())
    };
    let error = twice().in_process().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(
        error.to_string(),
        "the service `test.v1.Probe` was added twice; add it once"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let error = runtime.block_on(twice().serve("127.0.0.1:0")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
}
