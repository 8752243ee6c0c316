//! How the calls to one address end, counted as they do.

use super::Outcome;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
};
use tokio::sync::Notify;

/// What a failure weighs, and one that may be the call's own fault. A method
/// that fails at every address, mixed with others that do not, makes five such
/// failures in a row all the time, and twenty hardly ever.
const FAILED: u32 = 4;
const DOUBTFUL: u32 = 1;

/// Nothing trips the breaker at this.
const NEVER: u32 = 0;

/// How the calls to one address end. Recording waits for nothing, and in the
/// usual case, a success after others, writes one number.
#[derive(Debug)]
pub(crate) struct Health {
    /// Calls are counted in the active one; the other holds the last interval's.
    buckets: [Bucket; 2],
    active: AtomicUsize,
    /// Failures since the last success, by weight, and how much is too much.
    row: AtomicU32,
    row_max: AtomicU32,
    /// Successes in a row still to come before it is trusted again.
    probation: AtomicU32,
    /// Goes up with every return: calls that began before tell of another time.
    era: AtomicU32,
    /// The sweep was woken already.
    woken: AtomicBool,
    wake: Arc<Notify>,
    /// How many failures in a row trip the breaker; 0 is off.
    failures: u32,
}

#[derive(Debug, Default)]
struct Bucket {
    successes: AtomicU64,
    failures: AtomicU64,
}

/// How calls ended in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) successes: u64,
    pub(super) failures: u64,
}

impl Health {
    pub(super) fn new(failures: u32, wake: Arc<Notify>) -> Self {
        Self {
            buckets: Default::default(),
            active: AtomicUsize::new(0),
            row: AtomicU32::new(0),
            row_max: AtomicU32::new(failures.saturating_mul(FAILED)),
            probation: AtomicU32::new(0),
            era: AtomicU32::new(0),
            woken: AtomicBool::new(false),
            wake,
            failures,
        }
    }

    /// Between which ejections it is now: to be asked when a call begins.
    pub(crate) fn era(&self) -> u32 {
        self.era.load(Relaxed)
    }

    /// A call to the address that began in the era `began` has ended. One that
    /// ends in the very moment in which an interval does may be missing in both.
    pub(crate) fn record(&self, began: u32, outcome: Outcome) {
        // Those that hung until their deadline, over an ejection and beyond, would
        // at once bring on the next.
        if outcome == Outcome::Silent || began != self.era() {
            return;
        }
        let bucket = &self.buckets[self.active.load(Relaxed)];
        let count = match outcome.is_failure() {
            true => &bucket.failures,
            false => &bucket.successes,
        };
        count.fetch_add(1, Relaxed);
        match outcome {
            Outcome::Failed => self.failed(FAILED),
            Outcome::Doubtful => self.failed(DOUBTFUL),
            _ => self.answered(),
        }
    }

    fn answered(&self) {
        if self.row.load(Relaxed) != 0 {
            self.row.store(0, Relaxed);
        }
        if self.probation.load(Relaxed) == 0 {
            return;
        }
        let fewer = |successes: u32| successes.checked_sub(1);
        if self.probation.fetch_update(Relaxed, Relaxed, fewer) == Ok(1) {
            if self.row_max.load(Relaxed) != NEVER {
                self.row_max.store(self.trusted_max(), Relaxed);
            }
            self.wake();
        }
    }

    fn failed(&self, weight: u32) {
        if self.probation.load(Relaxed) != 0 {
            self.probation.store(self.successes(), Relaxed);
        }
        if self.row_max.load(Relaxed) == NEVER {
            return;
        }
        let more = |row: u32| Some(row.saturating_add(weight));
        let updated = self.row.fetch_update(Relaxed, Relaxed, more);
        if updated.is_ok() && self.is_tripped() {
            self.wake();
        }
    }

    fn wake(&self) {
        if !self.woken.swap(true, Relaxed) {
            self.wake.notify_one();
        }
    }

    /// Whether it had more failures in a row than it may have.
    fn is_tripped(&self) -> bool {
        let max = self.row_max.load(Relaxed);
        max != NEVER && self.row.load(Relaxed) >= max
    }

    /// The same, for the sweep that was woken by it.
    pub(super) fn take_tripped(&self) -> bool {
        // First, so that what trips it from here on wakes the next one.
        self.woken.store(false, Relaxed);
        self.is_tripped()
    }

    /// Nothing can be done about it now: the next sweep comes anyway.
    pub(super) fn sleep_on(&self) {
        self.woken.store(true, Relaxed);
    }

    /// It is left alone: nothing it does ejects it.
    pub(super) fn ejected(&self) {
        self.row_max.store(NEVER, Relaxed);
        self.row.store(0, Relaxed);
        self.probation.store(0, Relaxed);
    }

    /// It gets calls though it is ejected, so it can prove itself.
    pub(super) fn tested(&self) {
        self.probation.store(self.successes(), Relaxed);
        self.era.fetch_add(1, Relaxed);
    }

    /// It is left alone again, and those calls said nothing.
    pub(super) fn untested(&self) {
        self.probation.store(0, Relaxed);
    }

    /// Whether it has answered as many calls as it was asked to.
    pub(super) fn is_proved(&self) -> bool {
        self.successes() > 0 && self.probation.load(Relaxed) == 0
    }

    /// It is back, and one failure is too much until it has proved itself.
    pub(super) fn on_probation(&self) {
        self.era.fetch_add(1, Relaxed);
        if self.successes() > 0 {
            self.row.store(0, Relaxed);
            self.probation.store(self.successes(), Relaxed);
            self.row_max.store(FAILED, Relaxed);
        }
    }

    /// It is back, and trusted.
    pub(super) fn trusted(&self) {
        self.row.store(0, Relaxed);
        self.probation.store(0, Relaxed);
        self.row_max.store(self.trusted_max(), Relaxed);
    }

    /// As many successes prove it well as failures prove it ill.
    fn successes(&self) -> u32 {
        self.failures
    }

    fn trusted_max(&self) -> u32 {
        self.failures.saturating_mul(FAILED)
    }

    /// Ends an interval: what was counted in it.
    pub(super) fn swap(&self) -> Counts {
        let active = self.active.load(Relaxed);
        let other = 1 - active;
        self.buckets[other].successes.store(0, Relaxed);
        self.buckets[other].failures.store(0, Relaxed);
        self.active.store(other, Relaxed);
        Counts {
            successes: self.buckets[active].successes.load(Relaxed),
            failures: self.buckets[active].failures.load(Relaxed),
        }
    }
}

impl Counts {
    pub(super) fn volume(self) -> u64 {
        self.successes + self.failures
    }

    /// The share of the calls that went well, of 1; 0 if there were none.
    pub(super) fn success_rate(self) -> f64 {
        self.successes as f64 / self.volume().max(1) as f64
    }
}
