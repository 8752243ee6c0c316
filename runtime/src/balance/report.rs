//! What a server says of its own load.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What a server says of its own load, as ORCA reports have it (gRFC A51).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoadReport {
    /// Calls per second that it handles.
    pub qps: f64,
    /// Calls per second that fail.
    pub eps: f64,
    /// How much of what it can do it does: 1 is all. `application_utilization`
    /// if the report has it, else `cpu_utilization` (gRFC A58).
    pub utilization: f64,
}

/// The latest report of a server, and since when there are any.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// `utilization / qps` and `eps / qps²`, an `f32` each: whatever errors cost,
    /// the weight is 1 / (first + cost · second).
    costs: AtomicU64,
    /// Nanoseconds and 1; 0 if never.
    last: AtomicU64,
    /// Nanoseconds and 1; 0 if none came, or they were forgotten.
    since: AtomicU64,
}

/// Which reports count, and what errors cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighing {
    pub(super) blackout: Duration,
    pub(super) expiry: Duration,
    pub(super) error_penalty: f64,
}

impl Reports {
    /// Keeps `report`, which came at `time`, unless it says nothing.
    pub(super) fn keep(&self, report: LoadReport, time: Duration) {
        let LoadReport {
            qps,
            eps,
            utilization,
        } = report;
        let known = |value: f64| value.is_finite() && value > 0.0;
        let per_call = (utilization / qps) as f32;
        let errors = (eps.max(0.0) / qps / qps) as f32;
        let usable = known(qps) && known(utilization) && eps.is_finite();
        if !usable || !per_call.is_normal() || !errors.is_finite() {
            return;
        }
        let costs = u64::from(per_call.to_bits()) << 32 | u64::from(errors.to_bits());
        self.costs.store(costs, Relaxed);
        let now = nanos_of(time);
        // Only the first of many begins the blackout.
        if self.since.load(Relaxed) == 0 {
            self.since.store(now, Relaxed);
        }
        self.last.store(now, Relaxed);
    }

    /// How many calls the server wants at `time`, if that can be told (gRFC A58,
    /// "Subchannel Weights").
    pub(super) fn weight(&self, time: Duration, weighing: &Weighing) -> Option<f64> {
        let now = nanos_of(time);
        let last = self.last.load(Relaxed);
        let since = self.since.load(Relaxed);
        if last == 0 {
            return None;
        }
        let passed = |from: u64| Duration::from_nanos(now.saturating_sub(from));
        if passed(last) >= weighing.expiry {
            self.since.store(0, Relaxed);
            return None;
        }
        if since == 0 || passed(since) < weighing.blackout {
            return None;
        }
        let costs = self.costs.load(Relaxed);
        let per_call = f64::from(f32::from_bits((costs >> 32) as u32));
        let errors = f64::from(f32::from_bits(costs as u32));
        Some(1.0 / (per_call + errors * weighing.error_penalty))
    }
}

fn nanos_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).map_or(u64::MAX, |nanos| nanos.saturating_add(1))
}
