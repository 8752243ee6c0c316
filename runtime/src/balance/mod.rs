//! Port: chooses which subchannel a call goes to.

mod load;

use crate::endpoint::Endpoint;
use std::{fmt, sync::Arc};

pub use load::{InFlight, Load};

/// How the calls of a channel are spread over its subchannels.
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
