//! Port: chooses which subchannel a call goes to.

mod least_request;
mod load;
mod orca;
mod peak_ewma;
mod pick_first;
mod random;
mod report;
mod ring_hash;
mod round_robin;
mod schedule;
mod slow_start;
mod subset;
mod weighted_round_robin;
mod zone_aware;

use crate::endpoint::Endpoint;
use std::{fmt, sync::Arc};

pub use least_request::LeastRequest;
pub use load::{InFlight, Load};
pub use pick_first::PickFirst;
pub use report::LoadReport;
pub use ring_hash::RingHash;
pub use round_robin::RoundRobin;
pub use slow_start::SlowStart;
pub use subset::Subset;
pub use weighted_round_robin::WeightedRoundRobin;
pub use zone_aware::ZoneAware;

/// How the calls of a channel are spread over its subchannels.
///
/// ```
/// use cordial_runtime::{Balancer, Candidate, Pick, Picker};
/// use std::sync::Arc;
///
/// #[derive(Debug)]
/// struct Random;
///
/// impl Balancer for Random {
///     fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker> {
///         Box::new(AnyOf(ready))
///     }
/// }
///
/// struct AnyOf(Arc<[Candidate]>);
///
/// impl Picker for AnyOf {
///     fn pick(&self, call: &Pick<'_>) -> Option<usize> {
///         let places = 0..self.0.len();
///         let untried = places.filter(|place| !call.has_tried(&self.0[*place]));
///         fastrand::choice(untried.collect::<Vec<_>>())
///     }
/// }
/// ```
pub trait Balancer: fmt::Debug + Send + Sync + 'static {
    /// Which of the endpoints that were resolved to use at all.
    fn choose(&self, endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        endpoints
    }

    /// Which of them to be connected to.
    fn connects(&self) -> Connects {
        Connects::All
    }

    /// Picks among `ready`, which is never empty; made anew whenever that changes.
    fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker>;
}

/// Which endpoints a channel connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connects {
    /// All of them.
    All,
    /// The first that answers, in their order (gRFC A62).
    First,
}

/// Picks for one call after another, on any thread, without waiting.
pub trait Picker: Send + Sync {
    /// The place in `ready` of the subchannel that the call goes to. `None` if
    /// all are to be avoided; the call then goes to any.
    fn pick(&self, call: &Pick<'_>) -> Option<usize>;
}

/// What a pick may depend on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pick<'a> {
    /// Calls of one hash go to one subchannel, by a balancer that heeds it.
    pub hash: Option<u64>,
    /// The [`Candidate::id`]s that this call has been to, in vain.
    pub tried: &'a [u64],
}

impl Pick<'_> {
    /// Whether the call has been to `candidate`, in vain.
    pub fn has_tried(&self, candidate: &Candidate) -> bool {
        self.tried.contains(&candidate.id)
    }
}

/// A subchannel that is READY.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its own as long as the process lives.
    pub id: u64,
    /// Where it leads.
    pub endpoint: Endpoint,
    /// What it has to do.
    pub load: Arc<Load>,
}

/// `place`, or the next after it that `call` has not been to.
fn first_untried(ready: &[Candidate], place: usize, call: &Pick<'_>) -> Option<usize> {
    if call.tried.is_empty() {
        return Some(place);
    }
    let mut places = (place..ready.len()).chain(0..place);
    places.find(|place| !call.has_tried(&ready[*place]))
}
