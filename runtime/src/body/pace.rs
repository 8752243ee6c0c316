//! How slowly a request may arrive.

use crate::{
    limits::{Limit, Limits},
    metrics::Metrics,
    status::{Result, Status},
};
use std::time::Duration;
use tokio::time::Instant;

/// What a server asks of every request body.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) message_bytes_max: usize,
    pub(crate) metrics: Metrics,
    bytes_per_second_min: u32,
    grace: Duration,
}

/// How fast something arrives that a peer has begun. It has no timer: whoever
/// waits for a request is polled now and then, so that one timer serves all
/// requests of a connection.
pub(super) struct Pace {
    since: Instant,
    bytes: u64,
}

impl Inbound {
    pub(crate) fn new(limits: &Limits, metrics: Metrics) -> Self {
        Self {
            message_bytes_max: limits.message_bytes_max,
            metrics,
            bytes_per_second_min: limits.request_bytes_per_second_min,
            grace: limits.request_rate_grace,
        }
    }

    /// Until when no more than `bytes` may have come; `None` for ever.
    fn due(&self, since: Instant, bytes: u64) -> Option<Instant> {
        if self.bytes_per_second_min == 0 {
            return None;
        }
        let earned = bytes as f64 / f64::from(self.bytes_per_second_min);
        since.checked_add(self.grace.max(Duration::from_secs_f64(earned)))
    }

    /// The pace of what has begun with `bytes`.
    pub(super) fn pace(&self, bytes: u64) -> Pace {
        let since = Instant::now();
        Pace { since, bytes }
    }
}

impl Pace {
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Asked while nothing more is there. `buffered` says how many bytes have
    /// come that are kept back until more do.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED once too little has come in its time.
    pub(super) fn check(&mut self, inbound: &Inbound, buffered: usize) -> Result<()> {
        let now = Instant::now();
        let bytes = self.bytes + buffered as u64;
        match inbound.due(self.since, bytes) {
            Some(due) if due > now => Ok(()),
            None => Ok(()),
            Some(due) if now.duration_since(due) <= inbound.grace => {
                Err(self.too_slow(bytes, inbound, now))
            }
            // Whoever looks that late did not read: that is not the peer's fault.
            Some(_) => {
                *self = inbound.pace(0);
                Ok(())
            }
        }
    }

    fn too_slow(&self, bytes: u64, inbound: &Inbound, now: Instant) -> Status {
        inbound.metrics.reached(Limit::RequestBytesPerSecondMin);
        Status::resource_exhausted(format!(
            "{bytes} bytes of a message came in {:.1?}, less than {} a second \
             (`request_bytes_per_second_min`)",
            now.duration_since(self.since),
            inbound.bytes_per_second_min,
        ))
    }
}
