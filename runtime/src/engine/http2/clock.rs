//! When a connection has to look at itself though nothing happens.

use super::state::Side;
use crate::{
    engine::connection::{jittered, nudges_apart, on_the_clock},
    limits::Limits,
};
use std::{pin::Pin, task::Context, time::Duration};
use tokio::time::{Instant, Sleep, sleep_until};

/// Times of a connection, and one timer for the earliest thing to come.
pub(super) struct Clock {
    timer: Pin<Box<Sleep>>,
    armed: Instant,
    pub(super) opened: Instant,
    /// How old it may get.
    pub(super) age_max: Duration,
    pub(super) last_read: Instant,
    /// When a PING was sent that nothing has come after.
    pub(super) pinged: Option<Instant>,
    /// When those who wait for requests were last woken to look at their pace.
    pub(super) nudged: Instant,
    /// How long after that they are again.
    pub(super) nudges_apart: Duration,
    /// Since when there has been no call.
    pub(super) idle_since: Option<Instant>,
    /// Since when there have been calls, if there are.
    pub(super) busy_since: Instant,
    /// Since when the socket has taken nothing of what waits for it.
    pub(super) write_blocked_since: Option<Instant>,
}

impl Clock {
    pub(super) fn new(now: Instant, limits: &Limits, side: Side) -> Self {
        Self {
            // Armed when it is first known for what.
            timer: Box::pin(sleep_until(now)),
            armed: now,
            opened: now,
            age_max: jittered(limits.connection_age_max),
            last_read: now,
            pinged: None,
            nudged: now,
            nudges_apart: match side {
                // A response may take its time.
                Side::Client => Duration::MAX,
                Side::Server => nudges_apart(limits),
            },
            idle_since: None,
            busy_since: now,
            write_blocked_since: None,
        }
    }

    /// Whether what the timer was armed for is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.armed
    }

    /// Wakes the task at `next`, or before.
    pub(super) fn arm(&mut self, next: Instant, now: Instant, cx: &mut Context<'_>) {
        if next < self.armed || self.is_due(now) {
            self.armed = next;
            self.timer.as_mut().reset(next);
            // A timer that has no budget left would not know whom to wake.
            let mut timer = tokio::task::coop::unconstrained(self.timer.as_mut());
            if Pin::new(&mut timer).poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
    }
}

/// `instant + span`; a span beyond the clock is longer than anything lives.
pub(super) fn after(instant: Instant, span: Duration) -> Instant {
    instant + on_the_clock(span)
}
