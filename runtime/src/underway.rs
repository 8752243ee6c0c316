//! A call on a subchannel, from its start to its last byte.

use crate::{
    balance::InFlight,
    deadline::Deadline,
    outlier::{Health, Outcome},
    status::Status,
};
use std::sync::Arc;

/// Keeps a subchannel busy, and tells its load and its health how it went. One
/// that is dropped before it [`ended`](Self::ended) was given up, which speaks of
/// the address only if its time was over.
#[derive(Debug)]
pub(crate) struct Underway {
    in_flight: InFlight,
    health: Option<Arc<Health>>,
    deadline: Option<Deadline>,
}

impl Underway {
    pub(crate) fn new(
        in_flight: InFlight,
        health: Arc<Health>,
        deadline: Option<Deadline>,
    ) -> Self {
        Self {
            in_flight,
            health: Some(health),
            deadline,
        }
    }

    /// The head of its response came.
    pub(crate) fn answered(&mut self) {
        self.in_flight.ended(true);
    }

    /// It has ended: well, or with this status.
    pub(crate) fn ended(mut self, status: Option<&Status>) {
        let outcome = status.map_or(Outcome::Answered, Outcome::of);
        self.in_flight.ended(outcome != Outcome::Failed);
        if let Some(health) = self.health.take() {
            health.record(outcome);
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
            && self.deadline.is_some_and(|deadline| deadline.has_passed())
        {
            health.record(Outcome::Failed);
        }
    }
}
