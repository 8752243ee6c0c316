//! How many calls a client may have on its connection (RFC 9113, section 5.1.2).

use super::{frame::STREAM_MAX, room::Room};
use std::sync::Arc;

/// The calls of one connection, by their number.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Calls that have begun.
    begun: u32,
    taken: u32,
    /// How many the peer takes at once; what there is no word of has no bound.
    max: Option<u32>,
    /// Hears of places that come free.
    room: Arc<Room>,
    /// No more calls begin here, for this reason.
    closed: Option<Arc<str>>,
}

/// What a call hears that asks for a place.
#[derive(Debug)]
pub(super) enum Asked {
    /// The stream that is its own.
    Stream(u32),
    /// There is none now.
    Full,
    /// There will be none.
    Never(Arc<str>),
}

impl Places {
    /// Whether calls may begin, now or later.
    pub(super) fn are_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Calls that have begun.
    pub(super) fn begun(&self) -> u32 {
        self.begun
    }

    /// Calls that have a place.
    pub(super) fn taken(&self) -> u32 {
        self.taken
    }

    fn is_full(&self) -> bool {
        self.max.is_some_and(|max| self.taken >= max)
    }

    /// Whether the peer may speak of stream `id`.
    pub(super) fn has_begun(&self, id: u32) -> bool {
        !id.is_multiple_of(2) && id / 2 < self.begun
    }

    /// Tells `room` of places that come free from now on.
    pub(super) fn tell(&mut self, room: Arc<Room>) {
        self.room = room;
    }

    /// A place, if there is one.
    pub(super) fn ask(&mut self) -> Asked {
        if let Some(why) = &self.closed {
            return Asked::Never(why.clone());
        }
        if self.is_full() {
            return Asked::Full;
        }
        let id = 2 * self.begun + 1;
        self.begun += 1;
        self.taken += 1;
        if id == STREAM_MAX {
            self.close("it has no more streams".into());
        }
        Asked::Stream(id)
    }

    /// A call has ended, on the wire.
    pub(super) fn free(&mut self) {
        self.taken -= 1;
        self.room.tell();
    }

    /// The peer takes as many.
    pub(super) fn resize(&mut self, max: u32) {
        self.max = Some(max);
        self.room.tell_all();
    }

    /// Nobody begins any more.
    pub(super) fn close(&mut self, why: Arc<str>) {
        self.closed.get_or_insert(why);
        self.room.tell_all();
    }
}

#[cfg(test)]
mod tests;
