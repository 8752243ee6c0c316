//! What happens to bytes on their way.

use std::time::Duration;

/// What a connection suffers in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// From the client to the server.
    pub to_server: Way,
    /// From the server to the client.
    pub to_client: Way,
    /// What jitter is drawn from; the same again gives the same again.
    pub seed: u64,
}

/// What happens in one direction. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// How much later everything arrives,
    pub delay: Duration,
    /// and by how much at most that varies. Nothing overtakes anything.
    pub jitter: Duration,
    /// As fast as it goes if `None`.
    pub bytes_per_second: Option<u64>,
    /// What happens to each connection once it has carried so many bytes this way.
    pub breaks: Option<(Break, u64)>,
}

/// How a connection goes bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Break {
    /// Both ends are told that it is gone (RST).
    Reset,
    /// Nothing more arrives, and nobody is told; it waits until that is over.
    Silence,
    /// The receiver is told that this was all (FIN). The rest is thrown away,
    /// and the other direction goes on.
    HalfClose,
}

impl Faults {
    /// The same in both directions.
    pub fn both(way: Way) -> Self {
        Self {
            to_server: way,
            to_client: way,
            seed: 0,
        }
    }
}

impl Way {
    /// Goes bad after so many bytes.
    pub fn broken(how: Break, after_bytes: u64) -> Self {
        Self {
            breaks: Some((how, after_bytes)),
            ..Self::default()
        }
    }

    /// Everything arrives later.
    pub fn delayed(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }
}
