//! What every server of a comparison serves, `bench.v1.Echoes`, as
//! `protos/bench/v1/echoes.proto` declares it.

use crate::Result;
use clap::ValueEnum;
use prost::Message;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Messages of the longest stream that a call asks for.
pub(crate) const REPETITIONS: u32 = 20_000;
/// Messages that wait in the channel of `Feed`.
pub(crate) const FED: usize = 64;
/// What `Wait` waits for.
pub(crate) const WAIT: Duration = Duration::from_millis(1);
const COMPUTING: Duration = Duration::from_micros(100);
const PREFIX_BYTES: usize = 5;

/// The message that comes back as it went, as prost-build writes it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Echo {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) payload: Vec<u8>,
}

/// Asks for `count` messages of `payload`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Repetition {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) payload: Vec<u8>,
    #[prost(uint32, tag = "2")]
    pub(crate) count: u32,
}

impl Echo {
    pub(crate) fn of(bytes: usize) -> Self {
        Self {
            payload: vec![0x5a; bytes],
        }
    }
}

impl Repetition {
    pub(crate) fn of(bytes: usize) -> Self {
        Self {
            payload: Echo::of(bytes).payload,
            count: REPETITIONS,
        }
    }

    /// What is asked for.
    pub(crate) fn echoes(self) -> impl Iterator<Item = Echo> {
        let echo = Echo {
            payload: self.payload,
        };
        std::iter::repeat_n(echo, self.count as usize)
    }
}

/// What `Compute` does: holds the thread.
pub(crate) fn compute() {
    let until = Instant::now() + COMPUTING;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// The methods of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// A message back at once.
    Echo,
    /// A message back after a millisecond of waiting.
    Wait,
    /// A message back after 100 us of computing.
    Compute,
    /// A stream of messages back.
    Repeat,
    /// A stream of messages back, which a task sends through a channel.
    Feed,
    /// A stream of messages each way.
    PingPong,
}

impl Method {
    /// Where a server has it.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Echo => "/bench.v1.Echoes/Echo",
            Self::Wait => "/bench.v1.Echoes/Wait",
            Self::Compute => "/bench.v1.Echoes/Compute",
            Self::Repeat => "/bench.v1.Echoes/Repeat",
            Self::Feed => "/bench.v1.Echoes/Feed",
            Self::PingPong => "/bench.v1.Echoes/PingPong",
        }
    }
}

/// One message on the wire, its length prefix included.
pub(crate) fn framed(message: &impl Message) -> Result<Vec<u8>> {
    let length = u32::try_from(message.encoded_len())?;
    let mut framed = Vec::with_capacity(PREFIX_BYTES + message.encoded_len());
    framed.push(0);
    framed.extend(length.to_be_bytes());
    message.encode(&mut framed)?;
    Ok(framed)
}
