//! What attempts send, and what comes back.

use super::{budget, fake::*, hedge, loose, one, retry, within};
use crate::{
    engine::HttpBody,
    limits::{Limit, Limits},
    metrics::Metrics,
    retry::Budget,
};
use bytes::Bytes;
use http::HeaderValue;
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn every_attempt_sends_the_same() {
    let mut request = request();
    for (name, value) in [
        ("te", "trailers"),
        ("x", "one"),
        ("x", "two"),
        ("k-bin", "AAEC"),
    ] {
        request
            .headers_mut()
            .append(name, HeaderValue::from_static(value));
    }
    let wanted = request.headers().clone();
    let steps = "refused unavailable unsent unavailable ok";
    let run = run_with(request, retry(3), steps, &budget(), None).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("ok", 5));
    for mut seen in run.seen {
        seen.headers.remove("grpc-previous-rpc-attempts");
        assert_eq!(seen.headers, wanted);
        assert_eq!(seen.uri.path(), "/hello.v1.Greeter/SayHello");
        // What never left has not been read.
        assert!(seen.body == BODY || seen.body.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_sends_the_whole_message() {
    let run = run(hedge(3, 0), "hang hang ok@1", &budget(), None).await;
    assert!(run.seen.iter().all(|seen| seen.body == BODY));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_body_is_sent_again() {
    let request = request().map(|_| HttpBody::empty());
    let run = run_with(request, retry(3), "unavailable ok", &budget(), None).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("ok", 2));
}

#[tokio::test(start_paused = true)]
async fn attempts_go_where_none_has_been() {
    let run = run(retry(3), "unsent refused unavailable ok", &budget(), None).await;
    let tried: Vec<_> = run.seen.into_iter().map(|seen| seen.tried).collect();
    assert_eq!(tried, [vec![], vec![1], vec![1, 2], vec![1, 2, 3]]);
}

#[tokio::test(start_paused = true)]
async fn a_header_that_was_copied_along_is_not_believed() {
    let mut request = request();
    let copied = HeaderValue::from_static("3");
    request
        .headers_mut()
        .insert("grpc-previous-rpc-attempts", copied);
    let run = run_with(request, retry(3), "unavailable ok", &budget(), None).await;
    let previous: Vec<_> = run
        .seen
        .iter()
        .map(|seen| seen.header("grpc-previous-rpc-attempts"))
        .collect();
    assert_eq!(previous, [None, Some("1")]);
}

#[tokio::test(start_paused = true)]
async fn the_response_says_how_many_attempts_failed() {
    for (plan, steps, wanted) in [
        (retry(3), "ok", None),
        (retry(3), "refused ok", None),
        (retry(3), "unavailable ok", Some("1")),
        (retry(3), "unavailable unavailable ok", Some("2")),
        (hedge(3, 100), "ok", None),
        (hedge(3, 100), "hang ok", Some("1")),
    ] {
        let response = run(plan, steps, &budget(), None).await.ended;
        let response = response.expect("an answer");
        let previous = response.metadata().get("grpc-previous-rpc-attempts");
        assert_eq!(
            previous.and_then(|value| value.to_str().ok()),
            wanted,
            "{steps}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_message_is_sent_once() {
    let (metrics, limits) = (Metrics::default(), Limits::default());
    let budget = Arc::new(Budget::new(loose(), &limits, metrics.clone()));
    let message = |bytes| request().map(|_| HttpBody::from(Bytes::from(vec![7; bytes])));
    let most = limits.retry_bytes_per_call_max;

    let kept = run_with(message(most), retry(2), "unavailable ok", &budget, None).await;
    assert_eq!(kept.end(), "ok");
    assert_eq!(metrics.times_reached(Limit::RetryBytesPerCallMax), 0);
    let large = run_with(message(most + 1), retry(2), "unavailable", &budget, None).await;
    assert_eq!((large.end().as_str(), large.seen.len()), ("unavailable", 1));
    assert_eq!(metrics.times_reached(Limit::RetryBytesPerCallMax), 1);
    // What has not left is there still; what was refused is not.
    let unsent = run_with(message(most + 1), one(), "unsent ok", &budget, None).await;
    assert_eq!(
        (unsent.end().as_str(), unsent.seen[1].body.len()),
        ("ok", most + 1)
    );
    let refused = run_with(message(most + 1), one(), "refused", &budget, None).await;
    assert_eq!(refused.end(), "unavailable");
    // A hedge needs it, too.
    let hedged = run_with(message(most + 1), hedge(3, 10), "ok@100", &budget, None).await;
    assert_eq!((hedged.end().as_str(), hedged.seen.len()), ("ok", 1));
    assert_eq!(budget.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_share_what_a_channel_keeps() {
    let limits = Limits::default().with_retry_bytes_max(BODY.len());
    let budget = within(loose(), limits);
    let slow = tokio::spawn({
        let budget = budget.clone();
        async move { run(retry(2), "unavailable@1000 ok", &budget, None).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(budget.bytes(), BODY.len());
    let crowded = run(retry(2), "unavailable", &budget, None).await;
    assert_eq!(
        (crowded.end().as_str(), crowded.seen.len()),
        ("unavailable", 1)
    );
    assert_eq!(slow.await.expect("no panic").end(), "ok");
    assert_eq!(budget.bytes(), 0);
    let alone = run(retry(2), "unavailable ok", &budget, None).await;
    assert_eq!(alone.end(), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_keeps_nothing() {
    let budget = budget();
    for plan in [retry(3), hedge(3, 10)] {
        let steps = "hang hang hang";
        run(plan, steps, &budget, Some(100)).await;
        assert_eq!(budget.bytes(), 0);
    }
}
