//! Spares a subchannel that is new.

use super::Candidate;
use std::time::Duration;
use tokio::time::Instant;

/// Time is counted from here on, so that a window of days gives something at once.
const AGE_MIN: Duration = Duration::from_secs(1);

/// Gives a new subchannel fewer calls than others at first, as caches and
/// compilers behind it are cold (gRFC A100, and Envoy before it).
///
/// A subchannel READY for `age` gets `(age / window) ^ (1 / aggression)` of its
/// share, and at least the floor. When all are new, all are equal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowStart {
    window: Duration,
    floor_percent: f64,
    aggression: f64,
}

impl SlowStart {
    /// Over 30 s, from 10 %, growing evenly.
    pub fn new() -> Self {
        Self {
            window: Duration::from_secs(30),
            floor_percent: 10.0,
            aggression: 1.0,
        }
    }

    /// New subchannels are like all others.
    pub fn off() -> Self {
        Self::new().with_window(Duration::ZERO)
    }

    /// How long a subchannel counts as new. Default 30 s; zero is never.
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Percent of its share that a subchannel gets from the start. Default 10,
    /// from 0 to 100.
    #[must_use]
    pub fn with_floor_percent(mut self, floor_percent: u32) -> Self {
        self.floor_percent = f64::from(floor_percent.min(100));
        self
    }

    /// How much of the growth comes early: 1, the default, is evenly, 2 is
    /// half of the share after a quarter of the window. Above 0; what is not
    /// counts as 1.
    #[must_use]
    pub fn with_aggression(mut self, aggression: f64) -> Self {
        let valid = aggression.is_finite() && aggression > 0.0;
        self.aggression = if valid { aggression } else { 1.0 };
        self
    }

    /// Which part of its share a subchannel of this age gets, from 0 to 1.
    pub fn share_at(&self, age: Duration) -> f64 {
        if age >= self.window {
            return 1.0;
        }
        let part = age.max(AGE_MIN).as_secs_f64() / self.window.as_secs_f64();
        let grown = part.powf(1.0 / self.aggression);
        grown.clamp(self.floor_percent / 100.0, 1.0)
    }

    pub(super) fn share_of(&self, candidate: &Candidate, now: Instant) -> f64 {
        self.share_at(candidate.load.age_at(now))
    }

    /// How long from `now` some of `candidates` are new.
    pub(super) fn remaining(&self, candidates: &[Candidate], now: Instant) -> Duration {
        let ages = candidates.iter().map(|one| one.load.age_at(now));
        let youngest = ages.min().unwrap_or(self.window);
        self.window.saturating_sub(youngest)
    }
}

impl Default for SlowStart {
    fn default() -> Self {
        Self::new()
    }
}
