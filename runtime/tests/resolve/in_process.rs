//! Servers of this process, reached by their names.

use crate::common::*;
use cordial_runtime::{Channel, Code, ErrorKind, Limits, NamedServer, Response, Server, Status};
use futures_util::{FutureExt, StreamExt, stream};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Semaphore, oneshot};

fn named(name: &str) -> NamedServer {
    let own = name.to_owned();
    let probe = Probe::echo().unary(move |_| {
        let own = own.clone();
        async move { Ok(note(&own).into()) }
    });
    let server = Server::new().add(probe.routes());
    server.serve_in_process(name).unwrap()
}

async fn call(channel: &Channel) -> Result<String, Status> {
    let reply = within(channel.unary(UNARY, note("")).into_future()).await;
    Ok(reply?.into_inner().text)
}

#[tokio::test]
async fn each_name_leads_to_its_server() {
    let (one, other) = (named("each/one"), named("each@other ü"));
    assert_eq!(one.uri(), "in-process:each%2Fone");
    for (server, name) in [(&one, "each/one"), (&other, "each@other ü")] {
        let channel = Channel::to(server.uri()).unwrap();
        assert_eq!(call(&channel).await.unwrap(), name);
    }
    let channel = Channel::to("in-process:each/one").unwrap();
    assert_eq!(call(&channel).await.unwrap(), "each/one");
    assert!(format!("{channel:?}").contains("each/one"));
}

#[tokio::test]
async fn a_name_that_nobody_has_is_unavailable_until_somebody_does() {
    let channel = Channel::to("in-process:late").unwrap();
    let status = call(&channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("`in-process:late`"), "{status}");

    let waiting = channel.unary(UNARY, note("")).wait_for_ready();
    let mut waiting = std::pin::pin!(waiting.into_future());
    assert!(waiting.as_mut().now_or_never().is_none());
    let other = named("late too");
    assert!(waiting.as_mut().now_or_never().is_none());
    let late = named("late");
    let reply = within(waiting).await.unwrap();
    assert_eq!(reply.into_inner().text, "late");
    assert_eq!(call(&channel).await.unwrap(), "late");
    drop((other, late));

    let waiting = channel.unary(UNARY, note("")).wait_for_ready();
    let waiting = waiting.timeout(Duration::from_millis(20));
    let status = within(waiting.into_future()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_name_has_one_server_at_a_time() {
    let first = named("turns");
    let channel = Channel::to(first.uri()).unwrap();
    let other = Server::new().add(Probe::echo().routes());
    let error = other.serve_in_process("turns").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bind);
    assert!(error.to_string().contains("`turns`"), "{error}");
    assert_eq!(call(&channel).await.unwrap(), "turns");
    drop(first);
    let status = call(&channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);

    let _second = Server::new()
        .add(Probe::echo().routes())
        .serve_in_process("turns")
        .unwrap();
    assert_eq!(call(&channel).await.unwrap(), "");

    let error = Server::new().serve_in_process("").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address);
    let twice = Server::new().add(Probe::echo().routes());
    let twice = twice.add(Probe::echo().routes());
    let error = twice.serve_in_process("twice").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
}

/// A server whose calls wait until let go: a unary one, and a stream after its first message.
struct Held {
    server: Server,
    let_go: Arc<Semaphore>,
}

fn held() -> Held {
    let let_go = Arc::new(Semaphore::new(0));
    let (unary, streaming) = (let_go.clone(), let_go.clone());
    let probe = Probe::echo()
        .unary(move |request| {
            let let_go = unary.clone();
            async move {
                let_go.acquire().await.unwrap().forget();
                Ok(request.into_inner().into())
            }
        })
        .server_streaming(move |request| {
            let (let_go, first) = (streaming.clone(), request.into_inner());
            async move {
                let second = stream::once(async move {
                    let_go.acquire().await.unwrap().forget();
                    Ok(note("second"))
                });
                Ok(Response::new(
                    stream::iter([Ok(first)]).chain(second).boxed(),
                ))
            }
        });
    Held {
        server: Server::new().add(probe.routes()),
        let_go,
    }
}

#[tokio::test]
async fn calls_in_flight_outlive_the_name() {
    let Held { server, let_go } = held();
    let server = server.serve_in_process("outlived").unwrap();
    let channel = Channel::to(server.uri()).unwrap();
    let mut unary = std::pin::pin!(channel.unary(UNARY, note("unary")).into_future());
    assert!(unary.as_mut().now_or_never().is_none());
    let streaming = channel.server_streaming(SERVER_STREAMING, note("first"));
    let mut notes = within(streaming.into_future()).await.unwrap().into_inner();
    drop(server);
    let status = call(&channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);

    let_go.add_permits(2);
    assert_eq!(within(unary).await.unwrap().into_inner().text, "unary");
    for text in ["first", "second"] {
        let note = within(notes.message()).await.unwrap();
        assert_eq!(note.unwrap().text, text);
    }
    assert_eq!(within(notes.message()).await.unwrap(), None);
}

#[tokio::test]
async fn shutting_down_waits_for_calls_in_flight() {
    let Held { server, let_go } = held();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = server.shutdown_on(stopped.map(|_| ()));
    let server = server.serve_in_process("drained").unwrap();
    let channel = Channel::to(server.uri()).unwrap();
    let streaming = channel.server_streaming(SERVER_STREAMING, note("first"));
    let mut notes = within(streaming.into_future()).await.unwrap().into_inner();
    let mut serving = tokio::spawn(server.serve());
    stop.send(()).unwrap();
    // Until the signal is heard, calls wait as the server lets them.
    let heard = async {
        let ended = || channel.unary(UNARY, note("")).into_future().now_or_never();
        while ended().is_none() {
            tokio::task::yield_now().await;
        }
    };
    within(heard).await;
    let status = call(&channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);

    // Whoever comes next has the name while the last calls of this one end.
    let _next = named("drained");
    assert_eq!(call(&channel).await.unwrap(), "drained");
    assert!((&mut serving).now_or_never().is_none());
    let_go.add_permits(1);
    for text in ["first", "second"] {
        let note = within(notes.message()).await.unwrap();
        assert_eq!(note.unwrap().text, text);
    }
    assert_eq!(within(notes.message()).await.unwrap(), None);
    within(serving).await.unwrap();
    assert_eq!(call(&channel).await.unwrap(), "drained");
}

#[tokio::test]
async fn what_outlives_the_grace_is_unavailable() {
    let Held { server, let_go: _ } = held();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = server
        .limits(Limits::default().with_drain_grace(Duration::from_millis(20)))
        .shutdown_on(stopped.map(|_| ()));
    let server = server.serve_in_process("cut").unwrap();
    let channel = Channel::to(server.uri()).unwrap();
    let mut unary = std::pin::pin!(channel.unary(UNARY, note("unary")).into_future());
    assert!(unary.as_mut().now_or_never().is_none());
    let streaming = channel.server_streaming(SERVER_STREAMING, note("first"));
    let mut notes = within(streaming.into_future()).await.unwrap().into_inner();
    stop.send(()).unwrap();
    within(server.serve()).await;

    let status = within(unary).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    let first = within(notes.message()).await.unwrap();
    assert_eq!(first.unwrap().text, "first");
    let status = within(notes.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}
