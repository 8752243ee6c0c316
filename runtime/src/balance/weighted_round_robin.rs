//! One after the other, some more often.

use super::{
    Balancer, Candidate, Pick, Picker, SlowStart, first_untried, random::Random, report::Weighing,
    schedule::Schedule,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::Instant;

/// Weights are not computed more often than this (gRFC A58).
const UPDATE_PERIOD_MIN: Duration = Duration::from_millis(100);

/// Sends calls to one subchannel after the other, to each as often as its server
/// wants by the load it reports (gRFC A58, with the slow start of A100), or by the
/// weight of its endpoint. For servers of different sizes.
///
/// A server's weight is `qps / (utilization + penalty · eps / qps)` of the latest
/// [`LoadReport`](crate::LoadReport) that came with a reply. One that does not
/// report is given the average. If less than two report, the weights of the
/// endpoints count alone; otherwise those tell what the average of one without
/// reports is multiplied by.
#[derive(Debug)]
pub struct WeightedRoundRobin {
    weighing: Weighing,
    update_period: Duration,
    slow_start: SlowStart,
    random: Random,
}

impl WeightedRoundRobin {
    /// By reports and by weights, as A58 has it by default.
    pub fn new() -> Self {
        Self {
            weighing: Weighing {
                blackout: Duration::from_secs(10),
                expiry: Duration::from_secs(180),
                error_penalty: 1.0,
            },
            update_period: Duration::from_secs(1),
            slow_start: SlowStart::new(),
            random: Random::default(),
        }
    }

    /// How long a server must have reported before that counts
    /// (`blackout_period`). Default 10 s; zero is at once.
    #[must_use]
    pub fn with_blackout(mut self, blackout: Duration) -> Self {
        self.weighing.blackout = blackout;
        self
    }

    /// How old a report may be to count (`weight_expiration_period`). Default
    /// 3 min. After that the blackout begins again.
    #[must_use]
    pub fn with_expiry(mut self, expiry: Duration) -> Self {
        self.weighing.expiry = expiry;
        self
    }

    /// How often weights are computed (`weight_update_period`). Default 1 s, at
    /// least 100 ms.
    #[must_use]
    pub fn with_update_period(mut self, update_period: Duration) -> Self {
        self.update_period = update_period.max(UPDATE_PERIOD_MIN);
        self
    }

    /// How much of its capacity a server loses that fails all calls
    /// (`error_utilization_penalty`). Default 1.0, at least 0; what is not a
    /// number counts as 0.
    #[must_use]
    pub fn with_error_penalty(mut self, error_penalty: f64) -> Self {
        let valid = error_penalty.is_finite() && error_penalty > 0.0;
        self.weighing.error_penalty = if valid { error_penalty } else { 0.0 };
        self
    }

    /// How new subchannels are spared. Default [`SlowStart::new`].
    #[must_use]
    pub fn with_slow_start(mut self, slow_start: SlowStart) -> Self {
        self.slow_start = slow_start;
        self
    }

    /// Begins at the same place each time, for tests.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }
}

impl Default for WeightedRoundRobin {
    fn default() -> Self {
        Self::new()
    }
}

impl Balancer for WeightedRoundRobin {
    fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker> {
        ready.iter().for_each(|one| one.load.want_reports());
        let picker = WeightedTurns {
            schedule: Schedule::new(ready.len(), self.random.number()),
            ready,
            weighing: self.weighing,
            slow_start: self.slow_start,
            update_period: self.update_period,
            made: Instant::now(),
            update_nanos: AtomicU64::new(0),
        };
        picker.update(picker.made);
        Box::new(picker)
    }
}

struct WeightedTurns {
    ready: Arc<[Candidate]>,
    schedule: Schedule,
    weighing: Weighing,
    slow_start: SlowStart,
    update_period: Duration,
    made: Instant,
    /// When weights are next computed, after `made`.
    update_nanos: AtomicU64,
}

impl Picker for WeightedTurns {
    fn pick(&self, call: &Pick<'_>) -> Option<usize> {
        self.ready.first()?;
        self.update(Instant::now());
        first_untried(&self.ready, self.schedule.next(), call)
    }
}

impl WeightedTurns {
    /// Computes the weights, if it is time to.
    fn update(&self, now: Instant) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let passed = nanos(now.saturating_duration_since(self.made));
        let due = self.update_nanos.load(Relaxed);
        if passed < due {
            return;
        }
        let next = passed.saturating_add(nanos(self.update_period));
        // One does it; the others go on with the weights there are.
        let won = self
            .update_nanos
            .compare_exchange(due, next, Relaxed, Relaxed);
        if won.is_ok() {
            self.schedule.set(&self.weights(now));
        }
    }

    fn weights(&self, now: Instant) -> Vec<f64> {
        let given = |one: &Candidate| f64::from(one.endpoint.weight());
        let reported = |one: &Candidate| one.load.reported_weight(now, &self.weighing);
        let reports: Vec<_> = self.ready.iter().map(reported).collect();
        let pairs = || reports.iter().zip(&*self.ready);
        let reporting = pairs().filter_map(|(report, one)| Some(((*report)?, given(one))));
        let (sum, endpoints) = reporting.fold((0.0, 0.0), |(sum, endpoints), (report, given)| {
            (sum + report, endpoints + given)
        });
        // What an endpoint of weight 1 gets without a report. If none or one
        // reports, all that counts are the weights of the endpoints.
        let average = if endpoints > 0.0 {
            sum / endpoints
        } else {
            1.0
        };
        let weights = pairs().map(|(report, one)| {
            let weight = report.unwrap_or_else(|| average * given(one));
            weight * self.slow_start.share_of(one, now).max(f64::MIN_POSITIVE)
        });
        weights.collect()
    }
}
