//! How often a peer did what costs us more than it, and when that is too often.
//! Calls that end as they should make up for some of it, so that only peers who
//! do little else are turned away.

use super::frame::Fatal;
use crate::limits::{Limit, Limits};
use tokio::time::Instant;

/// What a call that ended makes up for, in frames.
const FRAMES_PER_CALL: usize = 10;

#[derive(Debug)]
pub(super) struct Strikes {
    /// Calls that the peer reset.
    resets: Tally,
    /// Streams that the peer's errors made us reset or refuse.
    local_resets: Tally,
    /// Frames that carried nothing of a call.
    frames: Tally,
    pings: Pings,
}

#[derive(Debug)]
struct Tally {
    count: usize,
    max: usize,
    over: Fatal,
}

/// gRFC A8: a peer that pings more often than it may gets strikes, which go
/// when it is sent something.
#[derive(Debug)]
struct Pings {
    strikes: u32,
    last: Option<Instant>,
    forgiven: bool,
}

impl Tally {
    fn add(&mut self) -> Result<(), Fatal> {
        self.count += 1;
        match self.count > self.max {
            true => Err(self.over),
            false => Ok(()),
        }
    }

    fn forgive(&mut self, count: usize) {
        self.count = self.count.saturating_sub(count);
    }
}

impl Strikes {
    pub(super) fn new(limits: &Limits) -> Self {
        let tally = |max, limit, debug| Tally {
            count: 0,
            max,
            over: Fatal::calm(limit, debug),
        };
        Self {
            resets: tally(
                limits.remote_resets_max,
                Limit::RemoteResetsMax,
                "too_many_resets",
            ),
            local_resets: tally(
                limits.local_resets_max,
                Limit::LocalResetsMax,
                "too_many_errors",
            ),
            frames: tally(
                limits.control_frames_max,
                Limit::ControlFramesMax,
                "too_many_control_frames",
            ),
            pings: Pings {
                strikes: 0,
                last: None,
                forgiven: true,
            },
        }
    }

    pub(super) fn reset(&mut self) -> Result<(), Fatal> {
        self.resets.add()
    }

    pub(super) fn local_reset(&mut self) -> Result<(), Fatal> {
        self.local_resets.add()
    }

    pub(super) fn frame(&mut self) -> Result<(), Fatal> {
        self.frames.add()
    }

    /// A call ended as it should.
    pub(super) fn call_ended(&mut self) {
        self.resets.forgive(1);
        self.local_resets.forgive(1);
        self.frames.forgive(FRAMES_PER_CALL);
    }

    /// A HEADERS or DATA frame was sent, for which the peer may have said that
    /// the stream and the connection may go on.
    pub(super) fn sent(&mut self) {
        self.pings.forgiven = true;
        self.frames.forgive(2);
    }

    /// A PING came; `calls` are in flight or not.
    pub(super) fn ping(&mut self, now: Instant, calls: bool, limits: &Limits) -> Result<(), Fatal> {
        let last = self.pings.last.replace(now);
        if std::mem::take(&mut self.pings.forgiven) {
            self.pings.strikes = 0;
            return Ok(());
        }
        let apart = match calls {
            true => limits.ping_interval_min,
            false => limits.idle_ping_interval_min.max(limits.ping_interval_min),
        };
        if last.is_some_and(|last| now.duration_since(last) < apart) {
            self.pings.strikes += 1;
        }
        match self.pings.strikes > limits.ping_strikes_max {
            true => Err(TOO_MANY_PINGS),
            false => Ok(()),
        }
    }
}

/// As gRFC A8 spells it: peers look for it.
const TOO_MANY_PINGS: Fatal = Fatal::calm(Limit::PingStrikesMax, "too_many_pings");
