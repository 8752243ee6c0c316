//! What a server counts of itself, for whatever exporter reads it.

use crate::{limits::Limit, priority::Priority};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// A server's counters and gauges, as [`Server::metrics`](crate::Server::metrics)
/// gives them. Clones show the same numbers, while the server serves and after.
///
/// ```
/// use cordial_runtime::{Limit, Server};
///
/// let metrics = Server::new().metrics();
/// for metric in metrics.iter() {
///     let label = metric.label.map(|(key, value)| format!("{{{key}=\"{value}\"}}"));
///     println!("{}{} {}", metric.name, label.unwrap_or_default(), metric.value);
/// }
/// assert_eq!(metrics.times_reached(Limit::MessageBytesMax), 0);
/// ```
#[derive(Clone)]
pub struct Metrics(Arc<Values>);

struct Values {
    reached: [AtomicU64; Limit::ALL.len()],
    shed: [AtomicU64; Priority::ALL.len()],
    gauges: [AtomicU64; Gauge::ALL.len()],
    registrations_failed: AtomicU64,
}

/// One number and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// What it is called, unit included.
    pub name: &'static str,
    /// What it tells, in a sentence.
    pub help: &'static str,
    /// How it changes.
    pub kind: MetricKind,
    /// The key and value that tell it from others of its name.
    pub label: Option<(&'static str, &'static str)>,
    /// The number.
    pub value: u64,
}

/// How a [`Metric`] changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It is what it is now.
    Gauge,
}

/// What is shown as it is now.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gauge {
    ConnectionsOpen,
    CallsInFlight,
    CallsQueued,
    ConcurrencyLimit,
    ServicesRegistered,
}

impl Gauge {
    const ALL: [Self; 5] = [
        Self::ConnectionsOpen,
        Self::CallsInFlight,
        Self::CallsQueued,
        Self::ConcurrencyLimit,
        Self::ServicesRegistered,
    ];

    fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::ConnectionsOpen => ("connections_open", "Connections a server holds open."),
            Self::CallsInFlight => (
                "calls_in_flight",
                "Calls that have arrived and not ended, streams included.",
            ),
            Self::CallsQueued => ("calls_queued", "Calls that wait to be handled."),
            Self::ConcurrencyLimit => (
                "concurrency_limit",
                "Unary calls that are handled at once, as measured to be best.",
            ),
            Self::ServicesRegistered => (
                "services_registered",
                "Services that a registry lists, as far as is known.",
            ),
        }
    }
}

impl Metrics {
    /// Every metric there is now. The same ones in the same order each time.
    pub fn iter(&self) -> impl Iterator<Item = Metric> + '_ {
        let reached = Limit::ALL.iter().map(|limit| Metric {
            name: "limits_reached_total",
            help: "How often a limit was reached: refused, waited or cut something.",
            kind: MetricKind::Counter,
            label: Some(("limit", limit.name())),
            value: self.times_reached(*limit),
        });
        let shed = Priority::ALL.into_iter().map(|priority| Metric {
            name: "calls_shed_total",
            help: "Calls refused before they began, since there were too many.",
            kind: MetricKind::Counter,
            label: Some(("priority", priority.name())),
            value: self.calls_shed(priority),
        });
        let gauges = Gauge::ALL.into_iter().map(|gauge| {
            let (name, help) = gauge.describe();
            Metric {
                name,
                help,
                kind: MetricKind::Gauge,
                label: None,
                value: self.gauge(gauge).load(Relaxed),
            }
        });
        let failed = Metric {
            name: "registrations_failed_total",
            help: "How often a service could not be registered, or its lease renewed.",
            kind: MetricKind::Counter,
            label: None,
            value: self.registrations_failed(),
        };
        reached.chain(shed).chain(gauges).chain([failed])
    }

    /// How often `limit` was reached.
    pub fn times_reached(&self, limit: Limit) -> u64 {
        self.0.reached[limit as usize].load(Relaxed)
    }

    /// How many calls of this priority were refused before they began.
    pub fn calls_shed(&self, priority: Priority) -> u64 {
        self.0.shed[priority as usize].load(Relaxed)
    }

    /// Connections open now.
    pub fn connections_open(&self) -> u64 {
        self.gauge(Gauge::ConnectionsOpen).load(Relaxed)
    }

    /// Calls that have arrived and not ended, streams included.
    pub fn calls_in_flight(&self) -> u64 {
        self.gauge(Gauge::CallsInFlight).load(Relaxed)
    }

    /// Calls that wait to be handled.
    pub fn calls_queued(&self) -> u64 {
        self.gauge(Gauge::CallsQueued).load(Relaxed)
    }

    /// Unary calls that are handled at once, as measured to be best.
    pub fn concurrency_limit(&self) -> u64 {
        self.gauge(Gauge::ConcurrencyLimit).load(Relaxed)
    }

    /// Services that a registry lists, as far as is known.
    pub fn services_registered(&self) -> u64 {
        self.gauge(Gauge::ServicesRegistered).load(Relaxed)
    }

    /// How often a service could not be registered, or its lease renewed.
    pub fn registrations_failed(&self) -> u64 {
        self.0.registrations_failed.load(Relaxed)
    }

    /// Says that `limit` refused, held up or cut something.
    pub(crate) fn reached(&self, limit: Limit) {
        self.0.reached[limit as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn shed(&self, priority: Priority) {
        self.0.shed[priority as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn registration_failed(&self) {
        self.0.registrations_failed.fetch_add(1, Relaxed);
    }

    pub(crate) fn set(&self, gauge: Gauge, value: u64) {
        self.gauge(gauge).store(value, Relaxed);
    }

    /// One more of `gauge`, until what is returned is dropped.
    pub(crate) fn count(&self, gauge: Gauge) -> Counted {
        let before = self.gauge(gauge).fetch_add(1, Relaxed);
        Counted {
            metrics: self.clone(),
            gauge,
            before,
        }
    }

    fn gauge(&self, gauge: Gauge) -> &AtomicU64 {
        &self.0.gauges[gauge as usize]
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self(Arc::new(Values {
            reached: [const { AtomicU64::new(0) }; _],
            shed: [const { AtomicU64::new(0) }; _],
            gauges: [const { AtomicU64::new(0) }; _],
            registrations_failed: AtomicU64::new(0),
        }))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.iter().filter(|metric| metric.value > 0);
        f.debug_map()
            .entries(values.map(|metric| ((metric.name, metric.label), metric.value)))
            .finish()
    }
}

/// Counts in a gauge while it lives.
#[derive(Debug)]
pub(crate) struct Counted {
    metrics: Metrics,
    gauge: Gauge,
    before: u64,
}

impl Counted {
    /// How many there were before it.
    pub(crate) fn before(&self) -> u64 {
        self.before
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.metrics.gauge(self.gauge).fetch_sub(1, Relaxed);
    }
}
