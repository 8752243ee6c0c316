//! What a connection does because time has passed.

use super::{
    Connection,
    ending::{Phase, WARNING},
};
use crate::{
    engine::{
        Answer, Io,
        http2::{
            clock::after,
            frame::{self, Fatal, Reason},
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

impl<I: Io, A: Answer> Connection<I, A> {
    /// Does what is due.
    pub(super) fn look(&mut self, now: Instant) {
        let limits = &self.shared.limits;
        let due =
            |since: Option<Instant>, span| since.is_some_and(|since| now >= after(since, span));
        if due(self.clock.write_blocked_since, limits.stalled_write_timeout) {
            return self.cut(Limit::StalledWriteTimeout);
        }
        match self.phase {
            Phase::Leaving { cut: Some(cut) } if now >= cut => {
                return self.cut(Limit::ConnectionAgeGrace);
            }
            Phase::Closing { cut: Some(cut), .. } if now >= cut => {
                self.phase = Phase::Closed;
                return;
            }
            // Nothing else matters any more.
            Phase::Closing { .. } | Phase::Closed => return,
            _ => {}
        }
        if due(self.clock.pinged, limits.keepalive_timeout) {
            return self.cut(Limit::KeepaliveTimeout);
        }
        if !self.receiver.is_settled() && due(Some(self.clock.opened), limits.preface_timeout) {
            return self.cut(Limit::PrefaceTimeout);
        }
        if due(self.receiver.block_since, limits.header_timeout) {
            let late = Fatal::calm(Limit::HeaderTimeout, "header_timeout");
            return self.fail(late, now);
        }
        if self.clock.pinged.is_none() && due(Some(self.clock.last_read), limits.keepalive_interval)
        {
            self.clock.pinged = Some(now);
            frame::put_ping(self.shared.lock().out.frames(), 0, KEEPALIVE);
            self.receiver.pinged();
        }
        self.nudge(now);
        self.reset_stalled(now);
        if self.phase != Phase::Open {
            return;
        }
        let limits = &self.shared.limits;
        let grace = Some(limits.connection_age_grace);
        if due(self.clock.idle_since, limits.idle_timeout) && self.shared.lock().streams.is_empty()
        {
            self.shared.metrics.reached(Limit::IdleTimeout);
            self.leave("max_idle", grace);
        } else if due(Some(self.clock.opened), self.clock.age_max) {
            self.shared.metrics.reached(Limit::ConnectionAgeMax);
            self.leave("max_age", grace);
        }
    }

    /// Wakes those who wait for the rest of a request, to look at its pace, and
    /// handlers that waited for what other connections held.
    fn nudge(&mut self, now: Instant) {
        if now < after(self.clock.nudged, self.clock.nudges_apart) {
            return;
        }
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
        let limits = &self.shared.limits;
        let clock = &self.clock;
        let at = |since: Option<Instant>, span| since.map(|since| after(since, span));
        let open = self.phase == Phase::Open;
        let phase = match self.phase {
            Phase::Open => at(Some(clock.opened), clock.age_max),
            Phase::Warned { since, .. } => Some(since + WARNING),
            Phase::Leaving { cut } => cut,
            Phase::Closing { cut, .. } => cut,
            Phase::Closed => None,
        };
        let stalled_write = at(clock.write_blocked_since, limits.stalled_write_timeout);
        let never = after(clock.opened, Duration::MAX);
        if matches!(self.phase, Phase::Closing { .. } | Phase::Closed) {
            return [phase, stalled_write]
                .into_iter()
                .flatten()
                .min()
                .unwrap_or(never);
        }
        let unsettled = (!self.receiver.is_settled()).then_some(clock.opened);
        let keepalive = match clock.pinged {
            Some(_) => at(clock.pinged, limits.keepalive_timeout),
            None => at(Some(clock.last_read), limits.keepalive_interval),
        };
        let earliest = [
            phase,
            stall_check,
            keepalive,
            clock
                .idle_since
                .is_none()
                .then(|| after(clock.nudged, clock.nudges_apart)),
            at(unsettled, limits.preface_timeout),
            at(self.receiver.block_since, limits.header_timeout),
            stalled_write,
            at(clock.idle_since.filter(|_| open), limits.idle_timeout),
        ];
        let earliest = earliest.into_iter().flatten().min();
        earliest.unwrap_or(never)
    }
}
