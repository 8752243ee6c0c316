//! Streamed requests, read by one attempt after another or by several at once.

use super::{budget, fake::*, hedge, loose, millis, one, retry, within};
use crate::{
    engine::{BoxError, HttpBody},
    limits::{Limit, Limits},
    metrics::Metrics,
    retry::{Budget, replay::Replay},
    status::{Code, Status},
};
use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// A body fed by a test.
struct Fed(mpsc::Receiver<Result<Bytes, Status>>);

type Feed = mpsc::Sender<Result<Bytes, Status>>;

impl Body for Fed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = self.0.poll_recv(cx);
        next.map(|next| next.map(|piece| piece.map(Frame::data).map_err(Into::into)))
    }
}

fn streamed() -> (Feed, Request<HttpBody>) {
    let (feed, fed) = mpsc::channel(16);
    (feed, request().map(|_| HttpBody::new(Fed(fed))))
}

/// A request that streams these pieces and ends.
async fn of(pieces: &[&'static str]) -> Request<HttpBody> {
    let (feed, request) = streamed();
    for piece in pieces {
        feed.send(Ok(Bytes::from_static(piece.as_bytes())))
            .await
            .expect("room");
    }
    request
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_sent_again_from_its_start() {
    for (plan, steps) in [
        (retry(3), "unavailable unavailable ok"),
        (one(), "refused ok"),
        (retry(3), "refused unavailable ok"),
        (hedge(3, 10), "hang hang ok"),
        (hedge(3, 0), "hang hang ok@1"),
    ] {
        let budget = budget();
        let request = of(&["one", "two", "three"]).await;
        let run = run_with(request, plan, steps, &budget, None).await;
        assert_eq!(run.end(), "ok", "{steps}");
        assert!(
            run.seen.iter().all(|seen| seen.body == b"onetwothree"),
            "{steps}"
        );
        assert_eq!(budget.bytes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_left_is_sent_unread() {
    let request = of(&["one", "two"]).await;
    let run = run_with(request, one(), "unsent ok", &budget(), None).await;
    assert_eq!(run.seen[1].body, b"onetwo");
}

#[tokio::test(start_paused = true)]
async fn a_stream_too_long_is_sent_once() {
    let metrics = Metrics::default();
    let limits = Limits::default().with_retry_bytes_per_call_max(100);
    let budget = Arc::new(Budget::new(loose(), &limits, metrics.clone()));
    // 24 to 32 bytes of each piece are the list's own.
    let short = run_with(
        of(&["one"]).await,
        retry(2),
        "unavailable ok",
        &budget,
        None,
    )
    .await;
    assert_eq!(short.end(), "ok");
    let pieces = ["0123456789012345678901234567890123456789"; 4];
    let long = run_with(of(&pieces).await, retry(2), "unavailable", &budget, None).await;
    assert_eq!(
        (long.end().as_str(), long.seen[0].body.len()),
        ("unavailable", 160)
    );
    assert_eq!(metrics.times_reached(Limit::RetryBytesPerCallMax), 1);
    assert_eq!(budget.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hedged_stream_too_long_goes_on_with_one() {
    let limits = Limits::default().with_retry_bytes_per_call_max(100);
    let budget = within(loose(), limits);
    let (feed, request) = streamed();
    let fed = tokio::spawn(async move {
        for _ in 0..8 {
            tokio::time::sleep(millis(25)).await;
            let piece = Bytes::from_static(b"0123456789");
            feed.send(Ok(piece)).await.expect("a reader");
        }
    });
    let run = run_with(request, hedge(3, 30), "ok ok ok", &budget, None).await;
    fed.await.expect("no panic");
    assert_eq!(run.end(), "ok");
    let whole = run.seen.iter().filter(|seen| seen.body.len() == 80);
    assert_eq!((whole.count(), run.seen.len()), (1, 3));
    // The others' requests were cut short at 75 ms, and what they are answered is not taken.
    assert!(run.took >= millis(200), "{:?}", run.took);
    assert_eq!(budget.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_by_itself_is_not_sent_again() {
    let (feed, request) = streamed();
    feed.send(Ok(Bytes::from_static(b"one")))
        .await
        .expect("room");
    feed.send(Err(Status::unavailable("no more")))
        .await
        .expect("room");
    let run = run_with(request, retry(3), "unavailable", &budget(), None).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("unavailable", 1));
}

/// A replay of a stream, and its first reader's body.
fn replay(budget: &Arc<Budget>) -> (Feed, Replay<'_>, HttpBody) {
    let (feed, request) = streamed();
    let (replay, first) = Replay::new(request, budget, false);
    (feed, replay, first.request.into_body())
}

async fn feed_one(feed: &Feed, piece: &'static str) {
    feed.send(Ok(Bytes::from_static(piece.as_bytes())))
        .await
        .expect("room");
}

async fn text(body: &mut HttpBody) -> String {
    let piece = data(body).await.unwrap_or_default();
    String::from_utf8_lossy(&piece).into_owned()
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_of_what_another_has_read() {
    let budget = budget();
    let (feed, replay, mut first) = replay(&budget);
    let mut second = replay.again(1).expect("kept").request.into_body();
    let waiting = tokio::spawn(async move { text(&mut first).await });
    tokio::task::yield_now().await;
    feed_one(&feed, "one").await;
    assert_eq!(text(&mut second).await, "one");
    assert_eq!(waiting.await.expect("no panic"), "one");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_of_it_though_the_last_to_ask_is_gone() {
    let budget = budget();
    let (feed, replay, mut first) = replay(&budget);
    let second = replay.again(1).expect("kept").request.into_body();
    let waiting = tokio::spawn(async move { text(&mut first).await });
    tokio::task::yield_now().await;
    let mut asked = tokio::spawn(async move {
        let mut second = second;
        text(&mut second).await
    });
    tokio::select! {
        biased;
        _ = &mut asked => unreachable!("nothing was fed"),
        () = tokio::task::yield_now() => asked.abort(),
    }
    assert!(asked.await.is_err());
    feed_one(&feed, "one").await;
    assert_eq!(waiting.await.expect("no panic"), "one");
}

#[tokio::test(start_paused = true)]
async fn the_one_that_is_answered_reads_on_alone() {
    let budget = budget();
    let (feed, replay, mut first) = replay(&budget);
    feed_one(&feed, "one").await;
    feed_one(&feed, "two").await;
    assert_eq!(text(&mut first).await, "one");
    assert_eq!(text(&mut first).await, "two");
    let second = replay.again(1).expect("kept");
    let (reader, mut second) = (second.reader, second.request.into_body());
    assert_eq!(text(&mut second).await, "one");
    assert!(budget.bytes() > 0);
    replay.commit(reader);
    // What it has not read is kept for it, and for nobody else.
    assert!(replay.again(2).is_none());
    assert!(!replay.is_kept());
    let lost = std::future::poll_fn(|cx| Pin::new(&mut first).poll_frame(cx)).await;
    let lost = lost.expect("an error").expect_err("an error");
    let lost = lost.downcast::<Status>().expect("a status");
    assert_eq!(lost.code(), Code::Cancelled);
    assert_eq!(text(&mut second).await, "two");
    assert_eq!(budget.bytes(), 0);
    feed_one(&feed, "three").await;
    assert_eq!(text(&mut second).await, "three");
    assert_eq!(budget.bytes(), 0);
    drop(feed);
    assert!(data(&mut second).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_failed_reads_no_further() {
    let budget = budget();
    let (feed, replay, mut first) = replay(&budget);
    feed_one(&feed, "one").await;
    assert_eq!(text(&mut first).await, "one");
    replay.retire(0);
    feed_one(&feed, "two").await;
    assert!(data(&mut first).await.is_none());
    let mut second = replay.again(1).expect("kept").request.into_body();
    assert_eq!(text(&mut second).await, "one");
    assert_eq!(text(&mut second).await, "two");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_stream_is_the_end_for_all() {
    let budget = budget();
    let (feed, replay, mut first) = replay(&budget);
    feed_one(&feed, "one").await;
    drop(feed);
    assert_eq!(text(&mut first).await, "one");
    assert!(!first.is_end_stream());
    assert!(data(&mut first).await.is_none());
    assert!(first.is_end_stream());
    let mut second = replay.again(1).expect("kept").request.into_body();
    assert!(!second.is_end_stream());
    assert_eq!(text(&mut second).await, "one");
    assert!(second.is_end_stream());
    assert!(data(&mut second).await.is_none());
}
