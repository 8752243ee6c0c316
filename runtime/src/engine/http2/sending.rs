//! What is sent of one stream: as much as the windows and the outbox have room for.

use super::{
    frame::{self, flag, kind},
    hpack::Start,
    state::{OUTBOX_BYTES_MAX, Shared, State},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::time::Duration;
use tokio::time::Instant;

/// A DATA frame that the peer's window cut shorter than this makes up for none
/// of the frames it sent.
const CREDITED_BYTES_MIN: usize = 256;

/// What is still to be sent, in this order.
#[derive(Debug, Default)]
pub(super) struct Sending {
    pub(super) head: Option<(StatusCode, HeaderMap)>,
    pub(super) data: Bytes,
    pub(super) trailers: Option<HeaderMap>,
    /// Nothing follows.
    pub(super) end: bool,
    /// All of it has left.
    pub(super) done: bool,
}

/// The stream is no more.
#[derive(Debug)]
pub(super) struct Gone;

impl Sending {
    /// Data that is all there is, and trailers.
    pub(super) fn whole((data, trailers): (Bytes, Option<HeaderMap>)) -> Self {
        Self {
            data,
            trailers,
            end: true,
            ..Self::default()
        }
    }

    /// Whether the end is all there is to send.
    pub(super) fn is_bodiless(&self) -> bool {
        self.end && self.data.is_empty() && self.trailers.is_none()
    }

    /// Appends what there is room for; whether that is everything.
    pub(super) fn append(
        &mut self,
        shared: &Shared,
        state: &mut State,
        id: u32,
    ) -> Result<bool, Gone> {
        let stream = state.streams.get(&id);
        if state.closed || stream.is_none_or(|stream| stream.outgoing.ended) {
            return Err(Gone);
        }
        if state.out.len() >= OUTBOX_BYTES_MAX {
            self.hold(shared, state, id);
            state.block(id);
            return Ok(false);
        }
        let end_at_head = self.is_bodiless();
        if let Some((status, headers)) = self.head.take() {
            state.put_headers(id, Start::Response(status), &headers, end_at_head);
            state.strikes.sent(0);
            if end_at_head {
                return Ok(true);
            }
        }
        if !self.append_data(shared, state, id)? {
            return Ok(false);
        }
        if let Some(trailers) = self.trailers.take() {
            state.put_headers(id, Start::Trailers, &trailers, true);
        } else if end_at_head {
            let out = state.out.frames();
            frame::put_head(out, 0, kind::DATA, flag::END_STREAM, id);
        }
        Ok(true)
    }

    /// Appends data as far as the windows and the outbox reach; whether all of it.
    fn append_data(&mut self, shared: &Shared, state: &mut State, id: u32) -> Result<bool, Gone> {
        let last = self.end && self.trailers.is_none();
        let queues = state.must_queue(id, self.data.len());
        while !self.data.is_empty() {
            let outgoing = &mut state.streams.get_mut(&id).ok_or(Gone)?.outgoing;
            let wanted = self.data.len().min(state.peer.frame_bytes_max);
            let own = outgoing.window.room(wanted);
            let length = match state.out.len() < OUTBOX_BYTES_MAX && !queues {
                true => state.send_window.room(own),
                false => 0,
            };
            if length == 0 {
                self.hold(shared, state, id);
                let timeout = shared.limits.stalled_reply_timeout;
                if own == 0 {
                    stall(state, id, timeout);
                    // It has no use for its turn.
                    state.wake_blocked();
                } else {
                    if state.send_window.room(1) == 0 {
                        stall(state, id, timeout);
                    }
                    state.block(id);
                }
                return Ok(false);
            }
            outgoing.turn = false;
            outgoing.window.take(length);
            outgoing.stalled_since = None;
            state.send_window.take(length);
            if length == wanted || length >= CREDITED_BYTES_MIN {
                state.strikes.sent(length);
            }
            let flags = match last && length == self.data.len() {
                true => flag::END_STREAM,
                false => 0,
            };
            frame::put_head(state.out.frames(), length, kind::DATA, flags, id);
            state.out.payload(self.data.split_to(length));
        }
        self.hold(shared, state, id);
        Ok(true)
    }

    /// Accounts for what waits.
    fn hold(&self, shared: &Shared, state: &mut State, id: u32) {
        if let Some(stream) = state.streams.get_mut(&id) {
            let before = std::mem::replace(&mut stream.outgoing.held, self.data.len());
            shared.hold(state, before, self.data.len());
        }
    }
}

/// A window is shut: somebody has to look after a while.
fn stall(state: &mut State, id: u32, timeout: Duration) {
    let now = Instant::now();
    if let Some(stream) = state.streams.get_mut(&id) {
        stream.outgoing.stalled_since.get_or_insert(now);
    }
    if state.stall_check.is_none() {
        state.stall_check = now.checked_add(timeout);
        state.wake();
    }
}
