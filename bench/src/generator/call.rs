//! What is called, and where a call stands.

use std::collections::VecDeque;

/// What a call does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) path: &'static str,
    pub(crate) shape: Shape,
    /// One message to send, its length prefix included.
    pub(crate) request: Vec<u8>,
    /// One message to come back, its length prefix included.
    pub(crate) reply: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One message, `replies` messages back.
    Replies { count: usize },
    /// A message for each that came back, so that `window` of them are on the way.
    PingPong { window: usize },
}

impl Plan {
    /// Bytes of messages that one call brings back; `None` if it goes on.
    pub(super) fn reply_bytes(&self) -> Option<usize> {
        match self.shape {
            Shape::Replies { count } => Some(count * self.reply.len()),
            Shape::PingPong { .. } => None,
        }
    }
}

/// Messages that came back, or a call that ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    /// Which of the connection's plans it followed.
    pub(crate) plan: usize,
    pub(crate) messages: u64,
    /// Whether the call ended, well or not.
    pub(crate) ended: bool,
    pub(crate) failed: bool,
    /// When what arrived was to start, if its time is of interest.
    pub(crate) started: Option<u64>,
}

/// A call in flight.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) plan: usize,
    pub(super) started: u64,
    /// Bytes of messages sent so far, and those to be sent after them.
    pub(super) sent: usize,
    pub(super) unsent: usize,
    /// Whether the request ends with what is to be sent.
    pub(super) whole: bool,
    /// Bytes the server takes on this stream.
    pub(super) window: i64,
    pub(super) received: usize,
    /// Bytes received that the server does not know to be read.
    pub(super) unacknowledged: u32,
    pub(super) answered: bool,
    pub(super) ended: bool,
    /// When each message on its way left; of calls that go on.
    pub(super) left: VecDeque<u64>,
}

/// The calls of a connection: streams have ever higher odd numbers and end in
/// about the order they began, so a queue finds them.
#[derive(Debug)]
pub(super) struct Calls {
    first: u32,
    calls: VecDeque<Call>,
    pub(super) open: usize,
}

impl Calls {
    pub(super) const fn new() -> Self {
        Self {
            first: 1,
            calls: VecDeque::new(),
            open: 0,
        }
    }

    /// The number of the stream that `call` is.
    pub(super) fn push(&mut self, call: Call) -> u32 {
        let stream = self.next();
        self.calls.push_back(call);
        self.open += 1;
        stream
    }

    /// The number the next stream will have.
    pub(super) fn next(&self) -> u32 {
        self.first + 2 * self.calls.len() as u32
    }

    /// `None` of a stream that ended, or never began.
    pub(super) fn get(&mut self, stream: u32) -> Option<&mut Call> {
        let offset = stream.checked_sub(self.first)?;
        let call = self.calls.get_mut(offset as usize / 2)?;
        (offset % 2 == 0 && !call.ended).then_some(call)
    }

    /// Forgets a call that ended.
    pub(super) fn end(&mut self, stream: u32) {
        if let Some(call) = self.get(stream) {
            call.ended = true;
            self.open -= 1;
        }
        while self.calls.front().is_some_and(|call| call.ended) {
            self.calls.pop_front();
            self.first += 2;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| !call.ended)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Call> {
        self.calls.iter_mut().filter(|call| !call.ended)
    }
}
