//! How long calls take, in one word of memory.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// What a call is presumed to have taken that failed, when nothing is known of
/// those before it. The first call of a subchannel that fails at once would
/// make it look quick.
const PRESUMED: Duration = Duration::from_millis(100);

/// Failures alone make no subchannel look slower than this, so that one that
/// has recovered is found out.
const FAILED_MAX: Duration = Duration::from_secs(1);

/// Time is counted in 65,536 ns: it goes round once in three days, after which
/// an old latency may be taken for a newer one, once.
const TICK_BITS: u32 = 16;

/// An average of latencies, moved by each as much as time has passed since the
/// last, and at once by one that is longer (Finagle's peak EWMA). With no calls
/// it goes down, so that a subchannel that was slow is tried again.
///
/// One word: nanoseconds as an `f32`, 0 if unknown, and when it was.
#[derive(Debug, Default)]
pub(super) struct PeakEwma(AtomicU64);

/// A moment, and how quickly what was before it is forgotten.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    /// Since any moment that stays the same.
    pub(super) time: Duration,
    /// In which all but 37 % is forgotten.
    pub(super) decay: Duration,
}

impl PeakEwma {
    /// Nanoseconds; 0 if unknown.
    pub(super) fn nanos(&self, at: At) -> f32 {
        let (nanos, ticks) = unpack(self.0.load(Relaxed));
        // Nothing to forget is what a subchannel without calls begins with.
        if nanos == 0.0 {
            return 0.0;
        }
        nanos * at.kept_since(ticks)
    }

    /// A call took as long as `latency`.
    pub(super) fn took(&self, latency: Duration, at: At) {
        let latency = nanos_of(latency);
        self.update(at, |nanos, kept| {
            let average = nanos * kept + latency * (1.0 - kept);
            Some(match nanos == 0.0 {
                true => latency,
                false => average.max(latency),
            })
        });
    }

    /// A call failed after `latency`, which may be quick and must not count as it.
    pub(super) fn failed(&self, latency: Duration, at: At) {
        let latency = nanos_of(latency);
        self.update(at, |nanos, kept| {
            let known = nanos * kept;
            let doubled = match nanos == 0.0 {
                true => nanos_of(PRESUMED),
                false => (known * 2.0).min(nanos_of(FAILED_MAX)),
            };
            Some(doubled.max(known).max(latency))
        });
    }

    /// A call was given up after `latency`, which says something only if that is long.
    pub(super) fn given_up(&self, latency: Duration, at: At) {
        let latency = nanos_of(latency);
        self.update(at, |nanos, kept| {
            let known = match nanos == 0.0 {
                true => nanos_of(PRESUMED),
                false => nanos * kept,
            };
            (latency > known).then_some(latency)
        });
    }

    /// `change` is given what is known, and how much of it to keep.
    fn update(&self, at: At, change: impl Fn(f32, f32) -> Option<f32>) {
        // That nothing was to be changed is an error only to the atomic.
        let _ = self.0.fetch_update(Relaxed, Relaxed, |packed| {
            let (nanos, ticks) = unpack(packed);
            let nanos = change(nanos, at.kept_since(ticks))?;
            Some(pack(nanos.max(1.0), at.ticks()))
        });
    }
}

impl At {
    fn ticks(self) -> u32 {
        (self.time.as_nanos() >> TICK_BITS) as u32
    }

    /// Which part of what was known at `ticks` still counts.
    fn kept_since(self, ticks: u32) -> f32 {
        // Another thread may have stored what is a little later than this.
        let passed = (self.ticks().wrapping_sub(ticks) as i32).max(0);
        let passed = passed as f32 * (1_u64 << TICK_BITS) as f32;
        (-passed / nanos_of(self.decay)).exp()
    }
}

fn nanos_of(latency: Duration) -> f32 {
    latency.as_nanos() as f32
}

fn pack(nanos: f32, ticks: u32) -> u64 {
    u64::from(nanos.to_bits()) << 32 | u64::from(ticks)
}

fn unpack(packed: u64) -> (f32, u32) {
    (f32::from_bits((packed >> 32) as u32), packed as u32)
}
