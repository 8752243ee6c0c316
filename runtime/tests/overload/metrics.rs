//! What a server counts.

use crate::common::*;
use cordial_runtime::{Limit, Limits, MetricKind, Server};
use std::collections::HashSet;

#[tokio::test]
async fn each_limit_has_one_metric_and_every_metric_an_explanation() {
    let metrics = Server::new().metrics();
    let all: Vec<_> = metrics.iter().collect();
    let told_apart: HashSet<_> = all
        .iter()
        .map(|metric| (metric.name, metric.label))
        .collect();
    assert_eq!(told_apart.len(), all.len());
    for limit in Limit::ALL {
        let label = Some(("limit", limit.name()));
        let of_it = all.iter().filter(|metric| metric.label == label);
        assert_eq!(of_it.count(), 1, "{}", limit.name());
    }
    for metric in &all {
        assert!(metric.help.ends_with('.'), "{metric:?}");
        let counter = metric.kind == MetricKind::Counter;
        assert_eq!(metric.name.ends_with("_total"), counter, "{metric:?}");
    }
    // A limit is called what its field is called.
    let limits = format!("{:?}", Limits::default());
    for limit in Limit::ALL {
        assert!(
            limits.contains(&format!("{}: ", limit.name())),
            "{}",
            limit.name()
        );
    }
}

#[tokio::test]
async fn what_is_reached_is_counted_while_it_serves_and_after() {
    let limits = Limits::default().with_message_bytes_max(10);
    let server = Server::new().limits(limits).add(Probe::echo().routes());
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    let channel = serving.channel();
    channel.unary(UNARY, note("fits")).await.unwrap();
    assert_eq!(metrics.times_reached(Limit::MessageBytesMax), 0);
    for count in 1..=2 {
        channel
            .unary(UNARY, note("more than fits"))
            .await
            .unwrap_err();
        assert_eq!(metrics.times_reached(Limit::MessageBytesMax), count);
    }
    drop(serving);
    let shown = metrics
        .iter()
        .find(|metric| metric.label == Some(("limit", "message_bytes_max")));
    assert_eq!(shown.unwrap().value, 2);
    assert_eq!(
        metrics.concurrency_limit(),
        Limits::default().calls_max as u64
    );
}
