//! One after the other.

use super::{Balancer, Candidate, Pick, Picker, first_untried, random::Random};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Sends calls to one subchannel after the other, whatever they have to do
/// (`round_robin` of every gRPC implementation). For calls that take equally
/// long and servers that are equally fast.
#[derive(Debug, Default)]
pub struct RoundRobin {
    random: Random,
}

impl RoundRobin {
    /// Begins anywhere, so that many channels do not all begin with the same.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins at the same place each time, for tests.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }
}

impl Balancer for RoundRobin {
    fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker> {
        let turn = AtomicUsize::new(self.random.below(ready.len()));
        Box::new(Turns { ready, turn })
    }
}

struct Turns {
    ready: Arc<[Candidate]>,
    turn: AtomicUsize,
}

impl Picker for Turns {
    fn pick(&self, call: &Pick<'_>) -> Option<usize> {
        let turn = self.turn.fetch_add(1, Relaxed);
        let place = turn.checked_rem(self.ready.len())?;
        first_untried(&self.ready, place, call)
    }
}
