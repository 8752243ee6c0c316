//! What the retries of one channel may cost, all its calls together.

use super::throttle::Throttle;
use crate::{
    limits::{Limit, Limits},
    metrics::Metrics,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// The tokens and the memory of a channel's retries.
#[derive(Debug)]
pub(crate) struct Budget {
    /// `None` where a service's owner wants no throttling.
    throttle: Option<Throttle>,
    bytes_per_call_max: usize,
    bytes_max: usize,
    bytes: AtomicUsize,
    metrics: Metrics,
}

impl Budget {
    pub(crate) fn new(throttle: Option<Throttle>, limits: &Limits, metrics: Metrics) -> Self {
        Self {
            throttle,
            bytes_per_call_max: limits.retry_bytes_per_call_max,
            bytes_max: limits.retry_bytes_max,
            bytes: AtomicUsize::new(0),
            metrics,
        }
    }

    /// Counts an attempt that failed; whether another may follow.
    pub(super) fn failure(&self) -> bool {
        self.throttle.as_ref().is_none_or(Throttle::failure)
    }

    /// Counts a call that was answered.
    pub(super) fn success(&self) {
        if let Some(throttle) = &self.throttle {
            throttle.success();
        }
    }

    /// Whether another attempt may begin.
    pub(super) fn allows(&self) -> bool {
        self.throttle.as_ref().is_none_or(Throttle::allows)
    }

    /// Bytes of requests that are kept now.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.throttle {
            Some(throttle) => throttle.fmt(f),
            None => f.write_str("retries are not throttled"),
        }
    }
}

/// Bytes of one call's request that are kept; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Held {
    pub(super) fn new(budget: &Arc<Budget>) -> Self {
        Self {
            budget: budget.clone(),
            bytes: 0,
        }
    }

    /// Makes room for `more`; false, with nothing changed, if there is none.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        let Budget {
            bytes_per_call_max,
            bytes_max,
            bytes,
            metrics,
            ..
        } = &*self.budget;
        if self.bytes.saturating_add(more) > *bytes_per_call_max {
            metrics.reached(Limit::RetryBytesPerCallMax);
            return false;
        }
        let grown = bytes.fetch_update(Relaxed, Relaxed, |held| {
            held.checked_add(more).filter(|held| held <= bytes_max)
        });
        match grown {
            Ok(_) => self.bytes += more,
            Err(_) => metrics.reached(Limit::RetryBytesMax),
        }
        grown.is_ok()
    }

    /// Gives all of it back.
    pub(super) fn release(&mut self) {
        self.budget.bytes.fetch_sub(self.bytes, Relaxed);
        self.bytes = 0;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}
