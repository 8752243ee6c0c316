//! Header blocks: requests and responses, and trailers at their ends.

use super::{Context, Receiver, depends_on_itself};
use crate::{
    engine::Broken,
    engine::http2::{
        frame::{self, Fatal, Head, PRIORITY_BYTES, Reason, flag},
        head::{Fields, Read},
        hpack::Start,
        state::{Shared, Side, State, stream_window},
        stream::Stream,
        window::Window,
    },
    limits::Limit,
};
use http::{HeaderMap, StatusCode};

/// Frames of one header block beyond those that its bytes need: with more, the
/// peer sends CONTINUATION frames for their own sake.
const BLOCK_FRAMES_SPARE: usize = 5;

/// A compressed block is at most this many times its header list: the longest
/// Huffman code has 30 bits.
const BLOCK_BYTES_FACTOR: usize = 4;

/// What most requests need at most, and most responses and trailers.
const REQUEST_HEADERS_USUAL: usize = 12;
const RESPONSE_HEADERS_USUAL: usize = 3;

/// A header block in pieces.
pub(super) struct Block {
    pub(super) id: u32,
    end_stream: bool,
    bytes: Vec<u8>,
    frames: usize,
}

impl Receiver {
    pub(super) fn headers(
        &mut self,
        head: Head,
        mut payload: &[u8],
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        const SHORT: Fatal = Fatal::size("a HEADERS frame shorter than its own fields");
        let mut padding = 0;
        if head.has(flag::PADDED) {
            let (length, rest) = payload.split_first().ok_or(SHORT)?;
            padding = usize::from(*length);
            payload = rest;
        }
        if head.has(flag::PRIORITY) {
            let (priority, rest) = payload.split_at_checked(PRIORITY_BYTES).ok_or(SHORT)?;
            depends_on_itself(head.stream, priority)?;
            payload = rest;
        }
        let length = payload.len().checked_sub(padding);
        let length = length.ok_or(Fatal::protocol("more padding than payload"))?;
        let block = Block {
            id: head.stream,
            end_stream: head.has(flag::END_STREAM),
            bytes: Vec::new(),
            frames: 1,
        };
        if head.has(flag::END_HEADERS) {
            return self.block_ended(&block, &payload[..length], context);
        }
        self.block = Some(Block {
            bytes: payload[..length].to_vec(),
            ..block
        });
        Ok(())
    }

    pub(super) fn continuation(
        &mut self,
        head: Head,
        payload: &[u8],
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        let Some(mut block) = self.block.take() else {
            return Ok(());
        };
        block.frames += 1;
        block.bytes.extend_from_slice(payload);
        let bytes_max = context.shared.limits.header_bytes_max as usize;
        if block.bytes.len() > bytes_max.saturating_mul(BLOCK_BYTES_FACTOR)
            || block.frames > BLOCK_FRAMES_SPARE + bytes_max / frame::PAYLOAD_BYTES_MAX
        {
            return Err(Fatal::calm(Limit::HeaderBytesMax, "too_many_continuations"));
        }
        if head.has(flag::END_HEADERS) {
            let bytes = std::mem::take(&mut block.bytes);
            return self.block_ended(&block, &bytes, context);
        }
        self.block = Some(block);
        Ok(())
    }

    fn block_ended(
        &mut self,
        block: &Block,
        bytes: &[u8],
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        self.block_since = None;
        let usual = match context.shared.side {
            Side::Client => RESPONSE_HEADERS_USUAL,
            Side::Server => REQUEST_HEADERS_USUAL,
        };
        let mut fields = Fields::new(context.shared.limits.header_bytes_max, usual);
        self.decoder
            .decode(bytes, |field, bytes| fields.push(field, bytes))?;
        let id = block.id;
        if context.shared.side == Side::Client {
            return self.response(block, fields, context);
        }
        if id.is_multiple_of(2) {
            return Err(Fatal::protocol("a stream of a client has an odd id"));
        }
        if id > self.last {
            self.last = id;
            return self.request(id, block.end_stream, fields, context);
        }
        let Context { shared, state, .. } = context;
        let Some(stream) = state.streams.get_mut(&id) else {
            return if id > self.last_served || state.ended.was_reset(id) {
                // Nothing may follow trailers, not even more of them.
                state.ended.forget(id);
                state.strikes.frame()
            } else if state.ended.has_finished(id) {
                Err(Fatal::new(
                    Reason::StreamClosed,
                    "HEADERS on a closed stream",
                ))
            } else {
                Err(Fatal::protocol("a stream with a lower id than one before"))
            };
        };
        if stream.incoming.ended {
            return Err(Fatal::new(Reason::StreamClosed, "HEADERS after END_STREAM"));
        }
        match fields.into_trailers() {
            Read::Good(trailers) if block.end_stream && stream.incoming.is_as_declared() => {
                stream.incoming.end(trailers, &mut state.woken);
                Ok(())
            }
            _ => self.malformed(id, shared, state),
        }
    }

    /// The head of a response, or its trailers.
    fn response(
        &mut self,
        block: &Block,
        fields: Fields,
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        let id = block.id;
        if self.is_idle(id, &context) {
            return Err(Fatal::protocol("HEADERS on an idle stream"));
        }
        let Context { shared, state, .. } = context;
        let Some(stream) = state.streams.get_mut(&id) else {
            return state.strikes.frame();
        };
        let incoming = &mut stream.incoming;
        if incoming.ended {
            return match incoming.broken {
                Some(_) => state.strikes.frame(),
                None => Err(Fatal::new(Reason::StreamClosed, "HEADERS after END_STREAM")),
            };
        }
        let end = block.end_stream;
        if incoming.has_head {
            match fields.into_trailers() {
                Read::Good(trailers) if end && incoming.is_as_declared() => {
                    incoming.end(trailers, &mut state.woken);
                    shared.response_ended(state, id);
                    return Ok(());
                }
                Read::TooLarge | Read::FarTooLarge => return self.too_large(id, shared, state),
                _ => return self.malformed(id, shared, state),
            }
        }
        match fields.into_response() {
            Read::Good((head, _)) if head.status().is_informational() && !end => {
                state.strikes.frame()
            }
            Read::Good((_, Some(1..))) if end => self.malformed(id, shared, state),
            Read::Good((head, length)) if !head.status().is_informational() => {
                incoming.has_head = true;
                incoming.declared = length;
                incoming.head = Some(head);
                incoming.wake_later(&mut state.woken);
                if end {
                    shared.response_ended(state, id);
                }
                Ok(())
            }
            Read::TooLarge | Read::FarTooLarge => self.too_large(id, shared, state),
            _ => self.malformed(id, shared, state),
        }
    }

    /// A response with more headers than we take.
    fn too_large(&mut self, id: u32, shared: &Shared, state: &mut State) -> Result<(), Fatal> {
        shared.metrics.reached(Limit::HeaderBytesMax);
        shared.refuse(state, id, Reason::Cancel, Broken::TooLarge);
        state.strikes.local_reset()
    }

    fn request(
        &mut self,
        id: u32,
        ended: bool,
        fields: Fields,
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        let Context {
            shared, state, now, ..
        } = context;
        // After our GOAWAY: the peer knows that it may try elsewhere.
        if id > self.last_served {
            return state.strikes.frame();
        }
        let limits = &shared.limits;
        let window = i64::from(stream_window(limits));
        let open = state.streams.len();
        let mut refuse = |reason| {
            frame::put_reset(state.out.frames(), id, reason);
            if !ended {
                state.ended.reset(id, Window::new(window));
            }
            state.strikes.local_reset()
        };
        match fields.into_request() {
            Read::Good(_) if open >= limits.streams_per_connection_max as usize => {
                shared.metrics.reached(Limit::StreamsPerConnectionMax);
                refuse(Reason::RefusedStream)
            }
            Read::Good((_, Some(1..))) if ended => refuse(Reason::Protocol),
            Read::Good((request, length)) => {
                let stream = Stream::new(now, window, state.peer.window, length, ended);
                state.streams.insert(id, stream);
                self.starting.push_back((id, request));
                Ok(())
            }
            Read::Malformed => refuse(Reason::Protocol),
            Read::FarTooLarge => Err(Fatal::calm(Limit::HeaderBytesMax, "header_bytes_max")),
            Read::TooLarge => {
                shared.metrics.reached(Limit::HeaderBytesMax);
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                state.put_headers(id, Start::Response(status), &HeaderMap::new(), true);
                if !ended {
                    frame::put_reset(state.out.frames(), id, Reason::NoError);
                    state.ended.reset(id, Window::new(window));
                }
                state.strikes.local_reset()
            }
        }
    }
}
