//! What a connection does because time has passed.

use super::{
    Connection, Role,
    ending::{Phase, WARNING},
};
use crate::{
    engine::{
        Io,
        http2::{
            clock::after,
            frame::{self, Fatal, Reason},
            state::Side,
        },
    },
    limits::Limit,
};
use std::time::Duration;
use tokio::time::Instant;

/// What our PINGs to silent peers say.
const KEEPALIVE: [u8; 8] = *b"alive?  ";

/// The least time until something is looked at again.
const SOON: Duration = Duration::from_millis(10);

/// When a connection has to do something though nothing happens; `None` is never.
#[derive(Clone, Copy, Default)]
struct Deadlines {
    /// The socket must have taken something of what waits for it.
    stalled_write: Option<Instant>,
    /// The phase ends at once.
    cut: Option<Instant>,
    /// The phase goes on though the peer has not answered.
    warned: Option<Instant>,
    /// The peer must have answered our PING.
    pong: Option<Instant>,
    /// The peer must have sent its SETTINGS.
    preface: Option<Instant>,
    /// The peer must have ended its header block.
    headers: Option<Instant>,
    ping: Option<Instant>,
    nudge: Option<Instant>,
    idle: Option<Instant>,
    age: Option<Instant>,
}

impl Deadlines {
    fn all(self) -> [Option<Instant>; 10] {
        [
            self.stalled_write,
            self.cut,
            self.warned,
            self.pong,
            self.preface,
            self.headers,
            self.ping,
            self.nudge,
            self.idle,
            self.age,
        ]
    }
}

impl<I: Io, R: Role> Connection<I, R> {
    /// When each thing is due that time alone brings about, as of now.
    fn deadlines(&self) -> Deadlines {
        let limits = &self.shared.limits;
        let clock = &self.clock;
        let at = |since: Option<Instant>, span| since.map(|since| after(since, span));
        let mut deadlines = Deadlines {
            stalled_write: at(clock.write_blocked_since, limits.stalled_write_timeout),
            ..Deadlines::default()
        };
        match self.phase {
            Phase::Open => {
                deadlines.age = at(Some(clock.opened), clock.age_max);
                deadlines.idle = at(clock.idle_since, limits.idle_timeout);
            }
            Phase::Warned { since, .. } => deadlines.warned = Some(since + WARNING),
            Phase::Leaving { cut } => deadlines.cut = cut,
            // Nothing else matters any more.
            Phase::Closing { cut, .. } => {
                deadlines.cut = cut;
                return deadlines;
            }
            Phase::Closed => return deadlines,
        }
        let unsettled = (!self.receiver.is_settled()).then_some(clock.opened);
        deadlines.preface = at(unsettled, limits.preface_timeout);
        deadlines.headers = at(self.receiver.block_since, limits.header_timeout);
        deadlines.pong = at(clock.pinged, limits.keepalive_timeout);
        if clock.pinged.is_none() {
            let silent_since = match self.shared.side {
                // Only while it waits for something (gRFC A8).
                Side::Client if clock.idle_since.is_some() => None,
                Side::Client => Some(clock.last_read.max(clock.busy_since)),
                Side::Server => Some(clock.last_read),
            };
            deadlines.ping = at(silent_since, limits.keepalive_interval);
        }
        if clock.idle_since.is_none() {
            deadlines.nudge = at(Some(clock.nudged), clock.nudges_apart);
        }
        deadlines
    }

    /// Does what is due.
    pub(super) fn look(&mut self, now: Instant) {
        let deadlines = self.deadlines();
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| now >= deadline);
        if due(deadlines.stalled_write) {
            return self.cut(Limit::StalledWriteTimeout);
        }
        if due(deadlines.cut) {
            return match self.phase {
                Phase::Leaving { .. } => self.cut(Limit::ConnectionAgeGrace),
                _ => self.phase = Phase::Closed,
            };
        }
        if due(deadlines.pong) {
            return self.cut(Limit::KeepaliveTimeout);
        }
        if due(deadlines.preface) {
            return self.cut(Limit::PrefaceTimeout);
        }
        if due(deadlines.headers) {
            let late = Fatal::calm(Limit::HeaderTimeout, "header_timeout");
            return self.fail(late, now);
        }
        if due(deadlines.ping) {
            self.clock.pinged = Some(now);
            frame::put_ping(self.shared.lock().out.frames(), 0, KEEPALIVE);
            self.receiver.pinged();
        }
        if due(deadlines.nudge) {
            self.nudge(now);
        }
        self.reset_stalled(now);
        let grace = Some(self.shared.limits.connection_age_grace);
        if due(deadlines.idle) && self.shared.lock().streams.is_empty() {
            self.shared.metrics.reached(Limit::IdleTimeout);
            self.leave("max_idle", grace);
        } else if due(deadlines.age) {
            self.shared.metrics.reached(Limit::ConnectionAgeMax);
            self.leave("max_age", grace);
        }
    }

    /// Wakes those who wait for the rest of a request, to look at its pace, and
    /// handlers that waited for what other connections held.
    fn nudge(&mut self, now: Instant) {
        self.clock.nudged = now;
        let mut state = self.shared.lock();
        for stream in state.streams.values_mut() {
            stream.incoming.wake();
        }
        if !self.shared.is_congested() {
            state.open_gate();
        }
    }

    /// Resets the calls whose peer has not read for too long, if it is over its bytes.
    fn reset_stalled(&mut self, now: Instant) {
        let timeout = self.shared.limits.stalled_reply_timeout;
        let mut state = self.shared.lock();
        if state.stall_check.is_none_or(|check| now < check) {
            return;
        }
        state.stall_check = None;
        let stalled = |since: Instant| now >= after(since, timeout);
        let waiting: Vec<_> = state
            .streams
            .iter()
            .filter_map(|(id, stream)| Some((*id, stream.outgoing.stalled_since?)))
            .collect();
        let mut next = None::<Instant>;
        for (id, since) in waiting {
            if stalled(since) && self.shared.is_congested() {
                self.shared.metrics.reached(Limit::StalledReplyTimeout);
                self.shared.reset(&mut state, id, Reason::EnhanceYourCalm);
            } else {
                let check = after(since, timeout).max(after(now, (timeout / 4).max(SOON)));
                next = Some(next.map_or(check, |next| next.min(check)));
            }
        }
        state.stall_check = next;
    }

    /// The earliest thing that is due though nothing happens.
    pub(super) fn next(&self, stall_check: Option<Instant>) -> Instant {
        let stall_check = stall_check.filter(|_| !self.phase.is_over());
        let deadlines = self.deadlines();
        let earliest = deadlines.all().into_iter().chain([stall_check]).flatten();
        let never = || after(self.clock.opened, Duration::MAX);
        earliest.min().unwrap_or_else(never)
    }
}
