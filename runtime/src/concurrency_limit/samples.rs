//! How long the calls of each method take, gathered without a lock.

use crate::method::Method;
use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

/// Added to every latency. What is far below it is the scheduler's noise, and
/// twice of nothing is nothing to worry about (CoDel's target is the same).
const NOISE: Duration = Duration::from_millis(5);

/// Methods told apart; more share their places.
const METHODS_MAX: usize = 64;

/// How many places are looked at before a method shares one.
const STEPS_MAX: usize = 8;

/// Logarithms are summed as integers of this many fractions.
const FRACTIONS: f64 = 65_536.0;

/// Latencies by method. They are summed as logarithms: one call that took a
/// thousand times as long as the others says no more than ten that took twice.
#[derive(Debug)]
pub(super) struct Samples([Cell; METHODS_MAX]);

#[derive(Debug)]
struct Cell {
    /// The address of the method's path; 0 while nobody's.
    method: AtomicUsize,
    sum: AtomicU64,
    count: AtomicU64,
    /// What is usual, in the units of `sum`; 0 while unknown.
    usual: AtomicU64,
}

/// What one method's calls took in a window, as binary logarithms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) mean: f64,
    pub(super) count: u64,
    /// `None` before the first window.
    pub(super) usual: Option<f64>,
}

impl Samples {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Cell {
            method: AtomicUsize::new(0),
            sum: AtomicU64::new(0),
            count: AtomicU64::new(0),
            usual: AtomicU64::new(0),
        }))
    }

    /// Where the latencies of `method` are summed up.
    pub(super) fn place_of(&self, method: Method) -> usize {
        let key = method.path().as_ptr() as usize;
        // Paths lie side by side in memory: multiplied, their addresses spread.
        let first = (key.wrapping_mul(0x9E37_79B9) >> 16) % METHODS_MAX;
        for step in 0..STEPS_MAX {
            let place = (first + step) % METHODS_MAX;
            let cell = &self.0[place].method;
            let found = match cell.load(Relaxed) {
                0 => match cell.compare_exchange(0, key, Relaxed, Relaxed) {
                    Ok(_) => key,
                    Err(other) => other,
                },
                other => other,
            };
            if found == key {
                return place;
            }
        }
        first
    }

    /// A call that was answered.
    pub(super) fn answered(&self, place: usize, latency: Duration) {
        let cell = &self.0[place];
        cell.sum.fetch_add(log(latency), Relaxed);
        cell.count.fetch_add(1, Relaxed);
    }

    /// A call that failed or was given up after `latency`, which says something
    /// only if that is unusually long already. Whether it did.
    pub(super) fn given_up(&self, place: usize, latency: Duration) -> bool {
        let usual = self.0[place].usual.load(Relaxed);
        let telling = usual > 0 && log(latency) > usual + FRACTIONS as u64;
        if telling {
            self.answered(place, latency);
        }
        telling
    }

    /// Takes everything for usually slower by `more`.
    pub(super) fn raise(&self, more: f64) {
        for cell in &self.0 {
            let usual = cell.usual.load(Relaxed);
            if usual > 0 {
                cell.usual.store(usual + (more * FRACTIONS) as u64, Relaxed);
            }
        }
    }

    /// Takes what was gathered; `each` returns what is usual from now on.
    pub(super) fn take(&self, mut each: impl FnMut(Window) -> f64) {
        for cell in &self.0 {
            let count = cell.count.swap(0, Relaxed);
            if count == 0 {
                continue;
            }
            let sum = cell.sum.swap(0, Relaxed);
            let usual = cell.usual.load(Relaxed);
            let usual = each(Window {
                mean: sum as f64 / FRACTIONS / count as f64,
                count,
                usual: (usual > 0).then_some(usual as f64 / FRACTIONS),
            });
            cell.usual.store((usual * FRACTIONS) as u64, Relaxed);
        }
    }
}

fn log(latency: Duration) -> u64 {
    let nanos = latency.saturating_add(NOISE).as_nanos() as f64;
    (nanos.log2() * FRACTIONS) as u64
}
