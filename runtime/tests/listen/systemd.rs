//! Sockets that another process opened, by systemd's protocol.

use crate::{
    Scratch, call,
    child::{self, Serves},
    who,
};
use cordial_runtime::{ErrorKind, Listener};
use std::{
    fs::File,
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixListener},
    process::Stdio,
};

/// What comes as standard input and output becomes 3 and 4, as systemd has it.
const PASS_TWO: &str = "exec 3<&0 4<&1 </dev/null >/dev/null
export LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=grpc:local";

#[tokio::test]
async fn inherited_sockets_are_served() {
    if child::is_child() {
        let listeners = Listener::systemd().unwrap();
        let names: Vec<_> = listeners.iter().map(Listener::name).collect();
        assert_eq!(names, [Some("grpc"), Some("local")]);
        assert!(Listener::systemd().unwrap().is_empty(), "taken twice");
        return child::serve(who().bind(listeners).await.unwrap()).await;
    }
    let path = Scratch::new("systemd");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap().to_string();
    let unix = UnixListener::bind(&path.0).unwrap();
    let server = Serves::start(
        "systemd::inherited_sockets_are_served",
        PASS_TWO,
        OwnedFd::from(tcp).into(),
        OwnedFd::from(unix).into(),
    );
    assert_eq!(server.addresses, [address.clone(), path.uri()]);
    let peer = call(&format!("http://{address}")).await.unwrap();
    assert!(peer.starts_with("127.0.0.1:"), "{peer}");
    assert_eq!(call(&path.uri()).await.unwrap(), "unix");
    drop(server);
    assert!(path.0.exists(), "the socket is whose who bound it");
}

/// Every core accepts from what was inherited.
#[tokio::test]
async fn inherited_sockets_are_served_per_core() {
    if child::is_child() {
        let listeners = Listener::systemd().unwrap();
        return child::serve(who().per_core().bind(listeners).await.unwrap()).await;
    }
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Serves::start(
        "systemd::inherited_sockets_are_served_per_core",
        "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$",
        OwnedFd::from(tcp).into(),
        Stdio::null(),
    );
    for _ in 0..8 {
        call(&format!("http://{}", server.addresses[0]))
            .await
            .unwrap();
    }
}

/// A child that found no error ends, and its parent says so.
#[tokio::test]
async fn what_is_no_socket_is_refused() {
    if child::is_child() {
        let error = Listener::systemd().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Bind);
        for words in ["inherited socket 0 (grpc)", "not a socket"] {
            assert!(error.to_string().contains(words), "{error}");
        }
        return child::serve(who().bind("127.0.0.1:0").await.unwrap()).await;
    }
    Serves::start(
        "systemd::what_is_no_socket_is_refused",
        PASS_TWO,
        File::open("/dev/null").unwrap().into(),
        Stdio::null(),
    );
}

/// Those of another process are not ours: systemd says whom it means.
#[tokio::test]
async fn sockets_for_another_process_are_left_alone() {
    if child::is_child() {
        assert!(Listener::systemd().unwrap().is_empty());
        return child::serve(who().bind("127.0.0.1:0").await.unwrap()).await;
    }
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    Serves::start(
        "systemd::sockets_for_another_process_are_left_alone",
        "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=1",
        OwnedFd::from(tcp).into(),
        Stdio::null(),
    );
}
