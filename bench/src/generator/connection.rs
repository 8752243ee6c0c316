//! One connection, and the calls on it.

use super::{
    call::{Arrived, Call, Calls, Plan, Shape},
    headers::{Blocks, Ear},
    send::Sending,
};
use crate::{Result, http2::frame};
use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

/// What the server may send before it hears that it was read.
pub(super) const WINDOW_BYTES: u32 = 64 << 20;
pub(super) const STREAM_WINDOW_BYTES: u32 = 8 << 20;
/// Read at once, if there is that much.
const READ_BYTES: usize = 256 << 10;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Nothing blocks once it is connected: whoever drives it waits.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: TcpStream,
    pub(super) authority: String,
    pub(super) plans: Arc<[Plan]>,
    pub(super) blocks: Option<Blocks>,
    pub(super) ear: Ear,
    pub(super) calls: Calls,
    /// Calls in flight that the server allows.
    pub(super) calls_max: usize,
    pub(super) sending: Sending,
    pub(super) unacknowledged: u32,
    pub(super) input: Vec<u8>,
    /// What of `input` is not read yet.
    pub(super) unread: std::ops::Range<usize>,
    pub(super) output: Vec<u8>,
    written: usize,
    /// The block of headers whose end has not come yet.
    pub(super) block: Option<(u32, u8, Vec<u8>)>,
    pub(super) now: u64,
    pub(super) arrived: Vec<Arrived>,
}

impl Connection {
    /// Connects, and hears what the server allows.
    pub(crate) fn to(address: &str, plans: Arc<[Plan]>) -> Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        bench_host::unpace(&socket);
        socket.set_read_timeout(Some(HANDSHAKE_TIMEOUT))?;
        let mut output = frame::PREFACE.to_vec();
        let settings = [
            (frame::ENABLE_PUSH, 0),
            (frame::INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES),
        ];
        frame::settings(&mut output, &settings);
        let more = WINDOW_BYTES - frame::WINDOW_BYTES as u32;
        frame::window_update(&mut output, 0, more);
        let mut connection = Self {
            socket,
            authority: address.to_owned(),
            plans,
            blocks: None,
            ear: Ear::new(),
            calls: Calls::new(),
            calls_max: usize::MAX,
            sending: Sending::new(),
            unacknowledged: 0,
            input: vec![0; READ_BYTES],
            unread: 0..0,
            output,
            written: 0,
            block: None,
            now: 0,
            arrived: Vec::new(),
        };
        connection.flush()?;
        while connection.blocks.is_none() {
            connection.receive(0)?;
        }
        connection.flush()?;
        connection.socket.set_nonblocking(true)?;
        Ok(connection)
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether the server allows one more call.
    pub(crate) fn has_room(&self) -> bool {
        self.calls.open < self.calls_max
    }

    /// When each call in flight that follows `plan` was to start.
    pub(crate) fn unfinished(&self, plan: usize) -> impl Iterator<Item = u64> {
        let calls = self.calls.iter().filter(move |call| call.plan == plan);
        calls.map(|call| call.started)
    }

    /// Whether the socket took less than was written.
    pub(crate) fn is_blocked(&self) -> bool {
        self.written < self.output.len()
    }

    /// Appends a call to what the next [`flush`](Self::flush) writes.
    pub(crate) fn start(&mut self, plan: usize, started: u64) {
        let Plan { shape, request, .. } = &self.plans[plan];
        let (messages, whole) = match *shape {
            Shape::Replies { .. } => (1, true),
            Shape::PingPong { window } => (window, false),
        };
        let on_the_way = if whole { 0 } else { messages };
        let stream = self.calls.push(Call {
            plan,
            started,
            sent: 0,
            unsent: messages * request.len(),
            whole,
            window: self.sending.stream_window,
            received: 0,
            unacknowledged: 0,
            answered: false,
            ended: false,
            left: VecDeque::from(vec![started; on_the_way]),
        });
        let blocks = self.blocks.as_mut().expect("connected: it was greeted");
        let block = blocks.next(plan, &self.plans);
        let (kind, flags) = (frame::HEADERS, frame::END_HEADERS);
        frame::head(&mut self.output, block.len(), kind, flags, stream);
        self.output.extend_from_slice(block);
        if let Some(call) = self.calls.get(stream) {
            self.sending.send(&mut self.output, (stream, call), request);
        }
    }

    /// Reads once, as much as there is, and says what arrived. `now` is
    /// what the messages sent in return are said to have left at.
    pub(crate) fn receive(&mut self, now: u64) -> Result<std::vec::Drain<'_, Arrived>> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.input.len() - self.unread.end < frame::FRAME_BYTES + frame::HEAD_BYTES {
            self.input.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        self.now = now;
        match self.socket.read(&mut self.input[self.unread.end..]) {
            Ok(0) => return Err("the server closed the connection".into()),
            Ok(count) => {
                self.unread.end += count;
                self.frames()?;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock && self.blocks.is_some() => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("cannot read from the server: {error}").into()),
        }
        Ok(self.arrived.drain(..))
    }

    /// Writes all there is in one go, as far as the socket takes it.
    pub(crate) fn flush(&mut self) -> Result {
        while self.is_blocked() {
            match self.socket.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("cannot write to the server: {error}").into()),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(())
    }
}
