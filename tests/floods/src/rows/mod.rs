//! The rows, and what they have in common.

mod connections;
mod frames;
mod grpc;
mod headers;
mod resets;
mod streams;
mod windows;

use crate::{
    Result,
    row::{Outcome, Row, Stage},
    wire::{
        Hello, Peer,
        frame::{END_STREAM, Frames},
        hpack::Block,
    },
};

/// All of them, in the order they are played.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = resets::rows();
    rows.extend(headers::rows());
    rows.extend(frames::rows());
    rows.extend(streams::rows());
    rows.extend(grpc::rows());
    rows.extend(windows::rows());
    rows.extend(connections::rows());
    rows
}

/// How many units go out at once: a tenth of those before, between two bounds.
/// Small bursts tell exactly when a server had enough, large ones are quick.
#[derive(Clone, Copy, Debug)]
struct Pace {
    least: u64,
    most: u64,
}

impl Pace {
    const fn of(least: u64, most: u64) -> Self {
        Self { least, most }
    }

    fn burst(self, sent: u64) -> u64 {
        (sent / 10).clamp(self.least, self.most)
    }
}

/// A flood over one connection: `unit` by `unit`, up to `total` of them.
struct Flood {
    unit: &'static str,
    total: u64,
    pace: Pace,
}

impl Flood {
    /// Plays it on a new connection; `make` writes a unit, given its number from 0.
    async fn play(self, stage: Stage, make: impl FnMut(u64, &mut Frames)) -> Result<Outcome> {
        self.play_on(stage, Hello::default(), &Frames::new(), make)
            .await
    }

    /// The same after `first` was sent.
    async fn play_on(
        self,
        stage: Stage,
        hello: Hello,
        first: &Frames,
        mut make: impl FnMut(u64, &mut Frames),
    ) -> Result<Outcome> {
        let mut peer = Peer::connect(stage.server, hello).await?;
        if !first.is_empty() {
            peer.burst(first).await;
        }
        let (mut sent, mut burst) = (0, 0);
        while sent < self.total {
            burst = self.pace.burst(sent).min(self.total - sent);
            let mut frames = Frames::new();
            for number in sent..sent + burst {
                make(number, &mut frames);
            }
            sent += burst;
            if !peer.burst(&frames).await {
                break;
            }
        }
        Ok(Outcome::of(&peer, self.unit, sent, self.total, burst))
    }
}

/// The id of a client's stream, numbered from 0.
fn stream(number: u64) -> u32 {
    u32::try_from(2 * number + 1).expect("floods have fewer streams")
}

/// A message with the prefix gRPC puts before it.
fn message(payload: &[u8]) -> Vec<u8> {
    prefixed(0, payload.len(), payload)
}

/// The same with a flag and a length of its own.
fn prefixed(flag: u8, length: usize, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).expect("lengths have four bytes");
    [&[flag][..], &length.to_be_bytes(), payload].concat()
}

/// A whole call of `path` with an empty message.
fn call(frames: &mut Frames, stream: u32, path: &str) {
    open(frames, stream, path);
    frames.data(stream, &message(&[]), END_STREAM);
}

/// The headers of a call of `path`.
fn open(frames: &mut Frames, stream: u32, path: &str) {
    frames.headers(stream, Block::request(path).bytes(), 0);
}
