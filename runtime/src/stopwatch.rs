//! How long a call has taken, without the time its own message took to arrive.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use tokio::time::{Duration, Instant};

/// Runs from the start. Clones are the same stopwatch.
#[derive(Clone, Debug)]
pub(crate) struct Stopwatch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    /// Nanoseconds from `started` to the last restart, or [`PAUSED`].
    restarted: AtomicU64,
}

const PAUSED: u64 = u64::MAX;

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            restarted: AtomicU64::new(0),
        }))
    }

    /// Shows nothing until it is restarted.
    pub(crate) fn pause(&self) {
        self.0.restarted.store(PAUSED, Relaxed);
    }

    /// Runs anew from zero.
    pub(crate) fn restart(&self) {
        self.0.restarted.store(self.nanos(), Relaxed);
    }

    /// What it shows; `None` while paused.
    pub(crate) fn elapsed(&self) -> Option<Duration> {
        let restarted = self.0.restarted.load(Relaxed);
        (restarted != PAUSED).then(|| Duration::from_nanos(self.nanos().saturating_sub(restarted)))
    }

    fn nanos(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_nanos()).unwrap_or(PAUSED - 1)
    }
}
