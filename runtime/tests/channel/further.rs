//! Several connections to one address (gRFC A105).

use crate::common::*;
use cordial_runtime::{
    Call, Channel, Code, Limit, Limits, Metric, Metrics, Response, Result, Server,
};
use futures_util::future::join_all;
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{Barrier, Semaphore},
    task::JoinHandle,
};

/// A server that takes two calls at once on a connection and answers once `together`
/// are there, and a channel of at most `connections` to it.
async fn serving(together: usize, connections: usize) -> (Serving, Channel, Metrics) {
    let barrier = Arc::new(Barrier::new(together));
    let probe = Probe::echo().unary(move |request| {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            Ok(Response::new(request.into_inner()))
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
    drop(channel);
    let hung_up = async {
        while metrics.connections_open() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(hung_up).await;
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

/// A server of two calls at once on a connection, and a channel of one connection. Its
/// calls arrive, and are answered when they are let go.
struct Held {
    _serving: Serving,
    channel: Channel,
    arrived: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

impl Held {
    async fn start() -> Self {
        let (arrived, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (arrives, goes) = (arrived.clone(), go.clone());
        let probe = Probe::echo().unary(move |request| {
            let (arrives, goes) = (arrives.clone(), goes.clone());
            async move {
                arrives.add_permits(1);
                goes.acquire().await.unwrap().forget();
                Ok(Response::new(request.into_inner()))
            }
        });
        let limits = Limits::default().with_streams_per_connection_max(2);
        let serving = Serving::start(Server::new().limits(limits).add(probe.routes())).await;
        let limits = Limits::default().with_connections_per_address_max(1);
        let channel = serving.channel().with_limits(limits);
        Self {
            _serving: serving,
            channel,
            arrived,
            go,
        }
    }

    /// Two calls that the server has.
    async fn two(&self) -> [JoinHandle<Result<Response<Note>>>; 2] {
        let calls = [(), ()].map(|()| tokio::spawn(self.call().into_future()));
        within(self.arrived.acquire_many(2)).await.unwrap().forget();
        calls
    }

    fn call(&self) -> Call<Note> {
        self.channel.unary(UNARY, note(""))
    }
}

#[tokio::test]
async fn a_call_that_waits_for_a_place_notices_its_deadline() {
    let held = Held::start().await;
    let two = held.two().await;
    let late = held.call().timeout(Duration::from_millis(50));
    let status = within(late.into_future()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    // It has left nothing behind.
    held.go.add_permits(3);
    within(held.call().into_future()).await.unwrap();
    for call in two {
        within(call).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_call_that_nobody_polls_keeps_no_other_from_its_place() {
    let held = Held::start().await;
    let two = held.two().await;
    let mut unpolled = pin!(held.call().into_future());
    assert!(futures_util::poll!(unpolled.as_mut()).is_pending());
    let mut waits = tokio::spawn(held.call().into_future());
    held.go.add_permits(2);
    for call in two {
        within(call).await.unwrap().unwrap();
    }
    held.go.add_permits(2);
    within(&mut waits).await.unwrap().unwrap();
    within(held.call().into_future()).await.unwrap();
    held.go.add_permits(1);
    within(unpolled).await.unwrap();
}
