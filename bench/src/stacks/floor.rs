//! The floor: frames by hand, close to what the kernel allows. It answers every
//! request with its own bytes and reads no header, and so has no way to fail:
//! it is what a client is measured against, and a mark for servers.

use crate::{
    Result,
    http2::frame::{self, Frame},
};
use std::{
    collections::{HashMap, VecDeque},
    io::ErrorKind,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

/// What hyper allows a peer too.
const WINDOW_BYTES: u32 = 1 << 20;
const STREAMS_MAX: u32 = 1_000;
const READ_BYTES: usize = 256 << 10;

/// `:status: 200` of the static table, and `content-type: application/grpc`.
const HEADERS: &[u8] = b"\x88\x0f\x10\x10application/grpc";
const TRAILERS: &[u8] = b"\x00\x0bgrpc-status\x010";

pub(super) async fn serve(listener: TcpListener) -> Result {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        tokio::spawn(Connection::new(socket).run());
    }
}

/// A call whose request is not whole, or whose answer is not yet sent.
#[derive(Debug, Default)]
struct Call {
    body: Vec<u8>,
    sent: usize,
    /// Bytes the client takes on its stream beyond what it takes on any.
    window: i64,
}

struct Connection {
    socket: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    calls: HashMap<u32, Call>,
    /// Calls whose answer the client's windows hold up.
    waiting: VecDeque<u32>,
    window: i64,
    stream_window: i64,
    unacknowledged: u32,
}

impl Connection {
    fn new(socket: TcpStream) -> Self {
        let mut output = Vec::new();
        let settings = [
            (frame::MAX_CONCURRENT_STREAMS, STREAMS_MAX),
            (frame::INITIAL_WINDOW_SIZE, WINDOW_BYTES),
        ];
        frame::settings(&mut output, &settings);
        let more = WINDOW_BYTES - frame::WINDOW_BYTES as u32;
        frame::window_update(&mut output, 0, more);
        Self {
            socket,
            input: Vec::with_capacity(READ_BYTES),
            output,
            calls: HashMap::new(),
            waiting: VecDeque::new(),
            window: frame::WINDOW_BYTES,
            stream_window: frame::WINDOW_BYTES,
            unacknowledged: 0,
        }
    }

    async fn run(mut self) -> Result {
        let mut greeted = false;
        loop {
            self.socket.write_all(&self.output).await?;
            self.output.clear();
            self.socket.readable().await?;
            self.input.reserve(READ_BYTES / 2);
            match self.socket.try_read_buf(&mut self.input) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            }
            let input = std::mem::take(&mut self.input);
            let mut read = 0;
            if !greeted && input.starts_with(frame::PREFACE) {
                (greeted, read) = (true, frame::PREFACE.len());
            }
            while greeted && let Some((frame, length)) = Frame::first(&input[read..]) {
                read += length;
                self.frame(frame)?;
            }
            self.input = input;
            self.input.drain(..read);
        }
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result {
        match frame.kind {
            frame::HEADERS => {
                self.calls.insert(frame.stream, Call::default());
                self.end(frame);
            }
            frame::DATA => {
                self.unacknowledged += frame.payload.len() as u32;
                if self.unacknowledged > WINDOW_BYTES / 2 {
                    frame::window_update(&mut self.output, 0, self.unacknowledged);
                    self.unacknowledged = 0;
                }
                if let Some(call) = self.calls.get_mut(&frame.stream) {
                    let content = frame.content().ok_or("malformed DATA")?;
                    call.body.extend_from_slice(content);
                }
                self.end(frame);
            }
            frame::SETTINGS if !frame.has(frame::ACK) => {
                let window = frame.settings();
                let window = window.filter(|(name, _)| *name == frame::INITIAL_WINDOW_SIZE);
                if let Some((_, window)) = window.last() {
                    self.stream_window = window.into();
                }
                frame::head(&mut self.output, 0, frame::SETTINGS, frame::ACK, 0);
                self.resume();
            }
            frame::PING if !frame.has(frame::ACK) => frame::pong(&mut self.output, frame.payload),
            frame::WINDOW_UPDATE => {
                let more = frame.number().ok_or("malformed WINDOW_UPDATE")? & 0x7fff_ffff;
                match self.calls.get_mut(&frame.stream) {
                    Some(call) => call.window += i64::from(more),
                    None if frame.stream == 0 => self.window += i64::from(more),
                    None => {}
                }
                self.resume();
            }
            frame::RST_STREAM => {
                self.calls.remove(&frame.stream);
            }
            _ => {}
        }
        Ok(())
    }

    /// Begins the answer, if `frame` is the last of its request.
    fn end(&mut self, frame: Frame<'_>) {
        if !frame.has(frame::END_STREAM) || !self.calls.contains_key(&frame.stream) {
            return;
        }
        let (kind, flags) = (frame::HEADERS, frame::END_HEADERS);
        frame::head(&mut self.output, HEADERS.len(), kind, flags, frame.stream);
        self.output.extend_from_slice(HEADERS);
        if !self.answer(frame.stream) {
            self.waiting.push_back(frame.stream);
        }
    }

    fn resume(&mut self) {
        for _ in 0..self.waiting.len() {
            if let Some(stream) = self.waiting.pop_front()
                && !self.answer(stream)
            {
                self.waiting.push_back(stream);
            }
        }
    }

    /// Sends what the client takes; whether that was all.
    fn answer(&mut self, stream: u32) -> bool {
        let Some(call) = self.calls.get_mut(&stream) else {
            return true;
        };
        while call.sent < call.body.len() {
            let allowed = self.window.min(self.stream_window + call.window).max(0);
            let length = (call.body.len() - call.sent)
                .min(frame::FRAME_BYTES)
                .min(usize::try_from(allowed).unwrap_or(0));
            if length == 0 {
                return false;
            }
            frame::head(&mut self.output, length, frame::DATA, 0, stream);
            let bytes = &call.body[call.sent..call.sent + length];
            self.output.extend_from_slice(bytes);
            call.sent += length;
            call.window -= length as i64;
            self.window -= length as i64;
        }
        let (kind, flags) = (frame::HEADERS, frame::END_HEADERS | frame::END_STREAM);
        frame::head(&mut self.output, TRAILERS.len(), kind, flags, stream);
        self.output.extend_from_slice(TRAILERS);
        self.calls.remove(&stream);
        true
    }
}
