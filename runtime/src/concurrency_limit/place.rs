//! What a call holds while it is handled.

use super::gate::Gate;
use crate::{priority::Priority, stopwatch::Stopwatch};
use std::{fmt, sync::Arc};

/// One of as many as the limit says; free again once dropped.
pub(crate) struct Seat {
    gate: Arc<Gate>,
    priority: Priority,
}

impl Seat {
    /// One that was taken.
    pub(super) fn new(gate: Arc<Gate>, priority: Priority) -> Self {
        Self { gate, priority }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.gate.leave(self.priority);
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seat")
    }
}

/// A seat and how long it has been taken for.
#[derive(Debug)]
pub(crate) struct Place {
    seat: Seat,
    method: usize,
    begun: u64,
    stopwatch: Stopwatch,
    answered: bool,
}

impl Place {
    pub(super) fn new(seat: Seat, method: usize, stopwatch: Stopwatch) -> Self {
        Self {
            begun: seat.gate.gradient.now(),
            seat,
            method,
            stopwatch,
            answered: false,
        }
    }

    /// The call has ended well. Dropped without, it counts if it took long.
    pub(crate) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A call whose message has not come yet tells nothing.
        let latency = self.stopwatch.elapsed();
        let gate = &self.seat.gate;
        gate.ended(self.method, self.begun, latency, self.answered);
    }
}
