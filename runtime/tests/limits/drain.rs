//! A server that shuts down is gone within its grace, whoever still holds on.

use crate::{
    common::{raw::*, *},
    limits,
};
use cordial_runtime::{Response, Server};
use futures_util::{StreamExt, stream};
use std::{
    sync::Mutex,
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

const GRACE: Duration = Duration::from_millis(300);
const SLACK: Duration = Duration::from_millis(500);

/// A server whose streams never end, and what tells that a handler was dropped.
async fn endless() -> (Serving, Gone) {
    let (alive, gone) = alive();
    let alive = Mutex::new(Some(alive));
    let take = move || alive.lock().unwrap().take();
    let take = std::sync::Arc::new(take);
    let again = take.clone();
    let probe = Probe::echo()
        .client_streaming(move |request| {
            let held = take();
            async move {
                let _held = (held, request);
                std::future::pending().await
            }
        })
        .server_streaming(move |_| {
            let held = again();
            let replies = stream::repeat_with(move || {
                let _held = &held;
                Ok(Note {
                    payload: vec![1; 100_000],
                    ..Note::default()
                })
            });
            async move { Ok(Response::new(replies.boxed())) }
        });
    let limits = limits().with_drain_grace(GRACE);
    let server = Server::new().limits(limits).add(probe.routes());
    (Serving::start(server).await, gone)
}

/// How long `serve` takes to return once told to.
async fn stop(mut serving: Serving) -> Duration {
    let started = Instant::now();
    serving.ask_to_stop();
    serving.stopped().await;
    started.elapsed()
}

#[tokio::test]
async fn a_peer_that_never_spoke_does_not_hold_it() {
    let (serving, _) = endless().await;
    let _silent = TcpStream::connect(serving.address()).await.unwrap();
    let mut half = TcpStream::connect(serving.address()).await.unwrap();
    half.write_all(&PREFACE[..12]).await.unwrap();
    // A call that is answered says that both were accepted before it.
    serving.channel().unary(UNARY, note("")).await.unwrap();
    let took = stop(serving).await;
    assert!(took < GRACE, "{took:?}: nobody was served");
}

#[tokio::test]
async fn an_idle_peer_that_answers_does_not_hold_it() {
    let (serving, _) = endless().await;
    let channel = serving.channel();
    channel.unary(UNARY, note("")).await.unwrap();
    let took = stop(serving).await;
    assert!(took < GRACE, "{took:?}: nothing was in flight");
    drop(channel);
}

#[tokio::test]
async fn an_idle_peer_that_is_silent_is_cut() {
    let (serving, _) = endless().await;
    let mut frames = Frames::connect(serving.address()).await;
    within(frames.next_of(SETTINGS)).await.unwrap();
    let took = stop(serving).await;
    assert!(took < GRACE + SLACK, "{took:?}");
}

#[tokio::test]
async fn an_open_request_stream_is_cut() {
    let (serving, gone) = endless().await;
    let channel = serving.channel();
    let call = channel.client_streaming(CLIENT_STREAMING, stream::pending());
    let call = tokio::spawn(call.into_future());
    channel.unary(UNARY, note("")).await.unwrap();
    let took = stop(serving).await;
    assert!((GRACE..GRACE + SLACK).contains(&took), "{took:?}");
    gone.wait().await;
    let status = within(call).await.unwrap().unwrap_err();
    assert_eq!(
        status.code(),
        cordial_runtime::Code::Unavailable,
        "{status:?}"
    );
}

#[tokio::test]
async fn a_reader_that_stopped_is_cut() {
    let (serving, gone) = endless().await;
    let channel = serving.channel();
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let mut replies = replies.into_inner();
    replies.message().await.unwrap().unwrap();
    let took = stop(serving).await;
    assert!((GRACE..GRACE + SLACK).contains(&took), "{took:?}");
    gone.wait().await;
    drop(replies);
}

#[tokio::test]
async fn a_raw_reader_that_stopped_is_cut() {
    let (serving, gone) = endless().await;
    let mut frames = Frames::connect(serving.address()).await;
    frames.begin(1, SERVER_STREAMING.path()).await;
    frames.send(0, END_STREAM, 1, &frame(0, b"")).await;
    within(frames.next_of(HEADERS)).await.unwrap();
    let took = stop(serving).await;
    assert!((GRACE..GRACE + SLACK).contains(&took), "{took:?}");
    gone.wait().await;
}

#[tokio::test]
async fn an_http_1_peer_that_stopped_does_not_hold_it() {
    let (serving, _) = endless().await;
    let mut half = TcpStream::connect(serving.address()).await.unwrap();
    half.write_all(b"POST / HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    serving.channel().unary(UNARY, note("")).await.unwrap();
    let took = stop(serving).await;
    assert!(took < GRACE + SLACK, "{took:?}");
}

/// What is in flight ends well, and the server does not wait for the grace.
#[tokio::test]
async fn calls_in_flight_end() {
    let (start, mut started) = tokio::sync::mpsc::channel(1);
    let (finish, finished) = tokio::sync::watch::channel(false);
    let probe = Probe::echo().unary(move |request| {
        let (start, mut finished) = (start.clone(), finished.clone());
        async move {
            start.send(()).await.unwrap();
            finished.wait_for(|finished| *finished).await.unwrap();
            Ok(request.into_inner().into())
        }
    });
    let mut serving = Serving::start(Server::new().add(probe.routes())).await;
    let channel = serving.channel();
    let call = tokio::spawn(channel.unary(UNARY, note("in flight")).into_future());
    within(started.recv()).await.unwrap();
    serving.ask_to_stop();
    // Nobody listens any more once a new connection is refused.
    within(async {
        while TcpStream::connect(serving.address()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    finish.send(true).unwrap();
    let reply = within(call).await.unwrap().unwrap();
    assert_eq!(reply.into_inner().text, "in flight");
    serving.stopped().await;
}
