//! Leaves addresses alone whose calls fail while those to others do not (gRFC A50).

mod compare;
mod config;
mod ejections;
mod entry;
mod health;
mod outcome;
mod sweep;

use crate::endpoint::Address;
use entry::Entry;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

pub use config::{FailurePercentage, OutlierDetection, SuccessRate};
pub(crate) use ejections::Ejections;
pub(crate) use health::Health;
pub(crate) use outcome::Outcome;

/// Addresses that have left and are remembered for their ejections.
const ABSENT_MAX: usize = 1_024;

/// The addresses of one channel, and which of them are left alone. One task
/// owns it; the calls have the [`Health`] of their address.
#[derive(Debug)]
pub(crate) struct Outliers {
    config: OutlierDetection,
    entries: BTreeMap<Address, Entry>,
    addresses: HashMap<u64, Address>,
    /// When the current interval began. `None` while all is off.
    began: Option<Instant>,
    /// Too few would be left: ejections are ignored.
    panic: bool,
    wake: Arc<Notify>,
    ejections: Ejections,
    random: fastrand::Rng,
}

/// What became of a subchannel in a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// It gets no calls from now on.
    Ejected(u64),
    /// It gets calls again.
    Returned(u64),
}

impl Outliers {
    pub(crate) fn new(config: OutlierDetection) -> Self {
        Self {
            began: (!config.is_off()).then(Instant::now),
            config,
            entries: BTreeMap::new(),
            addresses: HashMap::new(),
            panic: false,
            wake: Arc::default(),
            ejections: Ejections::default(),
            random: fastrand::Rng::new(),
        }
    }

    /// The same, counting there what it ejects, which outlives it.
    pub(crate) fn counting(mut self, ejections: Ejections) -> Self {
        self.ejections = ejections;
        self
    }

    /// One more subchannel, to an address that may have others. An address that
    /// was ejected when it left still is.
    pub(crate) fn add(&mut self, id: u64, address: &Address) -> Arc<Health> {
        let health = || Health::new(self.config.consecutive_failures, self.wake.clone());
        let entry = match self.entries.get_mut(address) {
            Some(entry) => {
                if !entry.is_present() {
                    entry.renew(health());
                }
                entry
            }
            None => {
                let entry = Entry::new(health());
                self.entries.entry(address.clone()).or_insert(entry)
            }
        };
        entry.ids.push(id);
        let health = entry.health.clone();
        self.addresses.insert(id, address.clone());
        self.weigh();
        // One that was alone, and ill, is no longer alone.
        let waits = |entry: &Entry| !entry.is_ejected() && entry.health.is_tripped();
        if self.entries.values().any(waits) {
            self.wake.notify_one();
        }
        health
    }

    /// A subchannel is gone.
    pub(crate) fn remove(&mut self, id: u64) {
        let Some(address) = self.addresses.remove(&id) else {
            return;
        };
        if let Some(entry) = self.entries.get_mut(&address) {
            entry.ids.retain(|known| *known != id);
        }
        self.forget_absent();
        self.weigh();
    }

    /// Whether this subchannel is to be left alone.
    pub(crate) fn is_ejected(&self, id: u64) -> bool {
        let entry = self
            .addresses
            .get(&id)
            .and_then(|address| self.entries.get(address));
        !self.panic && entry.is_some_and(Entry::is_ejected)
    }

    /// When [`sweep`](Self::sweep) has something to do, if nothing is recorded
    /// until then.
    pub(crate) fn next(&self) -> Option<Instant> {
        let interval_end = self.began? + self.config.interval;
        let ends = self
            .entries
            .values()
            .filter_map(|entry| entry.until(&self.config));
        ends.chain([interval_end]).min()
    }

    /// Ends when [`sweep`](Self::sweep) has something to do. Cancellation safe.
    pub(crate) async fn due(&self) {
        match self.next() {
            Some(next) => tokio::select! {
                () = sleep_until(next) => {}
                () = self.wake.notified() => {}
            },
            None => std::future::pending().await,
        }
    }

    /// Ejects and lets back what is to be at `now`: whoever picks must heed the
    /// changes.
    pub(crate) fn sweep(&mut self, now: Instant) -> Vec<Change> {
        let Some(began) = self.began else {
            return Vec::new();
        };
        let before = self.left_alone();
        let interval_is_over = now >= began + self.config.interval;
        self.eject_tripped(now);
        if interval_is_over {
            self.began = Some(now);
            self.eject_outliers(now);
        }
        self.let_back(now);
        if interval_is_over {
            self.entries.values_mut().for_each(Entry::decay);
            self.forget_absent();
        }
        self.weigh();
        self.changes_since(&before)
    }

    /// Other rules from now on. The interval that runs goes on, as long as
    /// intervals now are.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a channel keeps the rules it was made with")
    )]
    pub(crate) fn configure(&mut self, config: OutlierDetection, now: Instant) -> Vec<Change> {
        let before = self.left_alone();
        let failures = config.consecutive_failures;
        let breaker_changes = failures != self.config.consecutive_failures;
        self.config = config;
        for entry in self.entries.values_mut() {
            if breaker_changes {
                entry.configure(failures);
            }
            if self.config.is_off() {
                entry.forget();
            } else if self.began.is_none() {
                entry.health.swap();
            }
        }
        self.began = match self.config.is_off() {
            true => None,
            false => self.began.or(Some(now)),
        };
        self.forget_absent();
        self.weigh();
        self.changes_since(&before)
    }
}

/// Its addresses are nobody's any more.
impl Drop for Outliers {
    fn drop(&mut self) {
        self.ejections.now(0, false);
    }
}

#[cfg(test)]
mod tests;
