//! A few of many endpoints.

use super::{Balancer, Candidate, Connects, Picker};
use crate::endpoint::Endpoint;
use std::sync::Arc;
use twox_hash::XxHash64;

/// Connects to a few of many endpoints and leaves those to another balancer (gRFC
/// A68, rendezvous hashing). For many clients of many servers, of which not
/// everyone needs to be connected to everyone.
///
/// All servers are chosen by about as many clients. When one of them comes or goes,
/// no client changes more than one of its own.
#[derive(Debug)]
pub struct Subset<B> {
    inner: B,
    size: usize,
    seed: u64,
}

impl<B: Balancer> Subset<B> {
    /// `size` of the endpoints, at least 1, for `inner`; all if there are not more.
    /// Others are chosen in each process: see [`with_seed`](Self::with_seed).
    pub fn new(inner: B, size: usize) -> Self {
        Self {
            inner,
            size: size.max(1),
            seed: fastrand::u64(..),
        }
    }

    /// Makes the choice depend on `seed` and the addresses alone, so that a client
    /// that restarts chooses the same. It should differ between clients: the hash
    /// of a host's name does. Default random.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl<B: Balancer> Balancer for Subset<B> {
    fn choose(&self, mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        if endpoints.len() > self.size {
            endpoints.sort_by_cached_key(|endpoint| {
                let address = endpoint.address().to_string();
                XxHash64::oneshot(self.seed, address.as_bytes())
            });
            endpoints.truncate(self.size);
        }
        self.inner.choose(endpoints)
    }

    fn connects(&self) -> Connects {
        self.inner.connects()
    }

    fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker> {
        self.inner.picker(ready)
    }
}
