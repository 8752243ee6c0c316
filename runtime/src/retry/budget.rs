//! What the retries of one channel may cost, all its calls together.

use super::throttle::Throttle;
use crate::{
    limits::{Limit, Limits},
    metrics::Metrics,
};
use std::{
    fmt,
    ops::Deref,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The tokens and the memory of a channel's retries.
#[derive(Debug)]
pub(crate) struct Budget {
    throttle: Throttle,
    bytes_per_call_max: usize,
    bytes_max: usize,
    bytes: AtomicUsize,
    metrics: Metrics,
}

impl Budget {
    pub(crate) fn new(throttle: Throttle, limits: &Limits, metrics: Metrics) -> Self {
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
        self.throttle.failure()
    }

    /// Counts a call that was answered.
    pub(super) fn success(&self) {
        self.throttle.success();
    }

    /// Whether another attempt may begin.
    pub(super) fn allows(&self) -> bool {
        self.throttle.allows()
    }

    /// Bytes of requests that are kept now.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.throttle.fmt(f)
    }
}

/// Bytes of one call's request that are kept; given back when dropped.
#[derive(Debug)]
pub(super) struct Held<B: Deref<Target = Budget>> {
    budget: B,
    bytes: usize,
}

impl<B: Deref<Target = Budget>> Held<B> {
    pub(super) fn new(budget: B) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Makes room for `more`; false, with nothing changed, if there is none.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        if more == 0 {
            return true;
        }
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
        // Calls that would not fit count for a moment, too, which is cheaper than to
        // look first: another one may be refused then that would just have fitted.
        let held = bytes.fetch_add(more, Relaxed);
        let fits = held
            .checked_add(more)
            .is_some_and(|held| held <= *bytes_max);
        match fits {
            true => self.bytes += more,
            false => {
                bytes.fetch_sub(more, Relaxed);
                metrics.reached(Limit::RetryBytesMax);
            }
        }
        fits
    }

    /// Gives all of it back.
    pub(super) fn release(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes > 0 {
            self.budget.bytes.fetch_sub(bytes, Relaxed);
        }
    }
}

impl<B: Deref<Target = Budget>> Drop for Held<B> {
    fn drop(&mut self) {
        self.release();
    }
}
