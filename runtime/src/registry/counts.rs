//! What a channel counts of its registry.

use super::Flaw;
use crate::metrics::{Metric, MetricKind};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use tokio::time::Instant;

/// Counters and gauges of a channel's registry. Clones show the same numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(Arc<Values>);

#[derive(Debug, Default)]
struct Values {
    lists: AtomicU64,
    failures: AtomicU64,
    skipped: [AtomicU64; Flaw::ALL.len()],
    listed: AtomicU64,
    kept: AtomicU64,
    held: AtomicU64,
    away_since: Mutex<Option<Instant>>,
}

impl Counts {
    /// Every metric there is, in the same order each time.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Metric> + '_ {
        let values = &self.0;
        let skipped = Flaw::ALL.into_iter().map(|flaw| Metric {
            name: "registry_records_skipped_total",
            help: "Records of a registry's lists that were not believed; the rest serve.",
            kind: MetricKind::Counter,
            label: Some(("reason", flaw.name())),
            value: values.skipped[flaw as usize].load(Relaxed),
        });
        let plain = |kind, name, help, value| Metric {
            name,
            help,
            kind,
            label: None,
            value,
        };
        let (counter, gauge) = (MetricKind::Counter, MetricKind::Gauge);
        skipped.chain([
            plain(
                counter,
                "registry_lists_total",
                "Lists of instances that a registry told.",
                values.lists.load(Relaxed),
            ),
            plain(
                counter,
                "registry_failures_total",
                "How often a registry could not be watched.",
                values.failures.load(Relaxed),
            ),
            plain(
                gauge,
                "registry_away_seconds",
                "How long the registry has been away; the list is as old. 0 while it is there.",
                self.away_seconds(),
            ),
            plain(
                gauge,
                "registry_instances_listed",
                "Instances in the registry's last list, without what was skipped.",
                values.listed.load(Relaxed),
            ),
            plain(
                gauge,
                "registry_instances_kept",
                "Instances still called though they are listed no more: too many went at once.",
                values.kept.load(Relaxed),
            ),
            plain(
                gauge,
                "registry_instances_held",
                "Instances not called yet, since they come and go.",
                values.held.load(Relaxed),
            ),
        ])
    }

    fn away_seconds(&self) -> u64 {
        let since = *self.away_since();
        since.map_or(0, |since| since.elapsed().as_secs())
    }

    fn away_since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        let since = &self.0.away_since;
        since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn listed(&self, instances: usize) {
        self.0.lists.fetch_add(1, Relaxed);
        self.0.listed.store(instances as u64, Relaxed);
        *self.away_since() = None;
    }

    /// The registry could not be watched; whether it could before.
    pub(crate) fn failed(&self) -> bool {
        self.0.failures.fetch_add(1, Relaxed);
        let mut since = self.away_since();
        let new = since.is_none();
        since.get_or_insert_with(Instant::now);
        new
    }

    pub(crate) fn skipped(&self, flaw: Flaw, times: u64) {
        self.0.skipped[flaw as usize].fetch_add(times, Relaxed);
    }

    pub(crate) fn now(&self, kept: usize, held: usize) {
        self.0.kept.store(kept as u64, Relaxed);
        self.0.held.store(held as u64, Relaxed);
    }
}
