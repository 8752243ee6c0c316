//! Whose turn it is, by weight.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The golden part of the whole: steps of it fill a circle evenly, however many.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Turns by weight, without a lock. All lie on a circle, each as long as its
/// weight; each turn goes one golden step on. So the turns of each are spread
/// as evenly as those of an earliest-deadline-first schedule, which gRFC A58
/// describes, and the next is found without visiting those in between.
#[derive(Debug)]
pub(super) struct Schedule {
    /// Where each ends. Weights change while turns are given: a turn may be found
    /// by old ends and new ones, and is somebody's turn anyhow.
    ends: Box<[AtomicU64]>,
    at: AtomicU64,
    /// All weights are the same: then the turns go around.
    equal: AtomicBool,
    turn: AtomicUsize,
}

impl Schedule {
    /// The same weight for each of `length`; begins `at` anywhere.
    pub(super) fn new(length: usize, at: u64) -> Self {
        Self {
            ends: (0..length).map(|_| AtomicU64::new(u64::MAX)).collect(),
            at: AtomicU64::new(at),
            equal: AtomicBool::new(true),
            turn: AtomicUsize::new(at as usize % length.max(1)),
        }
    }

    /// One weight for each, none below 0, not all 0.
    pub(super) fn set(&self, weights: &[f64]) {
        let total: f64 = weights.iter().sum();
        let circle = u64::MAX as f64;
        let mut end = 0.0;
        for (slot, weight) in self.ends.iter().zip(weights) {
            end += weight;
            slot.store((end / total * circle) as u64, Relaxed);
        }
        let equal = weights.windows(2).all(|pair| pair[0] == pair[1]);
        self.equal.store(equal, Relaxed);
    }

    /// Whose turn it is. There is one at least.
    pub(super) fn next(&self) -> usize {
        if self.equal.load(Relaxed) {
            return self.turn.fetch_add(1, Relaxed) % self.ends.len();
        }
        let at = self.at.fetch_add(STEP, Relaxed);
        let place = self.ends.partition_point(|end| end.load(Relaxed) <= at);
        place.min(self.ends.len() - 1)
    }
}
