//! Several connections to one address (gRFC A105).

use crate::common::*;
use cordial_runtime::{Channel, Code, Limit, Limits, Metric, Metrics, Server};
use futures_util::future::join_all;
use std::{sync::Arc, time::Duration};
use tokio::sync::Barrier;

/// A server that takes two calls at once on a connection and answers once `together`
/// are there, and a channel of at most `connections` to it.
async fn serving(together: usize, connections: usize) -> (Serving, Channel, Metrics) {
    let barrier = Arc::new(Barrier::new(together));
    let probe = Probe::echo().unary(move |request| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            Ok(cordial_runtime::Response::new(request.into_inner()))
        }
    });
    let limits = Limits::default().with_streams_per_connection_max(2);
    let server = Server::new().limits(limits).add(probe.routes());
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    let limits = Limits::default().with_connections_per_address_max(connections);
    let channel = serving.channel().with_limits(limits);
    (serving, channel, metrics)
}

async fn call_together(channel: &Channel, count: usize) {
    let calls = (0..count).map(|_| channel.unary(UNARY, note("")).into_future());
    let replies = within(join_all(calls)).await;
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
}

#[tokio::test]
async fn calls_beyond_what_a_connection_takes_go_on_another() {
    let (_serving, channel, metrics) = serving(6, 3).await;
    // None is answered before all of them have come.
    call_together(&channel, 6).await;
    call_together(&channel, 6).await;
    assert_eq!(metrics.connections_open(), 3);
}

#[tokio::test]
async fn there_are_no_more_connections_than_allowed() {
    let (_serving, channel, metrics) = serving(2, 1).await;
    call_together(&channel, 20).await;
    assert_eq!(metrics.connections_open(), 1);
    let limit = Limit::ConnectionsPerAddressMax.name();
    let reached = |metric: &Metric| metric.label.is_some_and(|(_, name)| name == limit);
    let reached = channel.metrics().into_iter().find(reached);
    assert!(
        reached.is_some_and(|metric| metric.value > 0),
        "{reached:?}"
    );
}

#[tokio::test]
async fn a_call_that_waits_for_a_place_notices_its_deadline() {
    let (_serving, channel, _) = serving(3, 1).await;
    let held: Vec<_> = (0..2)
        .map(|_| tokio::spawn(channel.unary(UNARY, note("")).into_future()))
        .collect();
    let late = channel
        .unary(UNARY, note(""))
        .timeout(Duration::from_millis(50));
    let status = within(late.into_future()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    held.iter().for_each(tokio::task::JoinHandle::abort);
}
