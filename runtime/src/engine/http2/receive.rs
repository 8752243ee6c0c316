//! What a peer's frames mean (RFC 9113, sections 5 and 6).

use super::{
    call::put_headers,
    frame::{self, Fatal, Head, Reason, flag, kind},
    head::{Fields, Read},
    hpack::Decoder,
    parse::{Event, Parser},
    state::{SENT_FRAME_BYTES_MAX, Shared, State},
    stream::Stream,
    window::Window,
};
use crate::{engine::connection::window, limits::Limit};
use http::{HeaderMap, Request, StatusCode};
use std::collections::VecDeque;
use tokio::time::Instant;

/// Frames of one header block.
const BLOCK_FRAMES_MAX: u32 = 8;

/// A compressed block is at most this many times its header list: the longest
/// Huffman code has 30 bits.
const BLOCK_BYTES_FACTOR: usize = 4;

/// What is set aside for a message that has only said how long it will be.
const RESERVE_BYTES_MAX: usize = 128 << 10;

/// What has been received and waits to be acted upon.
pub(super) struct Receiver {
    parser: Parser,
    decoder: Decoder,
    block: Option<Block>,
    /// The first SETTINGS frame has come.
    settled: bool,
    /// The highest stream the peer opened.
    pub(super) last: u32,
    /// The highest stream that is served; later ones came after our GOAWAY.
    pub(super) last_served: u32,
    /// Requests whose handlers have not been started.
    pub(super) starting: VecDeque<(u32, Request<()>)>,
    /// Calls that were reset before they had begun, since the last time calls began.
    reset_unstarted: usize,
    /// The peer opens no more streams.
    pub(super) peer_leaves: bool,
    /// What the last answered PING said.
    pub(super) pong: Option<[u8; 8]>,
    /// When the header block began that has not ended.
    pub(super) block_since: Option<Instant>,
}

/// A header block in pieces.
struct Block {
    id: u32,
    end_stream: bool,
    bytes: Vec<u8>,
    frames: u32,
}

/// What one frame is received with.
struct Context<'a> {
    /// How many bytes the reader of a body needs at least, by its first ones.
    announced: &'a dyn Fn(&[u8]) -> usize,
    shared: &'a Shared,
    state: &'a mut State,
    now: Instant,
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self {
            parser: Parser::new(),
            decoder: Decoder::default(),
            block: None,
            settled: false,
            last: 0,
            last_served: frame::STREAM_MAX,
            starting: VecDeque::new(),
            reset_unstarted: 0,
            peer_leaves: false,
            pong: None,
            block_since: None,
        }
    }

    /// Whether the peer has said what every peer says first.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// The next request to begin.
    pub(super) fn begin(&mut self) -> Option<(u32, Request<()>)> {
        let request = self.starting.pop_front()?;
        self.reset_unstarted = 0;
        Some(request)
    }

    /// Acts on what `input` says; `announced` tells how many bytes the reader of a
    /// body needs at least, by its first ones.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        announced: &dyn Fn(&[u8]) -> usize,
        shared: &Shared,
        state: &mut State,
        now: Instant,
    ) -> Result<(), Fatal> {
        let mut parser = std::mem::replace(&mut self.parser, Parser::new());
        let fed = parser.feed(input, |event| {
            let context = Context {
                announced,
                shared,
                state: &mut *state,
                now,
            };
            match event {
                Event::Head(head) => self.head(head, context),
                Event::Data {
                    stream,
                    data,
                    padding,
                    end_stream,
                } => {
                    context.state.release(stream, padding, &shared.limits);
                    self.data(stream, data, end_stream, context)
                }
                Event::Payload(head, payload) => self.payload(head, payload, context),
            }
        });
        self.parser = parser;
        fed
    }

    fn head(&mut self, head: Head, context: Context<'_>) -> Result<(), Fatal> {
        if !self.settled && head.kind != kind::SETTINGS {
            return Err(Fatal::protocol("the first frame is no SETTINGS frame"));
        }
        match &self.block {
            Some(block) if head.kind != kind::CONTINUATION || head.stream != block.id => {
                return Err(Fatal::protocol("a frame within a header block"));
            }
            None if head.kind == kind::CONTINUATION => {
                return Err(Fatal::protocol("a CONTINUATION of nothing"));
            }
            _ => {}
        }
        match head.kind {
            kind::DATA => self.data_head(head, context),
            kind::HEADERS => {
                self.block_since = Some(context.now);
                Ok(())
            }
            kind::PUSH_PROMISE => Err(Fatal::protocol("a client cannot push")),
            kind::GOAWAY => {
                self.peer_leaves = true;
                Ok(())
            }
            kind::CONTINUATION | kind::RST_STREAM | kind::PING => Ok(()),
            // SETTINGS, PRIORITY, WINDOW_UPDATE, and what nobody knows.
            _ => context.state.strikes.frame(),
        }
    }

    /// Whether the peer has opened `id` or skipped it.
    fn is_idle(&self, id: u32) -> bool {
        id > self.last || id.is_multiple_of(2)
    }

    /// Flow control counts a DATA frame whole, padding included (section 6.9).
    fn data_head(&mut self, head: Head, context: Context<'_>) -> Result<(), Fatal> {
        let Context { state, .. } = context;
        if self.is_idle(head.stream) && head.stream <= self.last_served {
            return Err(Fatal::protocol("DATA on an idle stream"));
        }
        state.receive_window.take_received(head.length)?;
        if head.length == 0 && !head.has(flag::END_STREAM) {
            state.strikes.frame()?;
        }
        let Some(stream) = state.streams.get_mut(&head.stream) else {
            if head.stream > self.last_served {
                return Ok(());
            }
            return match state.ended.data(head.stream, head.length) {
                Some(taken) => taken,
                None => Err(Fatal::new(Reason::StreamClosed, "DATA on a closed stream")),
            };
        };
        if stream.incoming.ended {
            return Err(Fatal::new(Reason::StreamClosed, "DATA after END_STREAM"));
        }
        stream.incoming.window.take_received(head.length)
    }

    fn data(
        &mut self,
        id: u32,
        data: &[u8],
        end_stream: bool,
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        let Context {
            announced,
            shared,
            state,
            ..
        } = context;
        let Some(stream) = state.streams.get_mut(&id) else {
            state.release_connection(data.len());
            return Ok(());
        };
        let incoming = &mut stream.incoming;
        let fits = incoming.count(data.len());
        if !fits || (end_stream && !incoming.is_as_declared()) {
            state.release_connection(data.len());
            return self.malformed(id, shared, state);
        }
        incoming.ended |= end_stream;
        if incoming.unwanted {
            state.release_connection(data.len());
        } else {
            if !std::mem::replace(&mut incoming.begun, true) {
                incoming.wanted = announced(data);
                incoming
                    .data
                    .reserve(incoming.wanted.clamp(data.len(), RESERVE_BYTES_MAX));
            }
            incoming.data.extend_from_slice(data);
            if incoming.is_ready() {
                incoming.wake();
            } else if incoming.reader.is_some() {
                let read = incoming.count_read();
                state.release(id, read, &shared.limits);
            }
        }
        Ok(())
    }

    fn payload(&mut self, head: Head, payload: &[u8], context: Context<'_>) -> Result<(), Fatal> {
        match head.kind {
            kind::HEADERS => self.headers(head, payload, context),
            kind::CONTINUATION => self.continuation(head, payload, context),
            kind::PRIORITY => depends_on_itself(head.stream, payload),
            kind::RST_STREAM => self.reset(head.stream, context),
            kind::SETTINGS => self.settings(head, payload, context),
            kind::PING => self.ping(head, payload, context),
            kind::WINDOW_UPDATE => self.window_update(head.stream, payload, context),
            _ => Ok(()),
        }
    }

    fn headers(
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
            let (priority, rest) = payload.split_at_checked(5).ok_or(SHORT)?;
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

    fn continuation(
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
            || block.frames > BLOCK_FRAMES_MAX
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
        let mut fields = Fields::new(context.shared.limits.header_bytes_max);
        self.decoder
            .decode(bytes, |field, bytes| fields.push(field, bytes))?;
        let id = block.id;
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
                Ok(())
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
                stream.incoming.trailers = Some(trailers).filter(|trailers| !trailers.is_empty());
                stream.incoming.ended = true;
                stream.incoming.wake();
                Ok(())
            }
            _ => self.malformed(id, shared, state),
        }
    }

    fn request(
        &mut self,
        id: u32,
        ended: bool,
        fields: Fields,
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        let Context { shared, state, .. } = context;
        // After our GOAWAY: the peer knows that it may try elsewhere.
        if id > self.last_served {
            return Ok(());
        }
        let limits = &shared.limits;
        let window = i64::from(window(limits.unread_bytes_per_stream_max));
        let open = state.streams.len();
        let mut refuse = |reason| {
            frame::put_reset(state.out.frames(), id, reason);
            if !ended {
                state.ended.reset(id, Window::new(window));
            }
            state.strikes.local_reset()
        };
        match fields.into_head() {
            Read::Good(_) if open >= limits.streams_per_connection_max as usize => {
                shared.metrics.reached(Limit::StreamsPerConnectionMax);
                refuse(Reason::RefusedStream)
            }
            Read::Good((_, Some(1..))) if ended => refuse(Reason::Protocol),
            Read::Good((request, length)) => {
                let stream = Stream::new(window, state.peer.window, length, ended);
                state.streams.insert(id, stream);
                self.starting.push_back((id, request));
                Ok(())
            }
            Read::Malformed => refuse(Reason::Protocol),
            Read::TooLarge => {
                shared.metrics.reached(Limit::HeaderBytesMax);
                let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
                put_headers(state, id, Some(status), &HeaderMap::new(), true);
                if !ended {
                    frame::put_reset(state.out.frames(), id, Reason::NoError);
                    state.ended.reset(id, Window::new(window));
                }
                state.strikes.local_reset()
            }
        }
    }

    /// A request that breaks the rules ends its stream alone (section 8.1.1).
    fn malformed(&mut self, id: u32, shared: &Shared, state: &mut State) -> Result<(), Fatal> {
        shared.reset(state, id, Reason::Protocol);
        state.strikes.local_reset()
    }

    fn reset(&mut self, id: u32, context: Context<'_>) -> Result<(), Fatal> {
        let Context { shared, state, .. } = context;
        if self.is_idle(id) {
            return Err(Fatal::protocol("RST_STREAM on an idle stream"));
        }
        let Some(stream) = shared.remove(state, id) else {
            return state.strikes.frame();
        };
        match stream.task {
            Some(task) => task.abort(),
            None => {
                self.starting.retain(|(waiting, _)| *waiting != id);
                self.reset_unstarted += 1;
                if self.reset_unstarted > shared.limits.pending_resets_max {
                    return Err(Fatal::calm(Limit::PendingResetsMax, "too_many_resets"));
                }
            }
        }
        state.strikes.reset()
    }

    fn settings(&mut self, head: Head, payload: &[u8], context: Context<'_>) -> Result<(), Fatal> {
        if head.has(flag::ACK) {
            return match self.settled {
                true => Ok(()),
                false => Err(Fatal::protocol("the first frame acknowledges SETTINGS")),
            };
        }
        self.settled = true;
        let Context { state, .. } = context;
        for setting in payload.chunks_exact(6) {
            let id = u16::from_be_bytes([setting[0], setting[1]]);
            let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
            apply(state, id, value)?;
        }
        frame::put_settings_ack(state.out.frames());
        Ok(())
    }

    fn ping(&mut self, head: Head, payload: &[u8], context: Context<'_>) -> Result<(), Fatal> {
        let Context {
            shared, state, now, ..
        } = context;
        let mut opaque = [0; 8];
        opaque.copy_from_slice(payload);
        if head.has(flag::ACK) {
            // One that nobody asked for is noise.
            if self.pong.replace(opaque).is_some() {
                state.strikes.frame()?;
            }
            return Ok(());
        }
        let calls = !state.streams.is_empty();
        state.strikes.ping(now, calls, &shared.limits)?;
        frame::put_ping(state.out.frames(), flag::ACK, opaque);
        Ok(())
    }

    fn window_update(
        &mut self,
        id: u32,
        payload: &[u8],
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        let Context { shared, state, .. } = context;
        let bytes = u32::from_be_bytes([payload[0], payload[1], payload[2], payload[3]]);
        let bytes = i64::from(bytes & frame::STREAM_MAX);
        if bytes == 0 {
            return Err(Fatal::protocol("a WINDOW_UPDATE of nothing"));
        }
        if id == 0 {
            state.send_window.grow(bytes)?;
            state.wake_blocked();
            return Ok(());
        }
        if self.is_idle(id) && id <= self.last_served {
            return Err(Fatal::protocol("WINDOW_UPDATE on an idle stream"));
        }
        let Some(stream) = state.streams.get_mut(&id) else {
            return Ok(());
        };
        let outgoing = &mut stream.outgoing;
        if outgoing.window.grow(bytes).is_err() {
            shared.reset(state, id, Reason::FlowControl);
            return state.strikes.local_reset();
        }
        if !outgoing.queued
            && let Some(sender) = outgoing.sender.take()
        {
            sender.wake();
        }
        Ok(())
    }
}

/// Takes one of the peer's settings (section 6.5.2).
fn apply(state: &mut State, id: u16, value: u32) -> Result<(), Fatal> {
    match id {
        0x1 => state.encoder.resize(value),
        0x2 if value > 1 => return Err(Fatal::protocol("SETTINGS_ENABLE_PUSH is 0 or 1")),
        0x4 => {
            let window = i64::from(value);
            let change = window - state.peer.window;
            state.peer.window = window;
            if window > frame::WINDOW_MAX {
                let reason = Reason::FlowControl;
                return Err(Fatal::new(
                    reason,
                    "SETTINGS_INITIAL_WINDOW_SIZE above 2^31 - 1",
                ));
            }
            for stream in state.streams.values_mut() {
                stream.outgoing.window.grow(change)?;
                if let Some(sender) = stream.outgoing.sender.take() {
                    sender.wake();
                }
            }
        }
        0x5 => {
            if !(16_384..=16_777_215).contains(&value) {
                return Err(Fatal::protocol("SETTINGS_MAX_FRAME_SIZE out of range"));
            }
            state.peer.frame_bytes_max = (value as usize).min(SENT_FRAME_BYTES_MAX);
        }
        _ => {}
    }
    Ok(())
}

/// A stream that depends on itself (RFC 7540, section 5.3.1, which h2spec tests).
fn depends_on_itself(id: u32, priority: &[u8]) -> Result<(), Fatal> {
    let on = u32::from_be_bytes([priority[0], priority[1], priority[2], priority[3]]);
    match on & frame::STREAM_MAX == id {
        true => Err(Fatal::protocol("a stream that depends on itself")),
        false => Ok(()),
    }
}
