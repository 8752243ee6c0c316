//! What a channel counts of its ejections.

use crate::metrics::{Metric, MetricKind};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// Why an address is ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It had fewer successes than the others.
    SuccessRate,
    /// Nearly all of its calls failed.
    FailurePercentage,
    /// Its calls failed one after another.
    ConsecutiveFailures,
}

impl Reason {
    const ALL: [Self; 3] = [
        Self::SuccessRate,
        Self::FailurePercentage,
        Self::ConsecutiveFailures,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SuccessRate => "success_rate",
            Self::FailurePercentage => "failure_percentage",
            Self::ConsecutiveFailures => "consecutive_failures",
        }
    }
}

/// Counters and gauges of a channel's ejections. Clones show the same numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ejections(Arc<Values>);

#[derive(Debug, Default)]
struct Values {
    ejected: [AtomicU64; Reason::ALL.len()],
    spared: [AtomicU64; Reason::ALL.len()],
    ejected_now: AtomicU64,
    ignored: AtomicU64,
}

impl Ejections {
    /// Every metric there is, in the same order each time.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Metric> + '_ {
        let by_reason =
            |values: &'static str, help: &'static str, of: fn(&Values, Reason) -> u64| {
                Reason::ALL.into_iter().map(move |reason| Metric {
                    name: values,
                    help,
                    kind: MetricKind::Counter,
                    label: Some(("reason", reason.name())),
                    value: of(&self.0, reason),
                })
            };
        let gauge = |name, help, value: &AtomicU64| Metric {
            name,
            help,
            kind: MetricKind::Gauge,
            label: None,
            value: value.load(Relaxed),
        };
        by_reason(
            "outlier_ejections_total",
            "How often an address was ejected, since calls to it failed.",
            |values, reason| values.ejected[reason as usize].load(Relaxed),
        )
        .chain(by_reason(
            "outlier_ejections_spared_total",
            "How often an outlier was not ejected: too many were, or the lot fell so.",
            |values, reason| values.spared[reason as usize].load(Relaxed),
        ))
        .chain([
            gauge(
                "addresses_ejected",
                "Addresses that are ejected now.",
                &self.0.ejected_now,
            ),
            gauge(
                "ejections_ignored",
                "1 while too few addresses are left, so that ejected ones get calls too.",
                &self.0.ignored,
            ),
        ])
    }

    pub(super) fn ejected(&self, reason: Reason) {
        self.0.ejected[reason as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn spared(&self, reason: Reason) {
        self.0.spared[reason as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn now(&self, ejected: usize, ignored: bool) {
        self.0.ejected_now.store(ejected as u64, Relaxed);
        self.0.ignored.store(u64::from(ignored), Relaxed);
    }
}
