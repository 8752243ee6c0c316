//! Deadlines: seen by the handler, held by both sides, to the last message.

use crate::{Over, common::*, over_each};
use cordial_runtime::{Code, Response};
use futures_util::{StreamExt, stream};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

over_each! {
    a_handler_sees_the_deadline
    a_passed_deadline_reaches_no_handler
    a_slow_handler_is_dropped
    a_slow_stream_is_dropped
    a_slow_request_stream_ends_the_call
    a_deadline_holds_for_every_kind
    a_timeout_may_be_endless
}

const SHORT: Duration = Duration::from_millis(60);

async fn a_handler_sees_the_deadline(over: Over) {
    let probe = Probe::echo().unary(|request| async move {
        let left = request.deadline().map(|deadline| deadline.remaining());
        let left = left.map_or(0, |left| left.as_secs_f64().ceil() as u64);
        Ok(Note {
            number: left,
            ..Note::default()
        }
        .into())
    });
    let channel = over.probe(probe).await;
    let reply = channel.unary(UNARY, note("")).await.unwrap();
    // Nobody set one: that of `Limits::call_timeout`.
    assert!((50..=60).contains(&reply.get_ref().number), "{reply:?}");
    let timeout = Duration::from_secs(1_000);
    let reply = channel
        .unary(UNARY, note(""))
        .timeout(timeout)
        .await
        .unwrap();
    assert!((990..=1_000).contains(&reply.get_ref().number), "{reply:?}");
}

async fn a_passed_deadline_reaches_no_handler(over: Over) {
    let probe = Probe::echo().unary(|_| async { panic!("nobody waits for this") });
    let channel = over.probe(probe).await;
    let call = channel.unary(UNARY, note("")).timeout(Duration::ZERO);
    assert_eq!(call.await.unwrap_err().code(), Code::DeadlineExceeded);
}

/// What `alive` gives, taken by the first call of a handler.
fn once() -> (impl Fn() -> Alive + Clone + Send + Sync, Gone) {
    let (alive, gone) = alive();
    let alive = Arc::new(Mutex::new(Some(alive)));
    (move || alive.lock().unwrap().take().unwrap(), gone)
}

async fn a_slow_handler_is_dropped(over: Over) {
    let (alive, gone) = once();
    let probe = Probe::echo().unary(move |_| {
        let alive = alive();
        async move {
            std::future::pending::<()>().await;
            drop(alive);
            Ok(note("").into())
        }
    });
    let channel = over.probe(probe).await;
    let status = channel
        .unary(UNARY, note(""))
        .timeout(SHORT)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("deadline"), "{status:?}");
    gone.wait().await;
}

async fn a_slow_stream_is_dropped(over: Over) {
    let (alive, gone) = once();
    let probe = Probe::echo().server_streaming(move |_| {
        let alive = alive();
        async move {
            let endless = stream::pending().map(move |()| {
                let _held = &alive;
                Ok(note("never"))
            });
            Ok(Response::new(
                stream::iter([Ok(note("first"))]).chain(endless).boxed(),
            ))
        }
    });
    let channel = over.probe(probe).await;
    let call = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .timeout(SHORT);
    let mut replies = call.await.unwrap().into_inner();
    assert_eq!(replies.message().await.unwrap().unwrap().text, "first");
    let status = replies.message().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    gone.wait().await;
}

async fn a_slow_request_stream_ends_the_call(over: Over) {
    let (alive, gone) = alive();
    let channel = over.probe(Probe::echo()).await;
    let silent = stream::pending().map(move |()| {
        let _held = &alive;
        note("never")
    });
    let call = channel
        .client_streaming(CLIENT_STREAMING, silent)
        .timeout(SHORT);
    assert_eq!(call.await.unwrap_err().code(), Code::DeadlineExceeded);
    gone.wait().await;
}

async fn a_deadline_holds_for_every_kind(over: Over) {
    let probe = Probe::echo()
        .unary(|_| std::future::pending())
        .server_streaming(|_| std::future::pending())
        .client_streaming(|_| std::future::pending())
        .bidi(|_| std::future::pending());
    let channel = over.probe(probe).await;
    let silent = || stream::pending::<Note>();
    let (one, two, three, four) = tokio::join!(
        channel.unary(UNARY, note("")).timeout(SHORT).into_future(),
        channel
            .server_streaming(SERVER_STREAMING, note(""))
            .timeout(SHORT)
            .into_future(),
        channel
            .client_streaming(CLIENT_STREAMING, silent())
            .timeout(SHORT)
            .into_future(),
        channel
            .bidi_streaming(BIDI, silent())
            .timeout(SHORT)
            .into_future(),
    );
    let ended = [one.err(), two.err(), three.err(), four.err()];
    let codes = ended.map(|status| status.unwrap().code());
    assert_eq!(codes, [Code::DeadlineExceeded; 4]);
}

async fn a_timeout_may_be_endless(over: Over) {
    let channel = over.probe(Probe::echo()).await;
    let reply = channel
        .unary(UNARY, note("a"))
        .timeout(Duration::MAX)
        .await
        .unwrap();
    assert_eq!(reply.into_inner().text, "a");
}
