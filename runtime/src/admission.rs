//! Whether a server takes a call: decided as it arrives, before anything of it
//! is decoded and before any layer or handler runs.

use crate::{
    body::Body,
    concurrency_limit::{ConcurrencyLimit, Entry, Shed, Why},
    limits::Limits,
    message::Request,
    method::Method,
    metrics::{Counted, Gauge, Metrics},
    priority::Priority,
    status::Result,
};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What bounds the calls of a whole server.
#[derive(Debug)]
pub(crate) struct Admission {
    limit: ConcurrencyLimit,
    calls_max: usize,
    queue_timeout: Duration,
    metrics: Metrics,
    refusals: AtomicU64,
}

/// A call that was taken, though perhaps it has to wait.
pub(crate) struct Admitted {
    /// To be kept until the last byte of the reply.
    pub(crate) counted: Counted,
    pub(crate) priority: Priority,
    /// To be kept until the handler has replied; `None` where that gives no measure.
    pub(crate) entry: Option<Entry>,
}

impl Admission {
    pub(crate) fn new(limit: ConcurrencyLimit, limits: &Limits, metrics: Metrics) -> Self {
        Self {
            limit: limit.within(limits, metrics.clone()),
            calls_max: limits.calls_max,
            queue_timeout: limits.queue_timeout,
            metrics,
            refusals: AtomicU64::new(0),
        }
    }

    /// Takes a call, or refuses it.
    pub(crate) fn admit(&self, method: Method, request: &mut Request<Body>) -> Result<Admitted> {
        let priority = self.limit.priority_of(method, request);
        let counted = self.count(priority)?;
        let entry = self.limit.enter(method, priority, request)?;
        Ok(Admitted {
            counted,
            priority,
            entry,
        })
    }

    /// Counts a call that is in flight now, if there may be one more.
    pub(crate) fn count(&self, priority: Priority) -> Result<Counted> {
        let counted = self.metrics.count(Gauge::CallsInFlight);
        let in_flight = usize::try_from(counted.before()).unwrap_or(usize::MAX);
        if in_flight < priority.share_of(self.calls_max) {
            return Ok(counted);
        }
        let why = Why::CallsMax {
            in_flight,
            calls_max: self.calls_max,
        };
        self.metrics.shed(priority);
        self.metrics.reached(crate::limits::Limit::CallsMax);
        let shed = Shed {
            why,
            priority,
            limit: self.calls_max,
            queue_timeout: self.queue_timeout,
            refusals: self.refusals.fetch_add(1, Relaxed),
        };
        Err(shed.status())
    }
}

impl Default for Admission {
    fn default() -> Self {
        let (limits, metrics) = (Limits::default(), Metrics::default());
        Self::new(ConcurrencyLimit::default(), &limits, metrics)
    }
}
