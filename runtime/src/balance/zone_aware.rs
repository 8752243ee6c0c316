//! The near ones first.

use super::{
    Balancer, Candidate, Connects, Pick, Picker,
    random::{self, Random},
};
use crate::endpoint::Endpoint;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use twox_hash::XxHash64;

/// Sends calls to endpoints of the caller's own zone and leaves the choice among
/// them to another balancer. For services in several zones, between which calls
/// are slow or cost money.
///
/// Too few ready ones of the own zone would have too much to do: if a part of
/// them is not ready, the other zones get a part of the calls (Envoy's priorities,
/// with its overprovisioning factor: all calls stay while five in seven are ready,
/// then 1.4 times the part that is), and if less than two are, all zones are one. How many
/// callers each zone has it does not know: a zone with most of the callers and
/// few of the servers is better off without it.
#[derive(Debug)]
pub struct ZoneAware<B> {
    inner: B,
    zone: Arc<str>,
    ready_min: usize,
    overprovisioning_percent: u32,
    random: Random,
    /// How many endpoints of the own zone were chosen, ready or not.
    own: AtomicUsize,
}

impl<B: Balancer> ZoneAware<B> {
    /// Prefers endpoints of `zone`, and `inner` picks among them.
    pub fn new(inner: B, zone: impl Into<Arc<str>>) -> Self {
        Self {
            inner,
            zone: zone.into(),
            ready_min: 2,
            overprovisioning_percent: 140,
            random: Random::default(),
            own: AtomicUsize::new(0),
        }
    }

    /// How many of the own zone must be ready to be preferred. Default 2, at least 1.
    #[must_use]
    pub fn with_ready_min(mut self, ready_min: usize) -> Self {
        self.ready_min = ready_min.max(1);
        self
    }

    /// Percent of their share that the endpoints of the own zone can take before
    /// others have to help. Default 140, at least 100.
    #[must_use]
    pub fn with_overprovisioning_percent(mut self, percent: u32) -> Self {
        self.overprovisioning_percent = percent.max(100);
        self
    }

    /// Spills over the same way each time, for tests.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }

    fn is_own(&self, endpoint: &Endpoint) -> bool {
        endpoint.zone() == Some(&*self.zone)
    }
}

impl<B: Balancer> Balancer for ZoneAware<B> {
    /// Those of the own zone come first, for balancers that connect to the first.
    fn choose(&self, endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        let mut chosen = self.inner.choose(endpoints);
        chosen.sort_by_key(|endpoint| !self.is_own(endpoint));
        let own = chosen.partition_point(|endpoint| self.is_own(endpoint));
        self.own.store(own, Relaxed);
        chosen
    }

    fn connects(&self) -> Connects {
        self.inner.connects()
    }

    fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker> {
        let places = 0..ready.len();
        let (own, others): (Vec<_>, Vec<_>) =
            places.partition(|place| self.is_own(&ready[*place].endpoint));
        let enough = match self.connects() {
            Connects::All => own.len() >= self.ready_min,
            Connects::First => false,
        };
        if !enough || others.is_empty() {
            return self.inner.picker(ready);
        }
        let all = self.own.load(Relaxed).max(own.len());
        let percent = own.len() as f64 / all as f64 * f64::from(self.overprovisioning_percent);
        let group = |places: Vec<usize>| {
            let of_group = places.iter().map(|place| ready[*place].clone());
            let picker = self.inner.picker(of_group.collect());
            Group { places, picker }
        };
        Box::new(Zones {
            own_part: percent / 100.0,
            own: group(own),
            others: group(others),
            random: self.random.fork(),
        })
    }
}

/// A picker of some of those that are ready.
struct Group {
    places: Vec<usize>,
    picker: Box<dyn Picker>,
}

struct Zones {
    own: Group,
    others: Group,
    /// Which part of the calls the own zone gets; 1 and more is all.
    own_part: f64,
    random: Random,
}

impl Group {
    fn pick(&self, call: &Pick<'_>) -> Option<usize> {
        self.picker.pick(call).map(|place| self.places[place])
    }
}

impl Picker for Zones {
    fn pick(&self, call: &Pick<'_>) -> Option<usize> {
        let (first, second) = match self.own_part >= 1.0 || self.keeps(call) {
            true => (&self.own, &self.others),
            false => (&self.others, &self.own),
        };
        first.pick(call).or_else(|| second.pick(call))
    }
}

impl Zones {
    /// Whether this call is one of those that stay. Calls of one hash stay or go together.
    fn keeps(&self, call: &Pick<'_>) -> bool {
        let drawn = match call.hash {
            // Hashed again: who stays must not depend on the place on a ring.
            Some(hash) => random::fraction(XxHash64::oneshot(0, &hash.to_le_bytes())),
            None => self.random.fraction(),
        };
        drawn < self.own_part
    }
}
