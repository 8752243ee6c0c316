//! Random numbers, or numbers that look it and come again in a test.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How far one number of the seeded sequence is from the next; odd, so that it
/// passes through every one.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Random numbers for any number of threads, without a lock.
#[derive(Debug, Default)]
pub(super) struct Random(Option<AtomicU64>);

impl Random {
    /// The same numbers each time.
    pub(super) fn seeded(seed: u64) -> Self {
        Self(Some(AtomicU64::new(seed)))
    }

    /// Another source: seeded if this one is.
    pub(super) fn fork(&self) -> Self {
        match self.0 {
            None => Self(None),
            Some(_) => Self::seeded(self.number()),
        }
    }

    pub(super) fn number(&self) -> u64 {
        match &self.0 {
            // Of the thread: nothing is shared.
            None => fastrand::u64(..),
            Some(state) => fastrand::Rng::with_seed(state.fetch_add(STEP, Relaxed)).u64(..),
        }
    }

    /// From 0 to `bound`, which it never is.
    pub(super) fn below(&self, bound: usize) -> usize {
        ((u128::from(self.number()) * bound as u128) >> 64) as usize
    }

    /// From 0 to 1, which it never is.
    pub(super) fn fraction(&self) -> f64 {
        fraction(self.number())
    }
}

/// `number` on a scale from 0 to 1, which it never is.
pub(super) fn fraction(number: u64) -> f64 {
    const BITS: u32 = f64::MANTISSA_DIGITS;
    (number >> (u64::BITS - BITS)) as f64 / (1_u64 << BITS) as f64
}
