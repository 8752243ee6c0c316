//! Sends what the server's windows allow.

use super::call::{Call, Calls, Plan};
use crate::http2::frame;
use std::collections::VecDeque;

/// What the server allows, and what waits for it.
#[derive(Debug)]
pub(super) struct Sending {
    /// Bytes the server takes on this connection.
    pub(super) window: i64,
    /// Bytes it takes on a new stream.
    pub(super) stream_window: i64,
    pub(super) frame_bytes: usize,
    /// Streams that have more to send than they may.
    waiting: VecDeque<u32>,
}

impl Sending {
    pub(super) const fn new() -> Self {
        Self {
            window: frame::WINDOW_BYTES,
            stream_window: frame::WINDOW_BYTES,
            frame_bytes: frame::FRAME_BYTES,
            waiting: VecDeque::new(),
        }
    }

    /// Appends what `stream` may send now; the rest waits its turn.
    pub(super) fn send(
        &mut self,
        output: &mut Vec<u8>,
        (stream, call): (u32, &mut Call),
        message: &[u8],
    ) {
        if !self.fill(output, (stream, call), message) && !self.waiting.contains(&stream) {
            self.waiting.push_back(stream);
        }
    }

    /// Appends what may be sent of all that waited.
    pub(super) fn resume(&mut self, output: &mut Vec<u8>, calls: &mut Calls, plans: &[Plan]) {
        for _ in 0..self.waiting.len() {
            let Some(stream) = self.waiting.pop_front() else {
                return;
            };
            let Some(call) = calls.get(stream) else {
                continue;
            };
            let message = &plans[call.plan].request;
            if !self.fill(output, (stream, call), message) {
                self.waiting.push_back(stream);
            }
        }
    }

    /// Whether all was sent. A frame holds no more than one message.
    fn fill(&mut self, output: &mut Vec<u8>, of: (u32, &mut Call), message: &[u8]) -> bool {
        let (stream, call) = of;
        while call.unsent > 0 {
            let at = call.sent % message.len();
            let allowed = self.window.min(call.window).max(0);
            let length = (message.len() - at)
                .min(call.unsent)
                .min(self.frame_bytes)
                .min(usize::try_from(allowed).unwrap_or(0));
            if length == 0 {
                return false;
            }
            call.sent += length;
            call.unsent -= length;
            call.window -= length as i64;
            self.window -= length as i64;
            let last = call.whole && call.unsent == 0;
            let flags = if last { frame::END_STREAM } else { 0 };
            frame::head(output, length, frame::DATA, flags, stream);
            output.extend_from_slice(&message[at..at + length]);
        }
        true
    }
}
