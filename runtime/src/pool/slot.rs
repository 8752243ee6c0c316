//! One place in a pool: an address, or several of which one is used, and how far
//! its connection has come.

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

/// A connection that was lost this soon, though nobody called, counts as one that
/// could not be made.
const LOST_SOON: Duration = Duration::from_secs(1);

/// One subchannel: gRPC's connectivity states, but for SHUTDOWN, which is its end.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: u64,
    pub(super) endpoints: Arc<[Endpoint]>,
    pub(super) state: State,
    /// Attempts that failed since it was last READY.
    failures: u32,
    /// Why the last one did: said to calls until it is READY again.
    pub(super) why: Option<Status>,
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
    used: AtomicBool,
    broken: AtomicBool,
    health: Arc<Health>,
}

impl Subchannel {
    /// A call found it broken; whether it is the first to.
    pub(crate) fn broke(&self) -> bool {
        !self.broken.swap(true, Ordering::Relaxed)
    }

    /// One more call is made on it, until what is returned is dropped.
    pub(crate) fn call(&self, deadline: Option<Deadline>) -> Underway {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        Underway::new(self.candidate.load.start(), self.health.clone(), deadline)
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
            why: None,
        }
    }

    /// Whether it is still what it is for once `endpoints` are to be used.
    pub(super) fn keeps(&self, endpoints: &[Endpoint]) -> bool {
        match &self.state {
            State::Ready(subchannel) => {
                let own = subchannel.candidate.endpoint.address();
                endpoints.iter().any(|endpoint| endpoint.address() == own)
            }
            _ => {
                let own = self.endpoints.iter().map(Endpoint::address);
                own.eq(endpoints.iter().map(Endpoint::address))
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
        let own = old.candidate.endpoint.address();
        let new = self.endpoints.iter().find(|new| new.address() == own);
        if let Some(new) = new.filter(|new| **new != old.candidate.endpoint) {
            *old = Arc::new(Subchannel {
                connection: old.connection.clone(),
                candidate: Candidate {
                    endpoint: new.clone(),
                    ..old.candidate.clone()
                },
                started: old.started,
                used: AtomicBool::new(old.used.load(Ordering::Relaxed)),
                broken: AtomicBool::new(old.broken.load(Ordering::Relaxed)),
                health: old.health.clone(),
            });
        }
    }

    /// An attempt that began at `since` has ended.
    pub(super) fn attempted(
        &mut self,
        since: Instant,
        connected: Result<(Connection, usize), Error>,
        outliers: &mut Outliers,
    ) {
        match connected {
            Ok((connection, nth)) => {
                let endpoint = self.endpoints[nth].clone();
                tracing::debug!(address = %endpoint.address(), "subchannel is READY");
                self.why = None;
                self.state = State::Ready(Arc::new(Subchannel {
                    connection,
                    started: since,
                    used: AtomicBool::new(false),
                    broken: AtomicBool::new(false),
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
        self.why = Some(why);
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
        if subchannel.used.load(Ordering::Relaxed) || started.elapsed() >= LOST_SOON {
            self.failures = 0;
            self.state = State::Idle;
        } else {
            let why = format!("`{address}` closes connections before a call is made");
            self.failed(started, Status::unavailable(why));
        }
        true
    }

    /// It connects for the first time since it was READY.
    pub(super) fn is_connecting(&self) -> bool {
        self.why.is_none() && matches!(self.state, State::Connecting)
    }
}
