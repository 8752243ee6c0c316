//! A channel's addresses, their calls and the passing of time, without either.

mod breaker;
mod changes;
mod comparison;
mod events;
mod metrics;
mod outcomes;
mod panic;
mod shares;
mod spans;
mod waking;

use super::{ejections::Reason, *};
use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

const SECOND: Duration = Duration::from_secs(1);
const NOBODY: [u64; 0] = [];

/// What became of a subchannel in a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// It gets no calls from now on.
    Ejected(u64),
    /// It gets calls again.
    Returned(u64),
}

/// Subchannels 1 to n, each to an address of its own.
struct Cluster {
    outliers: Outliers,
    ejections: Ejections,
    health: BTreeMap<u64, Arc<Health>>,
    now: Instant,
}

fn address(id: u64) -> Address {
    let port = u16::try_from(10_000 + id).expect("few subchannels");
    Address::Tcp(SocketAddr::from(([10, 0, 0, 1], port)))
}

impl Cluster {
    fn new(config: OutlierDetection, subchannels: u64) -> Self {
        let ejections = Ejections::default();
        let mut cluster = Self {
            outliers: Outliers::new(config).counting(ejections.clone()),
            ejections,
            health: BTreeMap::new(),
            now: Instant::now(),
        };
        cluster.outliers.began = cluster.outliers.began.map(|_| cluster.now);
        cluster.outliers.random = fastrand::Rng::with_seed(7);
        (1..=subchannels).for_each(|id| cluster.add(id));
        cluster
    }

    fn add(&mut self, id: u64) {
        let health = self.outliers.add(id, &address(id));
        self.health.insert(id, health);
    }

    fn remove(&mut self, id: u64) {
        self.outliers.remove(id);
        self.health.remove(&id);
    }

    fn record(&self, id: u64, outcome: Outcome, times: u32) {
        let health = &self.health[&id];
        (0..times).for_each(|_| health.record(health.era(), outcome));
    }

    /// Calls to one subchannel, the failures last.
    fn calls(&self, id: u64, successes: u32, failures: u32) {
        self.record(id, Outcome::Answered, successes);
        self.record(id, Outcome::Failed, failures);
    }

    /// So many failures among 100 calls to each subchannel, in their order.
    fn hundreds(&self, failures: &[u32]) {
        for (id, failures) in (1..).zip(failures) {
            self.calls(id, 100 - failures, *failures);
        }
    }

    fn pass(&mut self, time: Duration) -> Vec<Change> {
        self.sweep_at(self.now + time)
    }

    fn sweep_at(&mut self, now: Instant) -> Vec<Change> {
        self.now = now;
        let before = self.unused();
        self.outliers.sweep(now);
        let after = self.unused();
        let ejected = after.difference(&before).copied().map(Change::Ejected);
        let returned = before.difference(&after).copied().map(Change::Returned);
        ejected.chain(returned).collect()
    }

    /// Every subchannel that gets no calls, also those without a name here.
    fn unused(&self) -> BTreeSet<u64> {
        let ids = self.outliers.addresses.keys().copied();
        ids.filter(|id| self.outliers.is_ejected(*id)).collect()
    }

    fn sweep(&mut self) -> Vec<Change> {
        self.pass(Duration::ZERO)
    }

    /// To the end of the current interval.
    fn interval(&mut self) -> Vec<Change> {
        let began = self.outliers.began.expect("it is on");
        self.now = self.now.max(began + self.outliers.config.interval);
        self.sweep()
    }

    /// So many failures among 100 calls to each subchannel, in one interval.
    fn interval_of(&mut self, failures: &[u32]) -> Vec<Change> {
        self.hundreds(failures);
        self.interval()
    }

    /// Those that get no calls.
    fn left_alone(&self) -> Vec<u64> {
        let ids = self.health.keys().copied();
        ids.filter(|id| self.outliers.is_ejected(*id)).collect()
    }

    /// Those that are ejected, whether or not that is heeded.
    fn ejected(&self) -> Vec<u64> {
        let is_ejected = |id: &u64| self.outliers.entries[&address(*id)].is_ejected();
        self.health.keys().copied().filter(is_ejected).collect()
    }

    fn multiplier(&self, id: u64) -> u32 {
        self.outliers.entries[&address(id)].multiplier()
    }

    fn metric(&self, name: &str, reason: Option<Reason>) -> u64 {
        let label = reason.map(|reason| ("reason", reason.name()));
        let found = self
            .ejections
            .iter()
            .find(|metric| metric.name == name && metric.label == label);
        found.expect("a metric of this name").value
    }
}

/// Only gRFC A50, as it is written.
fn a50() -> OutlierDetection {
    OutlierDetection::new()
        .with_success_rate(SuccessRate::new().to_the_letter())
        .with_consecutive_failures(0)
        .with_panic_threshold(0)
}

/// Only one of its two comparisons.
fn by_success_rate(rule: SuccessRate) -> OutlierDetection {
    a50()
        .with_success_rate(rule.to_the_letter())
        .with_failure_percentage(None)
}

fn by_failure_percentage(rule: FailurePercentage) -> OutlierDetection {
    a50().with_success_rate(None).with_failure_percentage(rule)
}

/// Only the breaker.
fn breaker() -> OutlierDetection {
    OutlierDetection::new()
        .with_success_rate(None)
        .with_failure_percentage(None)
}
