//! What is done when an interval ends, a breaker trips or an ejection is over.

use super::{ABSENT_MAX, Outliers, ejections::Reason, entry::Entry};
use crate::endpoint::Address;
use tokio::time::Instant;

impl Outliers {
    /// Ejects addresses with too many failures in a row. An address that is alone
    /// has none that could take its calls.
    pub(super) fn eject_tripped(&mut self, now: Instant) {
        let alone = self.present().count() == 1;
        let mut tripped = Vec::new();
        for (address, entry) in self.entries.iter().filter(|(_, entry)| entry.is_present()) {
            if !entry.health.take_tripped() || entry.is_ejected() {
                continue;
            }
            if alone {
                entry.health.sleep_on();
            } else {
                tripped.push(address.clone());
            }
        }
        for address in tripped {
            self.eject(&address, Reason::ConsecutiveFailures, now);
        }
    }

    /// Compares addresses by their calls in the interval that is over.
    pub(super) fn eject_outliers(&mut self, now: Instant) {
        for entry in self.entries.values_mut() {
            entry.counts = entry.health.swap();
        }
        if let Some(rule) = self.config.success_rate.clone() {
            let found = rule.outliers(&self.counts());
            let share = rule.enforcement_percentage;
            self.eject_some(found, Reason::SuccessRate, share, now);
        }
        if let Some(rule) = self.config.failure_percentage.clone() {
            let found = rule.outliers(&self.counts());
            let share = rule.enforcement_percentage;
            self.eject_some(found, Reason::FailurePercentage, share, now);
        }
    }

    fn counts(&self) -> Vec<(&Address, super::health::Counts)> {
        let present = self.entries.iter().filter(|(_, entry)| entry.is_present());
        present
            .map(|(address, entry)| (address, entry.counts))
            .collect()
    }

    /// Ejects `share` percent of those found, while not too many are.
    fn eject_some(&mut self, found: Vec<Address>, reason: Reason, share: u32, now: Instant) {
        for address in found {
            if self.entries.get(&address).is_some_and(Entry::is_ejected) {
                continue;
            }
            let (present, ejected) = self.present_and_ejected();
            let ejected_max = present * self.config.max_ejection_percent as usize / 100;
            if ejected >= ejected_max.max(1) || self.random.u32(0..100) >= share {
                self.ejections.spared(reason);
                let reason = reason.name();
                tracing::debug!(%address, reason, ejected, "an outlier is not ejected");
            } else {
                self.eject(&address, reason, now);
            }
        }
    }

    fn eject(&mut self, address: &Address, reason: Reason, now: Instant) {
        let (present, ejected) = self.present_and_ejected();
        let ignored = self.is_panic(present, ejected + 1);
        if let Some(entry) = self.entries.get_mut(address) {
            let time = entry.eject(reason, &self.config, now);
            self.ejections.ejected(reason);
            let times = entry.multiplier();
            let reason = reason.name();
            tracing::warn!(%address, reason, ?time, times, ignored, "address ejected");
        }
    }

    /// Lets back those whose time is over, and those that answered although they
    /// were ejected.
    pub(super) fn let_back(&mut self, now: Instant) {
        for (address, entry) in &mut self.entries {
            let reason = match entry.until(&self.config) {
                Some(until) if until <= now => {
                    entry.return_on_probation();
                    "its time is over"
                }
                Some(_) if entry.is_proved() => {
                    entry.return_trusted();
                    "it answers"
                }
                _ => continue,
            };
            if entry.is_present() {
                tracing::info!(%address, reason, "address returned");
            }
        }
    }

    /// Finds out whether enough addresses are left.
    pub(super) fn weigh(&mut self) {
        let (present, ejected) = self.present_and_ejected();
        let panic = self.is_panic(present, ejected);
        match (self.panic, panic) {
            (false, true) => {
                tracing::warn!(ejected, present, "ejections are ignored: too few left")
            }
            (true, false) => tracing::info!(ejected, present, "ejections are heeded again"),
            _ => {}
        }
        self.panic = panic;
        for entry in self.entries.values_mut() {
            entry.test(panic && entry.is_present());
        }
        self.ejections.now(ejected, self.panic);
    }

    /// Forgets addresses that have left and made up for their ejections, and of
    /// too many others those that were ejected least.
    pub(super) fn forget_absent(&mut self) {
        self.entries
            .retain(|_, entry| entry.is_present() || !entry.is_forgettable());
        let mut absent = self.entries.len() - self.present().count();
        while absent > ABSENT_MAX {
            let left = self.entries.iter().filter(|(_, entry)| !entry.is_present());
            let least = left.min_by_key(|(_, entry)| entry.multiplier());
            let Some(address) = least.map(|(address, _)| address.clone()) else {
                return;
            };
            self.entries.remove(&address);
            absent -= 1;
        }
    }

    fn present(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|entry| entry.is_present())
    }

    fn present_and_ejected(&self) -> (usize, usize) {
        let present = self.present().count();
        let ejected = self.present().filter(|entry| entry.is_ejected()).count();
        (present, ejected)
    }

    fn is_panic(&self, present: usize, ejected: usize) -> bool {
        let left = present.saturating_sub(ejected);
        ejected > 0 && left * 100 < present * self.config.panic_threshold as usize
    }
}
