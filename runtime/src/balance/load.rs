//! What a subchannel has to do, and how long it takes.

use super::{
    peak_ewma::{At, PeakEwma},
    report::{LoadReport, Reports, Weighing},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;
use tonic::metadata::MetadataMap;

/// In which all but 37 % of a latency is forgotten, unless a balancer says otherwise.
pub(super) const DECAY: Duration = Duration::from_secs(10);

/// The calls of one subchannel.
#[derive(Debug)]
pub struct Load {
    in_flight: AtomicU32,
    since: Instant,
    latency: PeakEwma,
    decay_nanos: AtomicU64,
    reports: Reports,
    reports_wanted: AtomicBool,
}

/// A call in flight, until dropped.
#[derive(Debug)]
pub struct InFlight {
    load: Arc<Load>,
    started: Instant,
    told: Told,
}

/// What is known of a call in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Answered,
    Failed,
}

impl Load {
    /// Of a subchannel that is READY since now.
    pub fn new() -> Self {
        Self {
            in_flight: AtomicU32::new(0),
            since: Instant::now(),
            latency: PeakEwma::default(),
            decay_nanos: AtomicU64::new(DECAY.as_nanos() as u64),
            reports: Reports::default(),
            reports_wanted: AtomicBool::new(false),
        }
    }

    /// How many calls are in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// How long it has been READY.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// How long calls take: the longest of late, which is forgotten with time.
    /// `None` before the first has ended.
    pub fn latency(&self) -> Option<Duration> {
        let nanos = self.latency_nanos(Instant::now());
        (nanos > 0.0).then(|| Duration::from_nanos(nanos as u64))
    }

    /// One more call, now.
    pub fn start(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        InFlight {
            load: self.clone(),
            started: Instant::now(),
            told: Told::Nothing,
        }
    }

    /// The server says what it has to do. A report with nothing of `qps` or
    /// `utilization` says nothing.
    pub fn report(&self, report: LoadReport) {
        self.reports.keep(report, self.age());
    }

    /// From now on the reports that come with replies count.
    pub(super) fn want_reports(&self) {
        self.reports_wanted.store(true, Relaxed);
    }

    /// A call ended with these trailers.
    pub(super) fn hear(&self, trailers: &MetadataMap) {
        if self.reports_wanted.load(Relaxed)
            && let Some(report) = LoadReport::read_from(trailers)
        {
            self.report(report);
        }
    }

    /// Nanoseconds that calls take; 0 if unknown.
    pub(super) fn latency_nanos(&self, now: Instant) -> f32 {
        self.latency.nanos(self.at(now))
    }

    /// In which all but 37 % of a latency is forgotten.
    pub(super) fn forget_over(&self, decay: Duration) {
        let nanos = u64::try_from(decay.as_nanos()).unwrap_or(u64::MAX);
        self.decay_nanos.store(nanos, Relaxed);
    }

    /// How many calls the server wants, by its own reports.
    pub(super) fn reported_weight(&self, now: Instant, weighing: &Weighing) -> Option<f64> {
        self.reports.weight(self.age_at(now), weighing)
    }

    pub(super) fn age_at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    fn at(&self, now: Instant) -> At {
        At {
            time: self.age_at(now),
            decay: Duration::from_nanos(self.decay_nanos.load(Relaxed)),
        }
    }
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}

impl InFlight {
    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// It ended with these trailers, which may hold a [`LoadReport`].
    pub(crate) fn hear(&self, trailers: &MetadataMap) {
        self.load.hear(trailers);
    }

    /// The head of its reply came, or it ended: that is how long it took. It is
    /// in flight until dropped nevertheless. When told again, only a failure
    /// counts, once.
    ///
    /// `ok` is whether the server did what it was asked to. If not, the
    /// subchannel counts as slower than it was, however quick the call failed:
    /// what fails at once would get all calls otherwise.
    pub fn ended(&mut self, ok: bool) {
        let told = if ok { Told::Answered } else { Told::Failed };
        if told <= self.told {
            return;
        }
        let now = Instant::now();
        let at = self.load.at(now);
        let latency = match self.told {
            Told::Nothing => now - self.started,
            // How long messages came after the head is not the server's speed.
            Told::Answered | Told::Failed => Duration::ZERO,
        };
        self.told = told;
        match ok {
            true => self.load.latency.took(latency, at),
            false => self.load.latency.failed(latency, at),
        }
    }
}

/// A call that was dropped before it [`ended`](InFlight::ended) was given up: it
/// would have taken longer than it did.
impl Drop for InFlight {
    fn drop(&mut self) {
        self.load.in_flight.fetch_sub(1, Relaxed);
        if self.told == Told::Nothing {
            let now = Instant::now();
            let at = self.load.at(now);
            self.load.latency.given_up(now - self.started, at);
        }
    }
}
