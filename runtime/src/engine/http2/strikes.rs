//! How often a peer did what costs us more than it, and when that is too often.
//! Calls that end as they should make up for some of it, so that only peers who
//! do little else are turned away.

use super::{frame::Fatal, state::Side};
use crate::limits::{Limit, Limits};
use tokio::time::Instant;

/// What a call that ended makes up for, in frames.
const FRAMES_PER_CALL: usize = 10;

/// What an empty DATA frame counts, in frames: no client has a reason for one.
const EMPTY_DATA_FRAMES: usize = 10;

/// A WINDOW_UPDATE for as much, of what was sent, is what a reader says.
const UPDATE_BYTES_MIN: i64 = 1 << 10;

/// Resets that a second makes up for: calls are given up for good reasons, too.
const RESETS_PER_SECOND: f64 = 10.0;

/// Frames that a second makes up for, of servers: they have reasons of their own for
/// PINGs and WINDOW_UPDATE, and a connection to one lives long.
const FRAMES_PER_SECOND: f64 = 1_000.0;

#[derive(Debug)]
pub(super) struct Strikes {
    side: Side,
    /// Calls that the peer reset.
    resets: Tally,
    /// Streams that the peer's errors made us reset or refuse.
    local_resets: Tally,
    /// Frames that carried nothing of a call.
    frames: Tally,
    pings: Pings,
    /// Bytes that were sent and that no WINDOW_UPDATE has answered, counted twice:
    /// for the stream and for the connection.
    unanswered: i64,
    /// When resets were last made up for.
    forgiven: Instant,
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
    pub(super) fn new(limits: &Limits, side: Side, now: Instant) -> Self {
        let tally = |max, limit, debug| Tally {
            count: 0,
            max,
            over: Fatal::calm(limit, debug),
        };
        Self {
            side,
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
            unanswered: 0,
            forgiven: now,
        }
    }

    pub(super) fn reset(&mut self, now: Instant) -> Result<(), Fatal> {
        let seconds = now.duration_since(self.forgiven).as_secs_f64();
        if seconds * RESETS_PER_SECOND >= 1.0 {
            self.resets.forgive((seconds * RESETS_PER_SECOND) as usize);
            self.forgiven = now;
        }
        self.resets.add()
    }

    pub(super) fn local_reset(&mut self) -> Result<(), Fatal> {
        self.local_resets.add()
    }

    pub(super) fn frame(&mut self) -> Result<(), Fatal> {
        self.frames.add()
    }

    /// A DATA frame without data came.
    pub(super) fn empty_data(&mut self) -> Result<(), Fatal> {
        self.frames.count += EMPTY_DATA_FRAMES - 1;
        self.frames.add()
    }

    /// A WINDOW_UPDATE came.
    pub(super) fn window_update(&mut self, bytes: i64) -> Result<(), Fatal> {
        if (UPDATE_BYTES_MIN..=self.unanswered).contains(&bytes) {
            self.unanswered -= bytes;
            return Ok(());
        }
        self.frames.add()
    }

    /// A call ended as it should.
    pub(super) fn call_ended(&mut self) {
        self.resets.forgive(1);
        self.local_resets.forgive(1);
        self.frames.forgive(FRAMES_PER_CALL);
    }

    /// A HEADERS frame was sent, or a DATA frame that the peer's window did not
    /// cut short. A peer may say of each that the stream and the connection go on.
    pub(super) fn sent(&mut self, data: usize) {
        self.pings.forgiven = true;
        self.unanswered += 2 * data as i64;
        self.frames.forgive(2);
    }

    /// Time has passed, which makes up for what a server sends.
    pub(super) fn forgive(&mut self, now: Instant) {
        if self.side == Side::Client {
            let seconds = now.duration_since(self.forgiven).as_secs_f64();
            let frames = (seconds * FRAMES_PER_SECOND) as usize;
            if frames > 0 {
                self.frames.forgive(frames);
                self.forgiven = now;
            }
        }
    }

    /// A PING came; `calls` are in flight or not. A server may send as many as
    /// other frames.
    pub(super) fn ping(&mut self, now: Instant, calls: bool, limits: &Limits) -> Result<(), Fatal> {
        if self.side == Side::Client {
            return self.frame();
        }
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
            true => Err(Fatal::calm(Limit::PingStrikesMax, TOO_MANY_PINGS)),
            false => Ok(()),
        }
    }
}

/// As gRFC A8 spells it: peers look for it.
pub(super) const TOO_MANY_PINGS: &str = "too_many_pings";

#[cfg(test)]
mod tests;
