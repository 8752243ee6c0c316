//! Whether a connection has a call in flight.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use tokio::time::{Duration, Instant, sleep, sleep_until};

/// Counts what a connection is busy with.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    busy: AtomicUsize,
    idle_since: Mutex<Instant>,
}

/// The connection is busy while this lives.
#[derive(Debug)]
pub(super) struct Busy(Arc<Inner>);

impl Activity {
    /// Idle from now on.
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            busy: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
        }))
    }

    pub(super) fn start(&self) -> Busy {
        self.0.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.0.clone())
    }

    /// Ends once nothing has been in flight for `timeout` from now on. It looks
    /// now and then instead of being told: a call costs nobody a wake-up.
    pub(super) async fn idle_for(&self, timeout: Duration) {
        let begun = Instant::now();
        loop {
            match self.idle_until(begun, timeout) {
                Some(end) if end <= Instant::now() => return,
                Some(end) => sleep_until(end).await,
                None => sleep(timeout).await,
            }
        }
    }

    /// When it will have been idle for `timeout` since `begun`; `None` if it is
    /// busy or that is beyond the clock.
    fn idle_until(&self, begun: Instant, timeout: Duration) -> Option<Instant> {
        let idle_since = self.0.lock();
        match self.0.busy.load(Ordering::Acquire) {
            0 => idle_since.max(begun).checked_add(timeout),
            _ => None,
        }
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.idle_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // Both under the lock: who sees no call sees since when.
        let mut idle_since = self.0.lock();
        if self.0.busy.fetch_sub(1, Ordering::Release) == 1 {
            *idle_since = Instant::now();
        }
    }
}
