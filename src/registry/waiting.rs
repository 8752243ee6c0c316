//! What tells an adapter that it was not waited for.

use std::time::{Duration, Instant};

/// Whoever leaves sooner says nothing of a host.
const PATIENCE: Duration = Duration::from_millis(250);

/// Waits for a host. Dropped after a while, since nobody had the time to wait on, it has
/// waited in vain, as if the host had failed.
pub(super) struct Waiting<F: FnMut()> {
    since: Instant,
    in_vain: F,
    is_over: bool,
}

impl<F: FnMut()> Waiting<F> {
    /// Begins; `in_vain` is called once if that is what it was.
    pub(super) fn new(in_vain: F) -> Self {
        Self {
            since: Instant::now(),
            in_vain,
            is_over: false,
        }
    }

    /// The host has answered.
    pub(super) fn answered(mut self) {
        self.is_over = true;
    }

    /// The host has failed.
    #[cfg(any(test, feature = "etcd", feature = "nats"))]
    pub(super) fn failed(mut self) {
        self.is_over = true;
        (self.in_vain)();
    }
}

impl<F: FnMut()> Drop for Waiting<F> {
    fn drop(&mut self) {
        if !self.is_over && self.since.elapsed() >= PATIENCE {
            (self.in_vain)();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn only_whoever_waited_has_waited_in_vain() {
        let times = &Cell::new(0);
        let begun = || Waiting::new(move || times.set(times.get() + 1));
        let late = || {
            let mut late = begun();
            late.since -= PATIENCE;
            late
        };
        begun().answered();
        late().answered();
        drop(begun());
        assert_eq!(times.get(), 0);
        begun().failed();
        assert_eq!(times.get(), 1);
        late().failed();
        assert_eq!(times.get(), 2);
        drop(late());
        assert_eq!(times.get(), 3);
    }
}
