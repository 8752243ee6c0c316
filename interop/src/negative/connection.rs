//! One connection, on which the server follows its script.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use cordial::prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::frame::{self, Frame};
use super::script::{Script, Step};
use crate::grpc::testing::{Payload, SimpleRequest, SimpleResponse};

const NO_ERROR: [u8; 4] = [0; 4];

/// One byte that says whether a message is compressed, four of its length.
const PREFIX_BYTES: usize = 5;

/// No case asks for more.
const RESPONSE_BYTES_MAX: usize = 1 << 20;

/// What a client did on one connection.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Calls that came.
    pub(super) calls: usize,
    /// Calls that were answered whole.
    pub(super) answered: usize,
    /// The most calls in flight at once.
    pub(super) calls_most: usize,
    pub(super) pings: usize,
    /// PINGs that the client did not acknowledge.
    pub(super) pings_unanswered: usize,
    /// What it must not do, and did.
    pub(super) fault: Option<String>,
}

/// Serves until the client hangs up; says what it did.
pub(super) async fn serve(mut socket: TcpStream, script: Script) -> Seen {
    let mut connection = Connection {
        script,
        seen: Seen::default(),
        out: Vec::new(),
        window: frame::WINDOW_DEFAULT,
        stream_window: frame::WINDOW_DEFAULT,
        streams: BTreeMap::new(),
        settled: false,
        gone: false,
    };
    // A client may break the connection whenever it likes: what it did until then counts.
    let _ = connection.run(&mut socket).await;
    connection.seen
}

struct Connection {
    script: Script,
    seen: Seen,
    out: Vec<u8>,
    /// What the client takes on all streams together.
    window: i64,
    /// What it takes on a new stream.
    stream_window: i64,
    streams: BTreeMap<u32, Stream>,
    /// The client has acknowledged our SETTINGS.
    settled: bool,
    /// GOAWAY was sent: calls that come now are not served.
    gone: bool,
}

struct Stream {
    window: i64,
    request: Vec<u8>,
    steps: VecDeque<Step>,
    response: Vec<u8>,
    /// Bytes of the response that were sent.
    sent: usize,
    /// We have said our last on it.
    ended: bool,
}

impl Connection {
    async fn run(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let mut preface = vec![0; frame::PREFACE.len()];
        socket.read_exact(&mut preface).await?;
        if preface != frame::PREFACE {
            self.fault("it does not speak HTTP/2");
            return Ok(());
        }
        let settings: Vec<u8> = self.script.streams_max.map_or_else(Vec::new, |most| {
            let id = frame::MAX_CONCURRENT_STREAMS.to_be_bytes();
            [&id[..], &most.to_be_bytes()].concat()
        });
        self.put(frame::SETTINGS, 0, 0, &settings);
        loop {
            socket.write_all(&self.out).await?;
            self.out.clear();
            let frame = Frame::read(socket).await?;
            self.take(&frame);
            self.follow();
        }
    }

    fn put(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        frame::put(&mut self.out, kind, flags, stream, &[payload]);
    }

    fn fault(&mut self, what: impl Into<String>) {
        self.seen.fault.get_or_insert(what.into());
    }

    fn take(&mut self, frame: &Frame) {
        match frame.kind {
            frame::SETTINGS if frame.has(frame::ACK) => self.settled = true,
            frame::SETTINGS => {
                for (id, value) in frame.settings() {
                    if id == frame::INITIAL_WINDOW_SIZE {
                        self.resize(value.into());
                    }
                }
                self.put(frame::SETTINGS, frame::ACK, 0, &[]);
            }
            frame::PING if frame.has(frame::ACK) => match self.seen.pings_unanswered {
                0 => self.fault("it acknowledged a PING that was not sent"),
                _ => self.seen.pings_unanswered -= 1,
            },
            frame::PING => self.put(frame::PING, frame::ACK, 0, &frame.payload),
            frame::WINDOW_UPDATE if frame.stream == 0 => self.window += i64::from(frame.number()),
            frame::WINDOW_UPDATE => {
                if let Some(stream) = self.streams.get_mut(&frame.stream) {
                    stream.window += i64::from(frame.number());
                }
            }
            frame::HEADERS if !self.gone => self.open(frame),
            frame::DATA => self.data(frame),
            frame::RST_STREAM => {
                self.streams.remove(&frame.stream);
            }
            _ => {}
        }
    }

    fn resize(&mut self, window: i64) {
        let more = window - self.stream_window;
        self.stream_window = window;
        for stream in self.streams.values_mut() {
            stream.window += more;
        }
    }

    fn open(&mut self, frame: &Frame) {
        self.seen.calls += 1;
        let stream = Stream {
            window: self.stream_window,
            request: Vec::new(),
            steps: self.script.on_headers.iter().copied().collect(),
            response: Vec::new(),
            sent: 0,
            ended: false,
        };
        self.streams.insert(frame.stream, stream);
        let open = self.streams.len();
        self.seen.calls_most = self.seen.calls_most.max(open);
        // Until then the client cannot know.
        if self.settled
            && let Some(most) = self.script.streams_max
            && open > most as usize
        {
            self.fault(format!(
                "it has {open} calls in flight, and may have {most}"
            ));
        }
        if frame.has(frame::END_STREAM) {
            self.fault("it sent a call without a message");
        }
    }

    fn data(&mut self, frame: &Frame) {
        let bytes = u32::try_from(frame.payload.len()).expect("lengths have three bytes");
        // Of streams that are over some may still be on its way.
        let stream = self.streams.get_mut(&frame.stream);
        let open = [0, frame.stream];
        for id in &open[..1 + usize::from(stream.is_some())] {
            // To say nothing of nothing: an increment of 0 is an error.
            if bytes > 0 {
                frame::put(
                    &mut self.out,
                    frame::WINDOW_UPDATE,
                    0,
                    *id,
                    &[&bytes.to_be_bytes()],
                );
            }
        }
        let Some(stream) = stream else {
            return;
        };
        stream.request.extend(frame.data());
        if !frame.has(frame::END_STREAM) {
            return;
        }
        match response(&stream.request) {
            Ok(response) => {
                stream.response = response;
                stream.steps.extend(self.script.on_request);
            }
            Err(why) => self.fault(why),
        }
    }

    /// Goes on with every stream as far as the client's windows let it.
    fn follow(&mut self) {
        let ids: Vec<_> = self.streams.keys().copied().collect();
        for id in ids {
            let Some(mut stream) = self.streams.remove(&id) else {
                continue;
            };
            while let Some(step) = stream.steps.front()
                && self.step(*step, id, &mut stream)
            {
                stream.steps.pop_front();
            }
            if !stream.ended || !stream.steps.is_empty() {
                self.streams.insert(id, stream);
            }
        }
    }

    /// Takes a step; whether it is done.
    fn step(&mut self, step: Step, id: u32, stream: &mut Stream) -> bool {
        match step {
            Step::Head => self.put(frame::HEADERS, frame::END_HEADERS, id, &frame::head()),
            Step::Half => return self.send(stream.response.len() / 2, id, stream),
            Step::Rest => return self.send(stream.response.len(), id, stream),
            Step::Trailers => {
                let flags = frame::END_HEADERS | frame::END_STREAM;
                self.put(frame::HEADERS, flags, id, &frame::trailers());
                self.seen.answered += 1;
                stream.ended = true;
            }
            Step::Reset => {
                self.put(frame::RST_STREAM, 0, id, &NO_ERROR);
                stream.ended = true;
            }
            Step::Ping => {
                self.seen.pings += 1;
                self.seen.pings_unanswered += 1;
                self.put(frame::PING, 0, 0, b"answered");
            }
            Step::GoAway => {
                self.gone = true;
                let payload = [id.to_be_bytes(), NO_ERROR].concat();
                self.put(frame::GOAWAY, 0, 0, &payload);
            }
        }
        true
    }

    /// Sends the response up to `end`; whether the windows had room for it.
    fn send(&mut self, end: usize, id: u32, stream: &mut Stream) -> bool {
        let zeros = self.script.padding.map(|count| vec![0; count.into()]);
        // Padding counts against the windows, and so does the byte that tells of it.
        let beside = zeros.as_ref().map_or(0, |zeros| 1 + zeros.len() as i64);
        while stream.sent < end {
            let room = self.window.min(stream.window) - beside;
            let length = (end - stream.sent).min(self.script.frame_bytes);
            let length = length.min(usize::try_from(room).unwrap_or(0));
            if length == 0 {
                return false;
            }
            let data = &stream.response[stream.sent..stream.sent + length];
            match (&zeros, self.script.padding) {
                (Some(zeros), Some(count)) => {
                    let payload = [&[count][..], data, zeros];
                    frame::put(&mut self.out, frame::DATA, frame::PADDED, id, &payload);
                }
                _ => frame::put(&mut self.out, frame::DATA, 0, id, &[data]),
            }
            stream.sent += length;
            stream.window -= length as i64 + beside;
            self.window -= length as i64 + beside;
        }
        true
    }
}

/// The message that answers this one.
fn response(request: &[u8]) -> Result<Vec<u8>, String> {
    let message = match request.split_at_checked(PREFIX_BYTES) {
        Some(([0, length @ ..], message)) if *length == length_of(message) => message,
        _ => return Err("a request is not one message, whole and not compressed".to_owned()),
    };
    let request = SimpleRequest::decode(message).map_err(|error| error.to_string())?;
    let size = usize::try_from(request.response_size).unwrap_or(0);
    if size > RESPONSE_BYTES_MAX {
        return Err(format!(
            "it wants {size} bytes, and may have {RESPONSE_BYTES_MAX}"
        ));
    }
    let payload = Payload {
        body: vec![0; size],
        ..Payload::default()
    };
    let response = SimpleResponse {
        payload: Some(payload),
        ..SimpleResponse::default()
    };
    let message = response.encode_to_vec();
    Ok([&[0], &length_of(&message)[..], &message].concat())
}

fn length_of(message: &[u8]) -> [u8; 4] {
    let length = u32::try_from(message.len()).expect("messages of the suite are short");
    length.to_be_bytes()
}
