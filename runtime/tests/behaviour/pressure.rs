//! A stream runs ahead of its reader only so far.

use crate::{Over, common::*, over_each};
use cordial_runtime::{BoxStream, Response};
use futures_util::{StreamExt, stream};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

over_each! {
    a_reply_stream_waits_for_its_reader
    a_request_stream_waits_for_its_reader
}

/// Large enough that a few dozen fill any window.
const BYTES: usize = 64 << 10;

/// In process: 16 messages wait, one is in the reader's hand, one in the
/// sender's. On the wire: what the windows and the send buffer hold, below 8 MiB.
fn ahead_max(over: Over) -> u64 {
    match over {
        Over::InProcess | Over::Name => 18,
        Over::Wire => (8 << 20) / BYTES as u64,
    }
}

/// An endless stream that counts what was taken from it.
fn counted<T>(
    made: &Arc<AtomicU64>,
    item: fn(Note) -> T,
) -> impl stream::Stream<Item = T> + use<T> {
    let made = made.clone();
    stream::repeat_with(move || {
        let number = made.fetch_add(1, Ordering::SeqCst);
        item(Note {
            number,
            payload: vec![1; BYTES],
            ..Note::default()
        })
    })
}

async fn a_reply_stream_waits_for_its_reader(over: Over) {
    let made = Arc::new(AtomicU64::new(0));
    let counter = made.clone();
    let probe = Probe::echo().server_streaming(move |_| {
        let replies: BoxStream<Note> = counted(&counter, Ok).boxed();
        async move { Ok(Response::new(replies)) }
    });
    let channel = over.probe(probe).await;
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let mut replies = replies.into_inner();
    for read in 0..100 {
        assert_eq!(replies.message().await.unwrap().unwrap().number, read);
        // Whole calls in between: time enough to run ahead.
        for _ in 0..5 {
            channel.unary(UNARY, note("")).await.unwrap();
            tokio::task::yield_now().await;
        }
        let ahead = made.load(Ordering::SeqCst) - read;
        assert!(ahead <= ahead_max(over), "{ahead} after {read}");
    }
}

async fn a_request_stream_waits_for_its_reader(over: Over) {
    let made = Arc::new(AtomicU64::new(0));
    // A handler that never reads, and replies at once.
    let probe = Probe::echo().bidi(|request| async {
        let held = stream::pending().map(move |()| {
            let _held = &request;
            Ok(note("never"))
        });
        Ok(Response::new(held.boxed()))
    });
    let channel = over.probe(probe).await;
    let _replies = channel
        .bidi_streaming(BIDI, counted(&made, |note| note))
        .await
        .unwrap();
    for _ in 0..200 {
        // One reader that stopped does not hold up the calls beside it.
        channel.unary(UNARY, note("")).await.unwrap();
        tokio::task::yield_now().await;
    }
    let ahead = made.load(Ordering::SeqCst);
    assert!((1..=ahead_max(over)).contains(&ahead), "{ahead}");
}
