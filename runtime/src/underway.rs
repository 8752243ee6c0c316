//! A call on a subchannel, from its start to its last byte.

use crate::{
    balance::{InFlight, LoadReport},
    deadline::Deadline,
    outlier::{Health, Outcome},
    status::Status,
};
use std::sync::Arc;
use tonic::metadata::MetadataMap;

/// Keeps a subchannel busy, and tells its load and its health how it went. One
/// that is dropped before it [`ended`](Self::ended) was given up, which speaks of
/// the address only if its time was over.
#[derive(Debug)]
pub(crate) struct Underway {
    in_flight: InFlight,
    health: Option<Arc<Health>>,
    era: u32,
    deadline: Option<Deadline>,
    /// Something of it may have reached the peer.
    begun: bool,
}

impl Underway {
    pub(crate) fn new(
        in_flight: InFlight,
        health: Arc<Health>,
        deadline: Option<Deadline>,
    ) -> Self {
        Self {
            in_flight,
            era: health.era(),
            health: Some(health),
            deadline,
            begun: false,
        }
    }

    /// It leaves now. Until then it waited for a place, which speaks of nobody's health:
    /// a busy address is not ill.
    pub(crate) fn begun(&mut self) {
        self.begun = true;
    }

    /// The head of its response came.
    pub(crate) fn answered(&mut self) {
        self.in_flight.ended(true);
    }

    /// It has ended: well, with these trailers, or with this status.
    pub(crate) fn ended(mut self, how: Result<&MetadataMap, &mut Status>) {
        let outcome = match how {
            Ok(trailers) => {
                self.in_flight.hear(trailers);
                Outcome::Answered
            }
            Err(status) => {
                self.in_flight.hear(status.metadata());
                LoadReport::detach_from(status);
                Outcome::of(status)
            }
        };
        // One that says nothing counts as given up.
        if outcome != Outcome::Silent {
            self.in_flight.ended(!outcome.is_failure());
        }
        if let Some(health) = self.health.take() {
            health.record(self.era, outcome);
        }
    }

    /// Nothing of it reached the peer, which says nothing of it.
    pub(crate) fn forget(mut self) {
        self.health = None;
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if let Some(health) = self.health.take()
            && self.begun
            && self.deadline.is_some_and(|deadline| deadline.has_passed())
        {
            health.record(self.era, Outcome::Failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        balance::Load,
        endpoint::Address,
        outlier::{OutlierDetection, Outliers},
        status::Code,
    };
    use std::time::Duration;
    use tokio::time::advance;

    /// What a subchannel counts as, in milliseconds, whose first call has ended
    /// after 1 ms.
    async fn latency_after(how: Result<&MetadataMap, &mut Status>) -> Option<u128> {
        let address = Address::Tcp(([127, 0, 0, 1], 1).into());
        let health = Outliers::new(OutlierDetection::new()).add(1, &address);
        let load = Arc::new(Load::new());
        let call = Underway::new(load.start(), health, None);
        advance(Duration::from_millis(1)).await;
        call.ended(how);
        load.latency().map(|latency| latency.as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_or_refuses_at_once_does_not_look_quick() {
        let status = |code| Some(Status::new(code, ""));
        let refused = status(Code::Unavailable).map(|mut status| {
            let metadata = status.metadata_mut();
            metadata.insert("grpc-retry-pushback-ms", 100.into());
            status
        });
        for (mut status, expected) in [
            (None, Some(1)),
            (status(Code::NotFound), Some(1)),
            (status(Code::Cancelled), None),
            (status(Code::Unavailable), Some(100)),
            (status(Code::Internal), Some(100)),
            (refused, Some(100)),
        ] {
            let trailers = MetadataMap::new();
            let how = status.as_mut().map_or(Ok(&trailers), Err);
            let latency = latency_after(how).await;
            assert_eq!(latency, expected, "{status:?}");
        }
    }
}
