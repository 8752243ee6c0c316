//! One call as its connection sees it.

use super::{frame::Fatal, window::Window};
use crate::engine::Broken;
use bytes::BytesMut;
use http::{HeaderMap, Response};
use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
    task::Waker,
};
use tokio::{task::AbortHandle, time::Instant};

/// A stream that has not ended in both directions, or whose response is not read.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) opened: Instant,
    pub(super) incoming: Incoming,
    pub(super) outgoing: Outgoing,
    /// Runs the handler, or sends the rest of the request.
    pub(super) task: Option<AbortHandle>,
}

/// What the peer sent of it.
#[derive(Debug)]
pub(super) struct Incoming {
    /// The head of a response that nobody has read yet.
    pub(super) head: Option<Response<()>>,
    /// A head has come.
    pub(super) has_head: bool,
    /// Data that nobody has read yet.
    pub(super) data: BytesMut,
    pub(super) trailers: Option<HeaderMap>,
    /// Nothing follows: END_STREAM has come, or it broke.
    pub(super) ended: bool,
    /// Why it ended before its time.
    pub(super) broken: Option<Broken>,
    pub(super) window: Window,
    /// Bytes that were read and that the peer has not been told of.
    pub(super) released: u32,
    /// Data has come.
    pub(super) begun: bool,
    /// Its reader can do nothing with less than this, and is not woken before.
    pub(super) wanted: usize,
    /// Bytes of `data` that its reader waits for the rest of: as good as read.
    pub(super) counted: usize,
    /// What is missing of the length that the head declared.
    pub(super) declared: Option<u64>,
    /// Nobody will read the rest.
    pub(super) unwanted: bool,
    pub(super) reader: Option<Waker>,
}

/// What we send of it.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// How many bytes the connection was given before it.
    pub(super) begins_at: u64,
    /// A request that was sent whole, or whose rest nobody wants.
    pub(super) ended: bool,
    pub(super) window: Window,
    /// Whoever waits to send more.
    pub(super) sender: Option<Waker>,
    /// It is in the queue for room that all streams share.
    pub(super) queued: bool,
    /// It was in that queue, and it is its turn.
    pub(super) turn: bool,
    /// Bytes that wait to be sent.
    pub(super) held: usize,
    /// Since when its own window has let nothing through.
    pub(super) stalled_since: Option<Instant>,
}

impl Stream {
    pub(super) fn new(
        opened: Instant,
        receive: i64,
        send: i64,
        declared: Option<u64>,
        ended: bool,
    ) -> Self {
        Self {
            opened,
            incoming: Incoming {
                head: None,
                has_head: true,
                broken: None,
                data: BytesMut::new(),
                trailers: None,
                ended,
                window: Window::new(receive),
                released: 0,
                begun: false,
                wanted: 0,
                counted: 0,
                declared,
                unwanted: false,
                reader: None,
            },
            outgoing: Outgoing {
                begins_at: 0,
                ended: false,
                window: Window::new(send),
                sender: None,
                queued: false,
                turn: false,
                held: 0,
                stalled_since: None,
            },
            task: None,
        }
    }
}

impl Stream {
    /// A call of ours, whose request begins now.
    pub(super) fn called(now: Instant, receive: i64, send: i64, begins_at: u64) -> Self {
        let mut stream = Self::new(now, receive, send, None, false);
        stream.incoming.has_head = false;
        stream.outgoing.begins_at = begins_at;
        stream
    }

    /// Whether neither side will say more.
    pub(super) fn is_over(&self) -> bool {
        self.incoming.ended && self.outgoing.ended
    }
}

impl Incoming {
    /// Whether the data that came, and was not too much before, is as long as
    /// the head declared.
    pub(super) fn is_as_declared(&self) -> bool {
        self.declared.is_none_or(|missing| missing == 0)
    }

    /// Counts data against the declared length; whether it still fits.
    pub(super) fn count(&mut self, bytes: usize) -> bool {
        match &mut self.declared {
            None => true,
            Some(missing) => match missing.checked_sub(bytes as u64) {
                Some(left) => {
                    *missing = left;
                    true
                }
                None => false,
            },
        }
    }

    /// Whether its reader has something to read.
    pub(super) fn is_ready(&self) -> bool {
        self.ended || (!self.data.is_empty() && self.data.len() >= self.wanted)
    }

    /// Data that its reader is not known to take.
    pub(super) fn unread(&self) -> usize {
        self.data.len() - self.counted
    }

    /// Counts all data as read; how much more that is than before.
    pub(super) fn count_read(&mut self) -> usize {
        let unread = self.unread();
        self.counted = self.data.len();
        unread
    }

    /// Whom to wake when something has come.
    pub(super) fn read_by(&mut self, waker: &Waker) {
        match &mut self.reader {
            Some(reader) => reader.clone_from(waker),
            None => self.reader = Some(waker.clone()),
        }
    }

    /// Its trailers have come, and nothing follows.
    pub(super) fn end(&mut self, trailers: HeaderMap, woken: &mut Vec<Waker>) {
        self.trailers = Some(trailers).filter(|trailers| !trailers.is_empty());
        self.ended = true;
        self.wake_later(woken);
    }

    /// Notes whom to wake once the lock is free.
    pub(super) fn wake_later(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(self.reader.take());
    }

    pub(super) fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// Streams by their id.
pub(super) type Streams = HashMap<u32, Stream, BuildHasherDefault<IdHasher>>;

/// Ids are small, odd and rising: one multiplication spreads them, and a peer
/// that chooses them well gains nothing with a few hundred.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, id: u32) {
        const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(GOLDEN_RATIO);
    }
}

/// Streams that are over, as far as somebody may still speak of them.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// Reset by us, with what the peer might send before it hears of that.
    reset: VecDeque<(u32, Window)>,
    finished: VecDeque<u32>,
}

/// Streams remembered. What comes for older ones ends the connection: a peer that
/// hears of a reset has long been silent.
const RESET_MAX: usize = 1_024;

/// Streams remembered, to tell HEADERS that come twice from ids that go backwards.
const FINISHED_MAX: usize = 16;

impl Ended {
    pub(super) fn reset(&mut self, id: u32, window: Window) {
        if self.reset.len() == RESET_MAX {
            self.reset.pop_front();
        }
        self.reset.push_back((id, window));
    }

    pub(super) fn finished(&mut self, id: u32) {
        if self.finished.len() == FINISHED_MAX {
            self.finished.pop_front();
        }
        self.finished.push_back(id);
    }

    /// Whether `id` ended as it should, not long ago.
    pub(super) fn has_finished(&self, id: u32) -> bool {
        self.finished.contains(&id)
    }

    /// Whether we reset `id`, and its peer may not know yet.
    pub(super) fn was_reset(&self, id: u32) -> bool {
        self.reset.iter().any(|(known, _)| *known == id)
    }

    /// The peer has said its last of a stream that we reset.
    pub(super) fn forget(&mut self, id: u32) {
        self.reset.retain(|(known, _)| *known != id);
    }

    /// Data for a stream that we reset: `None` if there is no such stream.
    pub(super) fn data(&mut self, id: u32, bytes: usize) -> Option<Result<(), Fatal>> {
        let (_, window) = self
            .reset
            .iter_mut()
            .rev()
            .find(|(known, _)| *known == id)?;
        Some(window.take_received(bytes))
    }
}

#[cfg(test)]
mod tests;
