//! A well-behaved client that shares the server with the bad one.

use crate::{
    Result,
    subject::{
        COUNT, ECHO,
        message::{Count, Note},
    },
};
use cordial_runtime::Channel;
use serde::Serialize;
use std::{future::Future, net::SocketAddr, pin::pin, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

/// One call each, whatever became of the one before.
const INTERVAL: Duration = Duration::from_millis(5);
const TIMEOUT: Duration = Duration::from_secs(5);
const PAYLOAD_BYTES: usize = 256;
const WARM_UP_CALLS: usize = 100;

#[derive(Clone, Debug)]
pub(crate) struct Neighbour(Channel);

/// What its calls were like.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Calls {
    pub(crate) made: usize,
    pub(crate) failed: usize,
    /// Of the time from when a call was due until its reply.
    pub(crate) p99_millis: f64,
}

impl Neighbour {
    /// A client that has made some calls.
    pub(crate) async fn to(address: SocketAddr) -> Result<Self> {
        let neighbour = Self(Channel::to(format!("http://{address}"))?);
        for _ in 0..WARM_UP_CALLS {
            if !neighbour.call().await {
                return Err("a call failed before anything was sent to harm it".into());
            }
        }
        Ok(neighbour)
    }

    async fn call(&self) -> bool {
        let note = Note {
            payload: vec![1; PAYLOAD_BYTES],
            number: 0,
        };
        let reply = self.0.unary(ECHO, note).timeout(TIMEOUT).await;
        reply.is_ok_and(|reply| reply.into_inner().payload.len() == PAYLOAD_BYTES)
    }

    /// Calls at a constant rate until `end`.
    pub(crate) async fn calls_until(&self, end: impl Future<Output = ()>) -> Calls {
        let mut end = pin!(end);
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut calls = JoinSet::new();
        loop {
            let due = tokio::select! {
                biased;
                () = &mut end => break,
                due = ticks.tick() => due,
            };
            let neighbour = self.clone();
            calls.spawn(async move {
                let fine = neighbour.call().await;
                (fine, Instant::now() - due)
            });
        }
        let calls = calls.join_all().await;
        let mut took: Vec<_> = calls.iter().map(|(_, took)| *took).collect();
        took.sort();
        Calls {
            made: calls.len(),
            failed: calls.iter().filter(|(fine, _)| !fine).count(),
            p99_millis: percentile(&took, 99).as_secs_f64() * 1e3,
        }
    }

    /// What runs at the server.
    pub(crate) async fn count(&self) -> Result<Count> {
        let reply = self
            .0
            .unary(COUNT, Note::default())
            .timeout(TIMEOUT)
            .await?;
        Ok(reply.into_inner())
    }
}

/// Of values in order; the highest of fewer than a hundred.
fn percentile(ordered: &[Duration], percent: usize) -> Duration {
    let at = (ordered.len() * percent).div_ceil(100);
    at.checked_sub(1).map_or(Duration::ZERO, |at| ordered[at])
}

#[cfg(test)]
mod tests {
    use super::percentile;
    use std::time::Duration;

    #[test]
    fn the_rank_of_a_percentile() {
        let millis = |count: u64| (1..=count).map(Duration::from_millis).collect::<Vec<_>>();
        assert_eq!(percentile(&[], 99), Duration::ZERO);
        assert_eq!(percentile(&millis(10), 99), Duration::from_millis(10));
        assert_eq!(percentile(&millis(200), 99), Duration::from_millis(198));
    }
}
