//! Connections that come from no socket of ours.

use crate::{
    common::{raw::*, *},
    who,
};
use cordial_runtime::{ErrorKind, Listener, PeerAddress};
use futures_util::stream::{self, StreamExt};
use prost::Message;
use std::io;
use tokio::io::DuplexStream;

type Connection = io::Result<(DuplexStream, PeerAddress)>;

fn pipe(name: &str) -> (DuplexStream, Connection) {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    (ours, Ok((theirs, PeerAddress::Named(name.into()))))
}

/// Whom the server behind `client` takes us for.
async fn ask(client: &RawClient) -> String {
    let request = http::Request::post(format!("http://pipe{}", UNARY.path()))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let answer = client.call(request.body(()).unwrap(), &frame(0, b"")).await;
    let answer = answer.unwrap();
    assert_eq!(answer.code(), 0, "{answer:?}");
    Note::decode(&answer.data[5..]).unwrap().text
}

#[tokio::test]
async fn any_stream_of_connections_is_served() {
    let (one, connection) = pipe("one");
    let (other, another) = pipe("other");
    let failed = Err(io::Error::other("this one did not make it"));
    let connections = stream::iter([connection, failed, another]);
    // It goes on for ever, as a simulated network does.
    let connections = connections.chain(stream::pending());
    let mut serving = Serving::start_at(who(), Listener::from_stream(connections)).await;
    assert_eq!(serving.addresses, ["own"]);
    let (one, other) = (RawClient::over(one).await, RawClient::over(other).await);
    assert_eq!(within(ask(&one)).await, "one");
    assert_eq!(within(ask(&other)).await, "other");
    serving.ask_to_stop();
    serving.stopped().await;
}

#[tokio::test]
async fn a_server_whose_stream_ended_ends_with_its_last_connection() {
    let (ours, connection) = pipe("last");
    let listener = Listener::from_stream(stream::iter([connection]));
    let mut serving = Serving::start_at(who(), listener).await;
    let client = RawClient::over(ours).await;
    for _ in 0..3 {
        assert_eq!(within(ask(&client)).await, "last");
    }
    drop(client);
    serving.stopped().await;
}

#[tokio::test]
async fn a_stream_that_ended_leaves_the_other_listeners() {
    let none = Listener::from_stream(stream::empty::<Connection>());
    let serving = Serving::start_at(who(), ("127.0.0.1:0", none)).await;
    assert!(crate::call(&serving.uri).await.is_ok());
}

#[tokio::test]
async fn a_stream_is_not_for_several_cores() {
    if std::thread::available_parallelism().unwrap().get() == 1 {
        return;
    }
    let none = Listener::from_stream(stream::pending::<Connection>());
    let error = who().per_core().bind(none).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bind);
    assert!(error.to_string().contains("per_core"), "{error}");
}
