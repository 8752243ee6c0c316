//! What is known of one address: how its calls end, and its ejections.

use super::{
    config::OutlierDetection,
    ejections::Reason,
    health::{Counts, Health},
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// One address.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its subchannels; none once it has left, while it is remembered.
    pub(super) ids: Vec<u64>,
    pub(super) health: Arc<Health>,
    /// How its calls ended in the last interval.
    pub(super) counts: Counts,
    ejection: Option<Ejection>,
    /// How often it was ejected, less what it has made up for.
    multiplier: u32,
    /// It came back in this interval, which then makes up for nothing.
    fresh: bool,
}

#[derive(Clone, Copy, Debug)]
struct Ejection {
    since: Instant,
    reason: Reason,
    /// It gets calls all the same, and may prove itself.
    tested: bool,
}

impl Entry {
    pub(super) fn new(health: Health) -> Self {
        Self {
            ids: Vec::new(),
            health: Arc::new(health),
            counts: Counts::default(),
            ejection: None,
            multiplier: 0,
            fresh: false,
        }
    }

    /// Whether it is in the list of addresses now.
    pub(super) fn is_present(&self) -> bool {
        !self.ids.is_empty()
    }

    pub(super) fn is_ejected(&self) -> bool {
        self.ejection.is_some()
    }

    /// Why it was ejected, if it is.
    pub(super) fn why_ejected(&self) -> Option<&'static str> {
        self.ejection.map(|ejection| ejection.reason.name())
    }

    /// Whether there is nothing to remember once it has left.
    pub(super) fn is_forgettable(&self) -> bool {
        self.ejection.is_none() && self.multiplier == 0
    }

    /// It had left and is back: calls are counted anew, its ejections are not.
    pub(super) fn renew(&mut self, health: Health) {
        self.health = Arc::new(health);
        self.counts = Counts::default();
        match self.ejection {
            Some(_) => self.health.ejected(),
            None if self.multiplier > 0 => self.health.on_probation(),
            None => {}
        }
    }

    /// Ejects it and tells for how long.
    pub(super) fn eject(
        &mut self,
        reason: Reason,
        config: &OutlierDetection,
        now: Instant,
    ) -> Duration {
        let grown = self.multiplier.saturating_add(1);
        self.multiplier = grown.min(config.multiplier_max());
        self.ejection = Some(Ejection {
            since: now,
            reason,
            tested: false,
        });
        self.health.ejected();
        config.ejection_time(reason, self.multiplier)
    }

    /// Whether it gets calls although it is ejected. If so, that it was ejected
    /// before tells nothing of it: so were too many others.
    pub(super) fn test(&mut self, tested: bool) {
        match &mut self.ejection {
            Some(ejection) if ejection.tested != tested => ejection.tested = tested,
            _ => return,
        }
        match tested {
            true => {
                self.multiplier = 1;
                self.health.tested();
            }
            false => self.health.untested(),
        }
    }

    /// Whether it answered those calls.
    pub(super) fn is_proved(&self) -> bool {
        self.ejection.is_some_and(|ejection| ejection.tested) && self.health.is_proved()
    }

    /// How many ejections it has to make up for.
    pub(super) fn multiplier(&self) -> u32 {
        self.multiplier
    }

    /// When its ejection ends, if it is ejected.
    pub(super) fn until(&self, config: &OutlierDetection) -> Option<Instant> {
        let Ejection { since, reason, .. } = self.ejection?;
        Some(since + config.ejection_time(reason, self.multiplier))
    }

    /// Its time is over.
    pub(super) fn return_on_probation(&mut self) {
        self.ejection = None;
        self.fresh = true;
        self.health.on_probation();
    }

    /// It has answered calls though it was ejected.
    pub(super) fn return_trusted(&mut self) {
        self.ejection = None;
        self.fresh = true;
        self.health.trusted();
    }

    /// An interval is over: one spent well makes up for one ejection.
    pub(super) fn decay(&mut self) {
        if self.ejection.is_none() && !std::mem::take(&mut self.fresh) {
            self.multiplier = self.multiplier.saturating_sub(1);
        }
    }
}

impl OutlierDetection {
    fn base_of(&self, reason: Reason) -> Duration {
        match reason {
            Reason::SuccessRate | Reason::FailurePercentage => self.base_ejection_time,
            Reason::ConsecutiveFailures => self.short_ejection_time,
        }
    }

    /// How long the `multiplier`th ejection lasts.
    fn ejection_time(&self, reason: Reason, multiplier: u32) -> Duration {
        let base = self.base_of(reason);
        let max = self.max_ejection_time.max(base);
        base.saturating_mul(multiplier).min(max)
    }

    /// From there on no ejection is longer than the one before. Counted further,
    /// an address that was down for a day would take hours to make up for it.
    fn multiplier_max(&self) -> u32 {
        let base = self.base_ejection_time.min(self.short_ejection_time);
        let times = self.max_ejection_time.as_nanos().div_ceil(base.as_nanos());
        u32::try_from(times).unwrap_or(u32::MAX).max(1)
    }
}
