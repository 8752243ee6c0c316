//! What a peer's frames mean (RFC 9113, sections 5 and 6).

mod block;
mod control;

use super::{
    frame::{self, Fatal, Head, Reason, kind},
    hpack::Decoder,
    parse::{Event, Parser},
    state::{Shared, Side, State},
};
use block::Block;
use control::depends_on_itself;
use http::Request;
use std::collections::VecDeque;
use tokio::time::Instant;

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
    /// The peer opens no more streams, or takes no more.
    pub(super) peer_leaves: bool,
    /// It does because it was sent too many PINGs (gRFC A8).
    pub(super) pinged_too_often: bool,
    /// PINGs of ours that the peer has not answered.
    pings: u32,
    /// What the peer answered to, if that was the last word.
    pong: Option<[u8; 8]>,
    /// When the header block began that has not ended.
    pub(super) block_since: Option<Instant>,
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
            pinged_too_often: false,
            pings: 0,
            pong: None,
            block_since: None,
        }
    }

    /// Whether the peer has said what every peer says first.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// A PING was sent.
    pub(super) fn pinged(&mut self) {
        self.pings += 1;
    }

    /// Whether the peer has answered the PING that said `opaque`.
    pub(super) fn heard(&self, opaque: [u8; 8]) -> bool {
        self.pong == Some(opaque)
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
            kind::PUSH_PROMISE => Err(Fatal::protocol("nobody may push")),
            kind::CONTINUATION | kind::RST_STREAM | kind::PING => Ok(()),
            // They say themselves what they are worth.
            kind::WINDOW_UPDATE => Ok(()),
            // SETTINGS, PRIORITY, GOAWAY, and what nobody knows.
            _ => context.state.strikes.frame(),
        }
    }

    /// Whether stream `id` has not been opened, nor skipped.
    fn is_idle(&self, id: u32, context: &Context<'_>) -> bool {
        match context.shared.side {
            Side::Client => !context.state.places.has_begun(id),
            Side::Server => id > self.last || id.is_multiple_of(2),
        }
    }

    /// Flow control counts a DATA frame whole, padding included (section 6.9).
    fn data_head(&mut self, head: Head, context: Context<'_>) -> Result<(), Fatal> {
        if self.is_idle(head.stream, &context) && head.stream <= self.last_served {
            return Err(Fatal::protocol("DATA on an idle stream"));
        }
        let Context { shared, state, .. } = context;
        state.receive_window.take_received(head.length)?;
        let Some(stream) = state.streams.get_mut(&head.stream) else {
            if head.stream > self.last_served {
                return Ok(());
            }
            return match state.ended.data(head.stream, head.length) {
                Some(taken) => taken,
                // A call that was given up long ago.
                None if shared.side == Side::Client => state.strikes.frame(),
                None => Err(Fatal::new(Reason::StreamClosed, "DATA on a closed stream")),
            };
        };
        if stream.incoming.ended {
            return match stream.incoming.broken {
                Some(_) => state.strikes.frame(),
                None => Err(Fatal::new(Reason::StreamClosed, "DATA after END_STREAM")),
            };
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
        // Empty, or nothing but padding: no call needs it.
        if data.is_empty() && !end_stream {
            state.strikes.empty_data()?;
        }
        let Some(stream) = state.streams.get_mut(&id) else {
            state.release_connection(data.len());
            if end_stream {
                state.ended.forget(id);
            }
            return Ok(());
        };
        let incoming = &mut stream.incoming;
        if incoming.ended {
            state.release_connection(data.len());
            return Ok(());
        }
        let fits = incoming.count(data.len());
        if !incoming.has_head || !fits || (end_stream && !incoming.is_as_declared()) {
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
                incoming.wake_later(&mut state.woken);
            } else if incoming.reader.is_some() {
                let read = incoming.count_read();
                state.release(id, read, &shared.limits);
            }
        }
        if end_stream && shared.side == Side::Client {
            shared.response_ended(state, id);
        }
        Ok(())
    }

    fn payload(&mut self, head: Head, payload: &[u8], context: Context<'_>) -> Result<(), Fatal> {
        match head.kind {
            kind::HEADERS => self.headers(head, payload, context),
            kind::CONTINUATION => self.continuation(head, payload, context),
            kind::PRIORITY => depends_on_itself(head.stream, payload),
            kind::RST_STREAM => self.reset(head.stream, payload, context),
            kind::GOAWAY => self.goaway(payload, context),
            kind::SETTINGS => self.settings(head, payload, context),
            kind::PING => self.ping(head, payload, context),
            kind::WINDOW_UPDATE => self.window_update(head.stream, payload, context),
            _ => Ok(()),
        }
    }

    /// A message that breaks the rules ends its stream alone (section 8.1.1).
    fn malformed(&mut self, id: u32, shared: &Shared, state: &mut State) -> Result<(), Fatal> {
        shared.reset(state, id, Reason::Protocol);
        state.strikes.local_reset()
    }
}
