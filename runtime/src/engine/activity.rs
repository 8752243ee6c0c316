//! Whether a connection has a call in flight.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{sync::Notify, time::Duration};

/// Counts what a connection is busy with.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    busy: AtomicUsize,
    idle: Notify,
}

/// The connection is busy while this lives.
#[derive(Debug)]
pub(super) struct Busy(Arc<Inner>);

impl Activity {
    pub(super) fn start(&self) -> Busy {
        self.0.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.0.clone())
    }

    /// Ends once nothing has been in flight for `timeout`.
    pub(super) async fn idle_for(&self, timeout: Duration) {
        loop {
            let changed = self.0.idle.notified();
            if self.0.busy.load(Ordering::Acquire) > 0 {
                changed.await;
                continue;
            }
            // A call that starts and ends in between notifies, and restarts the clock.
            let quiet = tokio::time::timeout(timeout, changed).await.is_err();
            if quiet && self.0.busy.load(Ordering::Acquire) == 0 {
                return;
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, Ordering::Release) == 1 {
            self.0.idle.notify_one();
        }
    }
}
