//! Calls of one hash to one server.

use super::{Balancer, Candidate, Pick, Picker, random::Random};
use crate::{endpoint::Endpoint, field_hash};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// No ring is larger, whatever is asked for (gRFC A42).
const RING_SIZE_LIMIT: usize = 8 << 20;

/// Sends calls of one [`Pick::hash`](crate::Pick::hash) to one subchannel, as long
/// as that is there (gRFC A42). For servers that keep what calls of one kind need:
/// caches, sessions, shards. When one of n servers comes or goes, about one in n
/// of the hashes moves. A call without a hash goes anywhere.
///
/// The ring is that of every gRPC implementation and of Envoy: the same servers
/// give the same ring in all of them. Each server is on it many times, the more
/// often the greater its weight; endpoints of one address add up.
#[derive(Debug)]
pub struct RingHash {
    ring_size_min: usize,
    ring_size_max: usize,
    ring_size_cap: usize,
    random: Random,
    /// The endpoints to be on the ring, ready or not: were only those on it that
    /// are, others would move too when one comes or goes.
    chosen: Mutex<Vec<Endpoint>>,
}

impl RingHash {
    /// A ring of 1,024 to 4,096.
    pub fn new() -> Self {
        Self {
            ring_size_min: 1_024,
            ring_size_max: 4_096,
            ring_size_cap: 4_096,
            random: Random::default(),
            chosen: Mutex::default(),
        }
    }

    /// How many places the ring has at least (`min_ring_size`). Default 1,024, from
    /// 1 to 8 Mi. More of them are shared more evenly, and take longer to lay out.
    #[must_use]
    pub fn with_ring_size_min(mut self, ring_size_min: usize) -> Self {
        self.ring_size_min = ring_size_min.clamp(1, RING_SIZE_LIMIT);
        self
    }

    /// How many places it has at most (`max_ring_size`); that comes before the
    /// minimum. Default 4,096, from 1 to 8 Mi.
    #[must_use]
    pub fn with_ring_size_max(mut self, ring_size_max: usize) -> Self {
        self.ring_size_max = ring_size_max.clamp(1, RING_SIZE_LIMIT);
        self
    }

    /// How many places it has at most whatever minimum and maximum say, which may
    /// come from elsewhere. Default 4,096, from 1 to 8 Mi.
    #[must_use]
    pub fn with_ring_size_cap(mut self, ring_size_cap: usize) -> Self {
        self.ring_size_cap = ring_size_cap.clamp(1, RING_SIZE_LIMIT);
        self
    }

    /// Sends calls without a hash the same way each time, for tests.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }

    /// The hash of a key as other gRPC clients take it: XXH64 with seed 0. A hash
    /// that differs in its lower bits only leads to neighbours on the ring.
    pub fn hash(key: &[u8]) -> u64 {
        field_hash::hash(key)
    }

    fn ring(&self, ready: &[Candidate]) -> Vec<(u64, usize)> {
        let weights = self.weights(ready);
        let max = self.ring_size_max.min(self.ring_size_cap);
        let min = self.ring_size_min.min(max);
        let places = ready.iter().enumerate();
        let places = places.map(|(place, one)| (one.endpoint.address().to_string(), place));
        let places: HashMap<_, _> = places.collect();
        let mut ring = lay_out(&weights, min, max, |key| places.get(key).copied());
        ring.sort_unstable();
        ring
    }

    /// What each address that is to be on the ring weighs.
    fn weights(&self, ready: &[Candidate]) -> BTreeMap<String, u64> {
        let mut weights = BTreeMap::<String, u64>::new();
        let mut add = |endpoint: &Endpoint| {
            let weight = weights.entry(endpoint.address().to_string()).or_default();
            *weight += u64::from(endpoint.weight());
        };
        let chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        match chosen.is_empty() {
            // Nobody asked for a choice: then what is ready is all there is.
            true => ready.iter().for_each(|one| add(&one.endpoint)),
            false => chosen.iter().for_each(add),
        }
        weights
    }
}

/// Where each of `weights` is on a ring, if it has a place: `scale` times its part
/// of the whole, and so that the lightest has a whole number (Envoy, A42).
fn lay_out(
    weights: &BTreeMap<String, u64>,
    min: usize,
    max: usize,
    place_of: impl Fn(&str) -> Option<usize>,
) -> Vec<(u64, usize)> {
    let total = weights.values().sum::<u64>() as f64;
    let lightest = weights.values().copied().min().unwrap_or(1) as f64 / total;
    let scale = ((lightest * min as f64).ceil() / lightest).min(max as f64);
    let mut ring = Vec::with_capacity(scale.ceil() as usize);
    let (mut laid, mut wanted) = (0.0, 0.0);
    for (key, weight) in weights {
        wanted += scale * (*weight as f64 / total);
        let place = place_of(key);
        let mut nth = 0;
        while laid < wanted {
            // One that is not ready leaves its keys to the next on the ring.
            if let Some(place) = place {
                ring.push((RingHash::hash(format!("{key}_{nth}").as_bytes()), place));
            }
            nth += 1;
            laid += 1.0;
        }
    }
    ring
}

impl Default for RingHash {
    fn default() -> Self {
        Self::new()
    }
}

impl Balancer for RingHash {
    fn choose(&self, endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.clone_from(&endpoints);
        endpoints
    }

    fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker> {
        let ring = self.ring(&ready);
        Box::new(Ring {
            ready,
            ring,
            random: self.random.fork(),
        })
    }
}

struct Ring {
    ready: Arc<[Candidate]>,
    /// Hashes in ascending order, and whose they are.
    ring: Vec<(u64, usize)>,
    random: Random,
}

impl Picker for Ring {
    fn pick(&self, call: &Pick<'_>) -> Option<usize> {
        let hash = call.hash.unwrap_or_else(|| self.random.number());
        let first = self.ring.partition_point(|(at, _)| *at < hash);
        let mut around = self.ring[first..].iter().chain(&self.ring[..first]);
        let (_, place) = around.find(|(_, place)| !call.has_tried(&self.ready[*place]))?;
        Some(*place)
    }
}
