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
        // One that was alone is no longer: if it is ill something can be done about
        // it, and if not it has to wake the sweep once it is.
        for entry in self.entries.values() {
            if entry.is_present() && !entry.is_ejected() && entry.health.take_tripped() {
                self.wake.notify_one();
            }
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

    /// Why this subchannel is to be left alone, if it is.
    pub(crate) fn why_ejected(&self, id: u64) -> Option<&'static str> {
        let address = self.addresses.get(&id).filter(|_| !self.panic)?;
        self.entries.get(address)?.why_ejected()
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

    /// Ejects and lets back what is to be at `now`: whoever picks must then ask
    /// anew who [`is_ejected`](Self::is_ejected).
    pub(crate) fn sweep(&mut self, now: Instant) {
        let Some(began) = self.began else {
            return;
        };
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
