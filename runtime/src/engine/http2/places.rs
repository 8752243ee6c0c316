//! How many calls a client may have on its connection (RFC 9113, section 5.1.2),
//! and who waits for a place.

use super::frame::STREAM_MAX;
use std::{collections::VecDeque, sync::Arc, task::Waker};

/// The calls of one connection, by their number.
#[derive(Debug)]
pub(super) struct Places {
    /// The stream of the next call.
    next: u32,
    taken: u32,
    max: u32,
    /// In the order they came.
    waiting: VecDeque<(u64, Waker)>,
    tickets: u64,
    /// No more calls begin here, for this reason.
    closed: Option<Arc<str>>,
}

/// What a call hears that asks for a place.
pub(super) enum Asked {
    /// The stream that is its own.
    Stream(u32),
    /// It is told when there is one.
    Later,
    /// It must go elsewhere.
    Never(Arc<str>),
}

impl Default for Places {
    fn default() -> Self {
        Self {
            next: 1,
            taken: 0,
            // What there is no word of has no bound (section 6.5.2).
            max: u32::MAX,
            waiting: VecDeque::new(),
            tickets: 0,
            closed: None,
        }
    }
}

impl Places {
    /// Whether calls may begin, now or later.
    pub(super) fn are_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Calls that have a place.
    pub(super) fn taken(&self) -> u32 {
        self.taken
    }

    pub(super) fn is_full(&self) -> bool {
        self.taken >= self.max
    }

    /// Whether the peer may speak of stream `id`.
    pub(super) fn has_begun(&self, id: u32) -> bool {
        id < self.next && !id.is_multiple_of(2)
    }

    /// A place, if there is one and nobody came before. Who is told to wait keeps
    /// its `ticket` until it has one or [`leave`](Self::leave)s.
    pub(super) fn ask(&mut self, ticket: &mut Option<u64>, waker: &Waker) -> Asked {
        if let Some(why) = &self.closed {
            return Asked::Never(why.clone());
        }
        let first = self.waiting.front().map(|(ticket, _)| *ticket);
        if !self.is_full() && (first.is_none() || first == *ticket) {
            if ticket.take().is_some() {
                self.waiting.pop_front();
            }
            return Asked::Stream(self.take());
        }
        match ticket {
            Some(ticket) => {
                let own = self.waiting.iter_mut().find(|(known, _)| known == ticket);
                if let Some((_, known)) = own {
                    known.clone_from(waker);
                }
            }
            None => {
                self.tickets += 1;
                *ticket = Some(self.tickets);
                self.waiting.push_back((self.tickets, waker.clone()));
            }
        }
        Asked::Later
    }

    fn take(&mut self) -> u32 {
        let id = self.next;
        self.next += 2;
        self.taken += 1;
        if self.next > STREAM_MAX {
            self.close("the connection has no more streams".into());
        }
        self.call_next();
        id
    }

    /// A call has ended, on the wire.
    pub(super) fn free(&mut self) {
        self.taken -= 1;
        self.call_next();
    }

    /// Somebody with this ticket waits no longer.
    pub(super) fn leave(&mut self, ticket: u64) {
        self.waiting.retain(|(known, _)| *known != ticket);
        self.call_next();
    }

    /// The peer takes as many.
    pub(super) fn resize(&mut self, max: u32) {
        self.max = max;
        self.call_next();
    }

    /// Nobody begins any more.
    pub(super) fn close(&mut self, why: Arc<str>) {
        self.closed.get_or_insert(why);
        for (_, waker) in self.waiting.drain(..) {
            waker.wake();
        }
    }

    fn call_next(&self) {
        if !self.is_full()
            && let Some((_, waker)) = self.waiting.front()
        {
            waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests;
