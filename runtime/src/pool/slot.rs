//! One place in a pool: an address, or several of which one is used, and how far
//! its connection has come.

use super::health_check::{HealthCheck, HealthChecks};
use crate::{
    backoff::backoff,
    balance::{Candidate, Load},
    deadline::Deadline,
    endpoint::Endpoint,
    engine::{Connection, Error},
    outlier::{Health, Outliers},
    status::Status,
    underway::Underway,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// A connection that was lost this soon, and answered no call, counts as one that
/// could not be made; but for the first in a row, for a server may go just then, and
/// the answer may have come with the end.
const LOST_SOON: Duration = Duration::from_secs(1);

/// One subchannel: gRPC's connectivity states, but for SHUTDOWN, which is its end.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: u64,
    pub(super) endpoints: Arc<[Endpoint]>,
    pub(super) state: State,
    /// Attempts that failed since it was last READY.
    failures: u32,
    /// The last connection, if it was lost soon, and whether it answered a call after all.
    in_vain: Option<Arc<AtomicBool>>,
    /// Why the last attempt failed: said to calls until it is READY again.
    why: Option<Arc<Status>>,
    /// What its server says of itself, where that is asked.
    health: Option<HealthCheck>,
}

#[derive(Debug)]
pub(super) enum State {
    /// Connects when asked to.
    Idle,
    Connecting,
    Ready(Arc<Subchannel>),
    /// TRANSIENT_FAILURE: connects again then.
    Waiting {
        until: Instant,
    },
}

/// A connection that takes calls.
#[derive(Debug)]
pub(crate) struct Subchannel {
    pub(crate) connection: Connection,
    pub(crate) candidate: Candidate,
    started: Instant,
    answered: Arc<AtomicBool>,
    health: Arc<Health>,
}

impl Subchannel {
    /// One more call is made on it, until what is returned is dropped.
    pub(crate) fn call(&self, deadline: Option<Deadline>) -> Underway {
        Underway::new(self.candidate.load.start(), self.health.clone(), deadline)
    }

    /// A call on it was answered.
    pub(crate) fn answered(&self) {
        if !self.answered.load(Ordering::Relaxed) {
            self.answered.store(true, Ordering::Relaxed);
        }
    }
}

impl Slot {
    pub(super) fn new(endpoints: Arc<[Endpoint]>) -> Self {
        static IDS: AtomicU64 = AtomicU64::new(0);
        Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            endpoints,
            state: State::Idle,
            failures: 0,
            in_vain: None,
            why: None,
            health: None,
        }
    }

    /// Whether it is still what it is for once `endpoints` are to be used.
    pub(super) fn keeps(&self, endpoints: &[Endpoint]) -> bool {
        match &self.state {
            State::Ready(subchannel) => same(&subchannel.candidate.endpoint, endpoints).is_some(),
            // In whatever order: one that is shuffled has not changed. A server that was
            // started anew waits for no backoff of the one before.
            _ => {
                let is_used =
                    |own: &Endpoint| endpoints.iter().any(|other| own.is_same_start(other));
                self.endpoints.len() == endpoints.len() && self.endpoints.iter().all(is_used)
            }
        }
    }

    /// Is for `endpoints` from now on, which it [`keeps`](Self::keeps): their
    /// weights and zones may be others.
    pub(super) fn relabel(&mut self, endpoints: Arc<[Endpoint]>) {
        self.endpoints = endpoints;
        let State::Ready(old) = &mut self.state else {
            return;
        };
        let new = same(&old.candidate.endpoint, &self.endpoints);
        if let Some(new) = new.filter(|new| **new != old.candidate.endpoint) {
            *old = Arc::new(Subchannel {
                connection: old.connection.clone(),
                candidate: Candidate {
                    endpoint: new.clone(),
                    ..old.candidate.clone()
                },
                started: old.started,
                answered: old.answered.clone(),
                health: old.health.clone(),
            });
        }
    }

    /// An attempt that began at `since` has ended.
    pub(super) fn attempted(
        &mut self,
        since: Instant,
        connected: Result<(Connection, Endpoint), Error>,
        outliers: &mut Outliers,
    ) {
        match connected {
            Ok((connection, endpoint)) => {
                // It may have got another weight since.
                let endpoint = same(&endpoint, &self.endpoints)
                    .unwrap_or(&endpoint)
                    .clone();
                tracing::debug!(address = %endpoint.address(), "subchannel is READY");
                self.why = None;
                self.state = State::Ready(Arc::new(Subchannel {
                    connection,
                    started: since,
                    answered: Arc::default(),
                    health: outliers.add(self.id, endpoint.address()),
                    candidate: Candidate {
                        id: self.id,
                        endpoint,
                        load: Arc::new(Load::new()),
                    },
                }));
            }
            Err(error) => {
                let failures = self.failures;
                tracing::debug!(%error, failures, "subchannel is in TRANSIENT_FAILURE");
                self.failed(since, Status::unavailable(error.to_string()));
            }
        }
    }

    fn failed(&mut self, since: Instant, why: Status) {
        let until = since + backoff(self.failures, fastrand::f64());
        self.failures = self.failures.saturating_add(1);
        self.why = Some(Arc::new(why));
        self.state = State::Waiting { until };
    }

    /// Notices that its connection takes no more calls; whether it did.
    pub(super) fn look(&mut self) -> bool {
        let State::Ready(subchannel) = &self.state else {
            return false;
        };
        if subchannel.connection.is_open() {
            return false;
        }
        let address = subchannel.candidate.endpoint.address();
        tracing::debug!(%address, "subchannel lost its connection");
        let started = subchannel.started;
        let answered = subchannel.answered.clone();
        let is_in_vain = |answered: &AtomicBool| !answered.load(Ordering::Relaxed);
        if started.elapsed() >= LOST_SOON || !is_in_vain(&answered) {
            self.failures = 0;
            self.in_vain = None;
            self.state = State::Idle;
            return true;
        }
        match self.in_vain.replace(answered) {
            Some(before) if is_in_vain(&before) => {
                let why = format!("`{address}` closes connections before it answers a call");
                self.failed(started, Status::unavailable(why));
            }
            _ => self.state = State::Idle,
        }
        true
    }

    /// Has its server asked how it is, if `checks` are made and it is connected.
    pub(super) fn check_health(&mut self, checks: Option<&HealthChecks>) {
        match (&self.state, checks) {
            (State::Ready(subchannel), Some(checks)) => {
                self.health.get_or_insert_with(|| checks.start(subchannel));
            }
            _ => self.health = None,
        }
    }

    /// Its connection, if that may have calls.
    pub(super) fn ready(&self) -> Option<&Arc<Subchannel>> {
        match &self.state {
            State::Ready(subchannel) => {
                let serves = self.health.as_ref().is_none_or(HealthCheck::is_serving);
                serves.then_some(subchannel)
            }
            _ => None,
        }
    }

    /// It is about to be READY for the first time since it was, or will soon say why not.
    pub(super) fn is_connecting(&self) -> bool {
        match self.state {
            State::Connecting => self.why.is_none(),
            State::Ready(_) => self.health.as_ref().is_some_and(HealthCheck::is_open),
            _ => false,
        }
    }

    /// Why it may have no calls.
    pub(super) fn why(&self) -> Option<Arc<Status>> {
        let unwell = self.health.as_ref().and_then(HealthCheck::why);
        unwell.or_else(|| self.why.clone())
    }
}

/// The one of `endpoints` that a connection to `endpoint` is a connection to.
fn same<'a>(endpoint: &Endpoint, endpoints: &'a [Endpoint]) -> Option<&'a Endpoint> {
    endpoints.iter().find(|other| other.is_same_peer(endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(started: u64) -> Endpoint {
        Endpoint::new("10.0.0.7:50051".parse().unwrap()).started(started)
    }

    #[test]
    fn who_was_started_anew_waits_for_no_backoff() {
        let mut slot = Slot::new([endpoint(1)].into());
        slot.failed(Instant::now(), Status::unavailable("refused"));
        assert!(slot.keeps(&[endpoint(1).with_weight(7)]));
        assert!(!slot.keeps(&[endpoint(2)]));
        assert!(!slot.keeps(&[endpoint(1).with_identity("other")]));
    }
}
