//! All calls to the first that answers.

use super::{Balancer, Candidate, Connects, Pick, Picker, first_untried, random::Random};
use crate::endpoint::Endpoint;
use std::sync::Arc;

/// Sends all calls to the first endpoint that answers, in the resolver's order
/// (gRFC A62). One connection, however many endpoints there are: for proxies
/// that balance themselves, and for primaries with stand-ins.
#[derive(Debug, Default)]
pub struct PickFirst {
    shuffle: bool,
    random: Random,
}

impl PickFirst {
    /// In the resolver's order.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether each list of endpoints is shuffled, so that many channels do not
    /// all choose the same. Default no. Those of greater weight tend to the
    /// front, by as much (gRFC A113).
    #[must_use]
    pub fn with_shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// Shuffles the same way each time, for tests.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }
}

impl Balancer for PickFirst {
    fn choose(&self, mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        if self.shuffle {
            // Waiting times of which each is the shorter the greater the weight:
            // who comes first is drawn by weight (Efraimidis and Spirakis, 2006).
            endpoints.sort_by_cached_key(|endpoint| {
                let waiting = -self.random.fraction().ln();
                (waiting / f64::from(endpoint.weight())).to_bits()
            });
        }
        endpoints
    }

    fn connects(&self) -> Connects {
        Connects::First
    }

    fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker> {
        Box::new(First(ready))
    }
}

struct First(Arc<[Candidate]>);

impl Picker for First {
    fn pick(&self, call: &Pick<'_>) -> Option<usize> {
        self.0.first()?;
        first_untried(&self.0, 0, call)
    }
}
