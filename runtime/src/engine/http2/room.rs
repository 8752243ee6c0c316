//! Where calls wait for places.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, futures::Notified};

/// Tells those who wait that a place may have come free.
#[derive(Debug, Default)]
pub(in crate::engine) struct Room {
    notify: Notify,
    waiting: AtomicUsize,
}

/// One more call waits, for as long as this lives.
#[derive(Debug)]
pub(in crate::engine) struct Waiting<'a>(&'a Room);

impl Room {
    /// Says so before it looks: whoever frees a place after that tells of it.
    pub(in crate::engine) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(self)
    }

    pub(in crate::engine) fn told(&self) -> Notified<'_> {
        self.notify.notified()
    }

    /// There is one more place.
    pub(in crate::engine) fn tell(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.notify.notify_one();
        }
    }

    /// There may be many, or none any more.
    pub(in crate::engine) fn tell_all(&self) {
        self.notify.notify_waiters();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
