//! What peers can make us say as often as they like is said now and then.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Time between two lines of the log.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Sparingly(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    unsaid: u64,
}

impl Sparingly {
    /// Whether a line may be said now, and how many were not since the last.
    pub(super) fn may_speak(&self) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.last.is_some_and(|last| last.elapsed() < PAUSE) {
            said.unsaid += 1;
            return None;
        }
        said.last = Some(Instant::now());
        Some(std::mem::take(&mut said.unsaid))
    }
}
