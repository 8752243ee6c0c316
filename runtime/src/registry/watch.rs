//! A watch that does not end.

use super::{Listing, Registry};
use crate::{
    reply::BoxStream,
    status::{Result, Status},
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};
use tokio_stream::StreamExt;

/// How long an adapter may take for its first list.
const FIRST_LIST_TIMEOUT: Duration = Duration::from_secs(15);

/// When a watch is begun anew though nothing is wrong: whatever was missed without
/// anybody noticing is missed no longer.
const AGAIN_AFTER: Duration = Duration::from_secs(600);

/// A watch that went well for so long has nothing to do with those that failed before.
const WELL_AFTER: Duration = Duration::from_secs(5);

/// Between watches that failed.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// The lists of one service, for ever: what failed or ended is watched again, after
/// 0.2 s at first and 6 s at most, and every 10 min in case a change was missed.
pub struct Watch {
    registry: Arc<dyn Registry>,
    service: String,
    lists: Option<BoxStream<Listing>>,
    /// When to begin the next watch.
    due: Instant,
    /// Until when the watch that has begun must tell its first list.
    first_due: Option<Instant>,
    /// When the watch that goes on told its first list.
    told: Option<Instant>,
    /// Watches that failed, one soon after another.
    failures: u32,
}

impl Watch {
    /// Watches the instances of `service`, from the first [`next`](Self::next) on.
    pub fn new(registry: impl Registry, service: impl Into<String>) -> Self {
        Self {
            registry: Arc::new(registry),
            service: service.into(),
            lists: None,
            due: Instant::now(),
            first_due: None,
            told: None,
            failures: 0,
        }
    }

    /// The next list. Cancellation safe.
    ///
    /// # Errors
    /// Why there is none now; the last list may still be right. There will be
    /// another, so whoever wants to know asks again.
    pub async fn next(&mut self) -> Result<Listing> {
        loop {
            let lists = match &mut self.lists {
                Some(lists) if Instant::now() < self.due => lists,
                _ => {
                    sleep_until(self.due).await;
                    self.due = Instant::now() + AGAIN_AFTER.mul_f64(1.0 - fastrand::f64() / 5.0);
                    self.first_due = Some(Instant::now() + FIRST_LIST_TIMEOUT);
                    self.told = None;
                    self.lists.insert(self.registry.watch(&self.service))
                }
            };
            let first_due = self.first_due;
            let listed = tokio::select! {
                listed = lists.next() => listed,
                () = sleep_until(self.due) => continue,
                () = sleep_until(first_due.unwrap_or(self.due)), if first_due.is_some() => {
                    let why = format!("no list came within {FIRST_LIST_TIMEOUT:?}");
                    Some(Err(Status::unavailable(why)))
                }
            };
            self.first_due = None;
            match listed {
                Some(Ok(listing)) => {
                    self.told.get_or_insert_with(Instant::now);
                    return Ok(listing);
                }
                Some(Err(status)) => return Err(self.failed(status)),
                None => return Err(self.failed(Status::unavailable("the watch ended"))),
            }
        }
    }

    fn failed(&mut self, status: Status) -> Status {
        self.lists = None;
        let told = self.told.take();
        if told.is_some_and(|told| told.elapsed() >= WELL_AFTER) {
            self.failures = 0;
        }
        self.due = Instant::now() + backoff(self.failures, fastrand::f64());
        self.failures = self.failures.saturating_add(1);
        Status::new(
            status.code(),
            format!(
                "{:?}: watching `{}`: {}",
                self.registry,
                self.service,
                status.message()
            ),
        )
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("registry", &self.registry)
            .field("service", &self.service)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

/// How long to wait after one more failure than `failures`; `random` in 0..1.
pub(super) fn backoff(failures: u32, random: f64) -> Duration {
    let grown = BACKOFF_MIN.saturating_mul(1 << failures.min(16));
    grown.min(BACKOFF_MAX).mul_f64(0.8 + 0.4 * random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Instance, RegistryFuture};

    /// Tells a list, and fails.
    #[derive(Debug)]
    struct Flaps;

    impl Registry for Flaps {
        fn register<'a>(&'a self, _: &'a Instance, _: Duration) -> RegistryFuture<'a> {
            Box::pin(async { Ok(()) })
        }

        fn deregister<'a>(&'a self, _: &'a Instance) -> RegistryFuture<'a> {
            Box::pin(async { Ok(()) })
        }

        fn watch(&self, _: &str) -> BoxStream<Listing> {
            let told = [Ok(Listing::new()), Err(Status::unavailable("it fails"))];
            Box::pin(tokio_stream::iter(told))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_before_each_failure_makes_it_no_better() {
        let mut watch = Watch::new(Flaps, "a.v1.B");
        let begun = Instant::now();
        for _ in 0..20 {
            assert!(watch.next().await.is_ok());
            assert!(watch.next().await.is_err());
        }
        let took = begun.elapsed();
        assert!(took > Duration::from_secs(50), "20 watches within {took:?}");
    }
}
