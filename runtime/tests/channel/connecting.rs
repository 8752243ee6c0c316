//! When a channel connects, and what calls hear while it cannot.

use crate::common::{raw::*, *};
use cordial_runtime::{Channel, Code, Server};
use futures_util::future::join_all;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

fn echo() -> Server {
    Server::new().add(Probe::echo().routes())
}

/// An address where nobody listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_channel_connects_once_for_all_its_clones() {
    let seen = Arc::new(AtomicUsize::new(0));
    let connections = seen.clone();
    let server = RawServer::start(move |mut asked: Asked| {
        connections.fetch_max(asked.connection + 1, Ordering::SeqCst);
        async move {
            let head = http::Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", "5");
            asked
                .respond
                .send_response(head.body(()).unwrap(), true)
                .unwrap();
        }
    })
    .await;
    let channel = Channel::to(&server.uri).unwrap();
    let calls = (0..50).map(|_| channel.clone().unary(UNARY, note("")).into_future());
    for reply in within(join_all(calls)).await {
        assert_eq!(reply.unwrap_err().code(), Code::NotFound);
    }
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_channel_survives_a_restart() {
    let mut serving = Serving::start(echo()).await;
    let address = serving.address().to_owned();
    let channel = serving.channel();
    for _ in 0..3 {
        channel.unary(UNARY, note("")).await.unwrap();
        serving.ask_to_stop();
        serving.stopped().await;
        serving = Serving::start_at(echo(), &address).await;
    }
    channel.unary(UNARY, note("")).await.unwrap();
}

#[tokio::test]
async fn calls_fail_fast_while_nobody_listens() {
    let address = nowhere().await;
    let channel = Channel::to(format!("http://{address}")).unwrap();
    let started = Instant::now();
    let calls = (0..20).map(|_| channel.unary(UNARY, note("")).into_future());
    for reply in within(join_all(calls)).await {
        let status = reply.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(status.message().contains(&address), "{status:?}");
    }
    // Someone listens now, but the channel backs off for a second.
    let _serving = Serving::start_at(echo(), &address).await;
    let status = channel.unary(UNARY, note("")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        started.elapsed() < Duration::from_millis(700),
        "failing was not fast"
    );
    // Whoever waits gets through once it tries again.
    let waited = channel
        .unary(UNARY, note(""))
        .wait_for_ready()
        .into_future();
    within(waited).await.unwrap();
    assert!(
        started.elapsed() > Duration::from_millis(700),
        "there was no backoff"
    );
    channel.unary(UNARY, note("")).await.unwrap();
}

#[tokio::test]
async fn a_call_may_wait_until_the_server_is_up() {
    let address = nowhere().await;
    let channel = Channel::to(format!("http://{address}")).unwrap();
    let calls = (0..5).map(|_| {
        channel
            .unary(UNARY, note(""))
            .wait_for_ready()
            .into_future()
    });
    let calls = tokio::spawn(join_all(calls));
    // The first attempt has failed by then.
    channel.unary(UNARY, note("")).await.unwrap_err();
    let _serving = Serving::start_at(echo(), &address).await;
    for reply in within(calls).await.unwrap() {
        reply.unwrap();
    }
}

#[tokio::test]
async fn a_call_waits_no_longer_than_its_deadline() {
    let channel = Channel::to(format!("http://{}", nowhere().await)).unwrap();
    let call = channel
        .unary(UNARY, note(""))
        .wait_for_ready()
        .timeout(Duration::from_millis(60));
    let status = within(call.into_future()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

/// The kernel takes connections for a server that does not serve yet; the time
/// that calls wait there is no longer theirs.
#[tokio::test]
async fn the_server_is_told_what_is_left_when_the_call_is_sent() {
    const LATE: Duration = Duration::from_millis(200);
    let probe = Probe::echo().unary(|request| async move {
        let left = request.deadline().unwrap().remaining();
        Ok(Note {
            number: left.as_millis() as u64,
            ..Note::default()
        }
        .into())
    });
    let bound = Server::new()
        .add(probe.routes())
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let channel = Channel::to(bound.uri()).unwrap();
    let call = channel
        .unary(UNARY, note(""))
        .timeout(Duration::from_secs(10));
    let serve = async {
        tokio::time::sleep(LATE).await;
        bound.serve().await;
    };
    let reply = within(async {
        tokio::select! {
            reply = call.into_future() => reply.unwrap(),
            () = serve => unreachable!("nobody stops it"),
        }
    });
    let left = reply.await.into_inner().number;
    assert!(
        left <= 9_800 + 20,
        "{left} ms are left of 10 s after {LATE:?}"
    );
}

/// An attempt to connect that its runtime takes along is none of the next one's.
#[test]
fn a_channel_outlives_a_runtime() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let channel = Channel::to(format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    runtime().block_on(async {
        let call = channel
            .unary(UNARY, note(""))
            .timeout(Duration::from_millis(20));
        call.await.unwrap_err();
    });
    runtime().block_on(async {
        let listener = TcpListener::from_std(listener).unwrap();
        let serving = tokio::spawn(echo().serve(listener));
        for _ in 0..2 {
            within(channel.unary(UNARY, note("")).into_future())
                .await
                .unwrap();
        }
        serving.abort();
    });
    // The connection made there is gone with it, too.
    runtime().block_on(async {
        let call = channel
            .unary(UNARY, note(""))
            .timeout(Duration::from_secs(5));
        let status = call.await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    });
}
