//! What a subchannel has to do, and how long it takes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The calls of one subchannel.
#[derive(Debug)]
pub struct Load {
    in_flight: AtomicU32,
    since: Instant,
}

/// A call in flight, until dropped.
#[derive(Debug)]
pub struct InFlight {
    load: Arc<Load>,
    started: Instant,
}

impl Load {
    /// Of a subchannel that is READY since now.
    pub fn new() -> Self {
        Self {
            in_flight: AtomicU32::new(0),
            since: Instant::now(),
        }
    }

    /// How many calls are in flight.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How long it has been READY.
    pub fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// One more call, now.
    pub fn start(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight {
            load: self.clone(),
            started: Instant::now(),
        }
    }
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}

impl InFlight {
    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.load.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
