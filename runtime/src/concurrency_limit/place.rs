//! What a call holds while it is handled.

use super::gate::Gate;
use crate::stopwatch::Stopwatch;
use std::{fmt, sync::Arc};

/// One of as many as the limit says; free again once dropped.
pub(crate) struct Seat(pub(super) Arc<Gate>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.leave();
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
            begun: seat.0.gradient.now(),
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
        if let Some(latency) = self.stopwatch.elapsed() {
            let gate = &self.seat.0;
            gate.ended(self.method, self.begun, latency, self.answered);
        }
    }
}
