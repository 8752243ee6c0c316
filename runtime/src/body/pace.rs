//! How slowly a request may arrive.

use crate::{
    limits::{Limit, Limits},
    metrics::Metrics,
    status::{Result, Status},
};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// What a server asks of every request body.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) message_bytes_max: usize,
    pub(crate) metrics: Metrics,
    bytes_per_second_min: u32,
    grace: Duration,
}

/// How fast something arrives that a peer has begun.
pub(super) struct Pace {
    since: Instant,
    bytes: u64,
    sleep: Pin<Box<Sleep>>,
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

    /// The pace of what has begun with `bytes`, if it matters.
    pub(super) fn pace(&self, bytes: u64) -> Option<Pace> {
        let since = Instant::now();
        let sleep = Box::pin(sleep_until(self.due(since, bytes)?));
        Some(Pace {
            since,
            bytes,
            sleep,
        })
    }
}

impl Pace {
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Polled while nothing more is there. `buffered` says how many bytes have
    /// come that are kept back until more do.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED once too little has come in its time.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        inbound: &Inbound,
        buffered: impl Fn() -> usize,
    ) -> Result<()> {
        while let Poll::Ready(()) = self.sleep.as_mut().poll(cx) {
            let now = Instant::now();
            let bytes = self.bytes + buffered() as u64;
            let Some(mut due) = inbound.due(self.since, bytes) else {
                return Ok(());
            };
            if due <= now {
                // Whoever looks that late did not read: that is not the peer's fault.
                if now.duration_since(due) <= inbound.grace {
                    return Err(self.too_slow(bytes, inbound, now));
                }
                (self.since, self.bytes) = (now, 0);
                match inbound.due(now, 0) {
                    Some(anew) => due = anew,
                    None => return Ok(()),
                }
            }
            self.sleep.as_mut().reset(due);
        }
        Ok(())
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
