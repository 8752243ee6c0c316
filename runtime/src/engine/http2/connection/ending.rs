//! How a connection ends: politely, for a reason, or at once.

use super::{Connection, Role};
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
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// How long a peer has to hear of our going before its new calls are ignored.
pub(super) const WARNING: Duration = Duration::from_secs(1);

/// How long a peer has to hang up after us. Hanging up first, with bytes of its
/// unread, could keep our last ones from it.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// What our PINGs say: that of the farewell is known by it.
pub(super) const FAREWELL: [u8; 8] = *b"farewell";

/// How far the connection's end has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Open,
    /// The peer was asked to open no more streams, and may not have heard.
    Warned {
        since: Instant,
        grace: Option<Duration>,
    },
    /// It has been told which streams are served. They end, by `cut` at the latest.
    Leaving {
        cut: Option<Instant>,
    },
    /// No call is left. What is written is written out, by `cut` at the latest;
    /// then the peer may hang up.
    Closing {
        cut: Option<Instant>,
        shut: bool,
    },
    Closed,
}

impl Phase {
    /// No call is left, nor will one come.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Closing { .. } | Self::Closed)
    }
}

impl<I: Io, R: Role> Connection<I, R> {
    /// Asks the peer to open no more streams; calls in flight go on, for `grace`
    /// if that is said.
    pub(super) fn leave(&mut self, debug: &str, grace: Option<Duration>) {
        if self.phase != Phase::Open {
            return;
        }
        let since = Instant::now();
        self.phase = Phase::Warned { since, grace };
        let mut state = self.shared.lock();
        let out = state.out.frames();
        frame::put_goaway(out, frame::STREAM_MAX, Reason::NoError, debug);
        frame::put_ping(out, 0, FAREWELL);
        state.wake();
        drop(state);
        self.receiver.pinged();
    }

    /// Ends everything at once, and says why.
    pub(super) fn fail(&mut self, fatal: Fatal, now: Instant) {
        if self.phase.is_over() {
            return;
        }
        tracing::debug!(peer = ?self.role, reason = ?fatal.reason, fatal.debug, "connection closed");
        if let Some(limit) = fatal.limit {
            self.shared.metrics.reached(limit);
        }
        let mut state = self.shared.lock();
        let last = self.receiver.last.min(self.receiver.last_served);
        self.receiver.starting.clear();
        self.receiver.block_since = None;
        let why = || format!("closed for {}", fatal.debug).into();
        state.why.get_or_insert_with(why);
        // What was appended leaves before the GOAWAY does.
        let left = state.position();
        self.shared.abort(&mut state, left);
        frame::put_goaway(state.out.frames(), last, fatal.reason, fatal.debug);
        drop(state);
        self.shared.wake_those();
        self.phase = Phase::Closing {
            cut: Some(now + LINGER),
            shut: false,
        };
    }

    /// Goes through the phases of the end as far as they have come.
    pub(super) fn proceed(&mut self, cx: &mut Context<'_>, now: Instant) {
        if let Phase::Warned { since, grace } = self.phase
            && (self.receiver.heard(FAREWELL) || now >= since + WARNING)
        {
            self.receiver.last_served = self.receiver.last;
            let mut state = self.shared.lock();
            let out = state.out.frames();
            frame::put_goaway(out, self.receiver.last, Reason::NoError, "");
            drop(state);
            let cut = grace.map(|grace| after(now, grace));
            self.phase = Phase::Leaving { cut };
            if !self.write(cx, now) {
                self.phase = Phase::Closed;
            }
        }
        let state = self.shared.lock();
        let done = self.receiver.starting.is_empty() && self.shared.is_idle(&state);
        drop(state);
        match self.phase {
            Phase::Open if self.shared.side == Side::Client => self.hang_up(),
            Phase::Leaving { cut } if done => self.phase = Phase::Closing { cut, shut: false },
            Phase::Open if done && self.receiver.peer_leaves => self.leave("", None),
            _ => {}
        }
        if let Phase::Closing { shut: false, .. } = self.phase
            && self.writing.is_empty()
            && self.shared.lock().out.is_empty()
        {
            match Pin::new(&mut self.io).poll_shutdown(cx) {
                Poll::Ready(Ok(())) => {
                    let cut = Some(now + LINGER);
                    self.phase = Phase::Closing { cut, shut: true };
                }
                Poll::Ready(Err(_)) => self.phase = Phase::Closed,
                Poll::Pending => {}
            }
        }
    }

    /// A client whose calls have ended, and that will make no more, says so and goes.
    fn hang_up(&mut self) {
        let mut state = self.shared.lock();
        if self.shared.is_idle(&state) && !state.places.are_open() {
            frame::put_goaway(state.out.frames(), 0, Reason::NoError, "");
            state.wake();
            let cut = Some(Instant::now() + LINGER);
            self.phase = Phase::Closing { cut, shut: false };
        }
    }

    /// Gives the connection up without a word: nobody would hear it.
    pub(super) fn cut(&mut self, limit: Limit) {
        tracing::debug!(peer = ?self.role, limit = limit.name(), "connection cut");
        let why = format!("cut at the limit `{}`", limit.name());
        self.shared.lock().why.get_or_insert(why.into());
        self.shared.metrics.reached(limit);
        self.phase = Phase::Closed;
    }
}
