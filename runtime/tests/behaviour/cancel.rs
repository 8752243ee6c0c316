//! A caller that stops waiting stops the work, on both sides, at once.

use crate::{Over, common::*, over_each};
use cordial_runtime::Response;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, oneshot};

over_each! {
    dropping_a_call_drops_the_handler
    dropping_a_call_drops_its_request_stream
    dropping_a_reply_stream_drops_the_handlers
    dropping_a_reply_stream_drops_the_request_stream
    dropping_a_busy_reply_stream_drops_the_handlers
    ending_a_call_drops_its_request_stream
}

/// A value for the first call of a handler.
fn once<T: Send>(value: T) -> impl Fn() -> T + Send + Sync {
    let value = Arc::new(Mutex::new(Some(value)));
    move || value.lock().unwrap().take().unwrap()
}

/// A stream that never yields and lives as long as `alive`.
fn silent<T: Send + 'static>(alive: Alive) -> impl Stream<Item = T> + Send {
    stream::pending().map(move |item: T| {
        let _held = &alive;
        item
    })
}

async fn dropping_a_call_drops_the_handler(over: Over) {
    let (alive, gone) = alive();
    let (started, starting) = oneshot::channel();
    let handed = once((alive, started));
    let probe = Probe::echo().unary(move |_| {
        let (alive, started) = handed();
        async move {
            let _held = alive;
            started.send(()).unwrap();
            std::future::pending().await
        }
    });
    let channel = over.probe(probe).await;
    let mut call = channel.unary(UNARY, note("")).into_future();
    tokio::select! {
        _ = &mut call => unreachable!("the handler never replies"),
        started = starting => started.unwrap(),
    }
    drop(call);
    gone.wait().await;
    // The channel is none the worse for it.
    let other = channel.client_streaming(CLIENT_STREAMING, stream::empty());
    other.await.unwrap();
}

async fn dropping_a_call_drops_its_request_stream(over: Over) {
    let (request, request_gone) = alive();
    let (handler, handler_gone) = alive();
    let (started, starting) = oneshot::channel();
    let handed = once((handler, started));
    let probe = Probe::echo().client_streaming(move |request| {
        let (alive, started) = handed();
        async move {
            let _held = alive;
            started.send(()).unwrap();
            request.into_inner().message().await?;
            Ok(note("").into())
        }
    });
    let channel = over.probe(probe).await;
    let mut call = channel
        .client_streaming(CLIENT_STREAMING, silent(request))
        .into_future();
    tokio::select! {
        _ = &mut call => unreachable!("the request never ends"),
        started = starting => started.unwrap(),
    }
    drop(call);
    request_gone.wait().await;
    handler_gone.wait().await;
}

async fn dropping_a_reply_stream_drops_the_handlers(over: Over) {
    let (alive, gone) = alive();
    let handed = once(alive);
    let probe = Probe::echo().server_streaming(move |_| {
        let replies = stream::iter([Ok(note("first"))]).chain(silent(handed()));
        async move { Ok(Response::new(replies.boxed())) }
    });
    let channel = over.probe(probe).await;
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let mut replies = replies.into_inner();
    assert_eq!(replies.message().await.unwrap().unwrap().text, "first");
    drop(replies);
    gone.wait().await;
}

/// Nothing is being sent either way, so nothing else would tell the server.
async fn dropping_a_reply_stream_drops_the_request_stream(over: Over) {
    let (request, request_gone) = alive();
    let (reply, reply_gone) = alive();
    let handed = once(reply);
    let probe = Probe::echo().bidi(move |request| {
        let alive = handed();
        let replies = request.into_inner().inspect(move |_| {
            let _held = &alive;
        });
        async move { Ok(Response::new(replies.boxed())) }
    });
    let channel = over.probe(probe).await;
    let notes = stream::iter([note("first")]).chain(silent(request));
    let mut replies = channel
        .bidi_streaming(BIDI, notes)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(replies.message().await.unwrap().unwrap().text, "first");
    drop(replies);
    request_gone.wait().await;
    reply_gone.wait().await;
}

async fn dropping_a_busy_reply_stream_drops_the_handlers(over: Over) {
    let (alive, gone) = alive();
    let handed = once(alive);
    let probe = Probe::echo().server_streaming(move |_| {
        let alive = handed();
        let replies = stream::repeat_with(move || {
            let _held = &alive;
            Ok(Note {
                payload: vec![7; 50_000],
                ..Note::default()
            })
        });
        async move { Ok(Response::new(replies.boxed())) }
    });
    let channel = over.probe(probe).await;
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let mut replies = replies.into_inner();
    replies.message().await.unwrap().unwrap();
    drop(replies);
    gone.wait().await;
}

async fn ending_a_call_drops_its_request_stream(over: Over) {
    let (request, request_gone) = alive();
    let probe = Probe::echo()
        .bidi(|_| async { Ok(Response::new(stream::iter([Ok(note("only"))]).boxed())) });
    let channel = over.probe(probe).await;
    let replies = channel.bidi_streaming(BIDI, silent(request)).await.unwrap();
    let mut replies = replies.into_inner();
    assert_eq!(replies.message().await.unwrap().unwrap().text, "only");
    assert_eq!(replies.message().await.unwrap(), None);
    request_gone.wait().await;
}

/// Cancellation safe: a message is never lost between two calls of `message`.
#[tokio::test]
async fn waiting_for_a_message_may_be_given_up() {
    let (say, said) = mpsc::channel(4);
    let mut notes =
        cordial_runtime::Streaming::new(tokio_stream::wrappers::ReceiverStream::new(said).map(Ok));
    assert!(notes.message().now_or_never().is_none());
    say.send(note("kept")).await.unwrap();
    assert_eq!(notes.message().await.unwrap(), Some(note("kept")));
}
