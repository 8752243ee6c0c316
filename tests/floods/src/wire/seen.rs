//! What a server said on one connection.

use super::{frame::*, hpack};
use std::collections::{BTreeMap, HashMap};

/// All of it, as far as a row wants to know.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Frames of each kind.
    pub(crate) frames: BTreeMap<u8, u64>,
    /// RST_STREAM frames by their code.
    pub(crate) resets: BTreeMap<u32, u64>,
    pub(crate) goaway: Option<GoAway>,
    pub(crate) closed: bool,
    pub(crate) answers: HashMap<u32, Answer>,
    /// Bytes that may still be sent on the connection, and on a new stream.
    pub(crate) window: i64,
    pub(crate) stream_window: i64,
    /// What was granted to single streams beyond that.
    pub(crate) granted: HashMap<u32, i64>,
}

/// Why a server ends a connection.
#[derive(Clone, Debug)]
pub(crate) struct GoAway {
    pub(crate) last_stream: u32,
    pub(crate) code: u32,
    pub(crate) debug: String,
}

/// What became of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<String>,
    pub(crate) grpc_status: Option<String>,
    pub(crate) reset: Option<u32>,
    pub(crate) data_bytes: usize,
    pub(crate) ended: bool,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            window: WINDOW_DEFAULT.into(),
            stream_window: WINDOW_DEFAULT.into(),
            ..Self::default()
        }
    }

    pub(super) fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        *self.frames.entry(kind).or_default() += 1;
        match kind {
            HEADERS => self.headers(stream, payload),
            DATA => self.answers.entry(stream).or_default().data_bytes += payload.len(),
            RST_STREAM => {
                let code = number(payload);
                *self.resets.entry(code).or_default() += 1;
                self.answers.entry(stream).or_default().reset = Some(code);
            }
            SETTINGS if flags & ACK == 0 => self.settings(payload),
            WINDOW_UPDATE if stream == 0 => self.window += i64::from(number(payload)),
            WINDOW_UPDATE => {
                *self.granted.entry(stream).or_default() += i64::from(number(payload));
            }
            // The first one that is no mere announcement says why.
            GOAWAY if self.goaway.as_ref().is_none_or(|goaway| goaway.code == 0) => {
                self.goaway = Some(GoAway {
                    last_stream: number(payload),
                    code: number(payload.get(4..).unwrap_or_default()),
                    debug: String::from_utf8_lossy(payload.get(8..).unwrap_or_default())
                        .into_owned(),
                });
            }
            _ => {}
        }
        if matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0 {
            self.answers.entry(stream).or_default().ended = true;
        }
    }

    fn headers(&mut self, stream: u32, block: &[u8]) {
        let answer = self.answers.entry(stream).or_default();
        for (name, value) in hpack::read(block).unwrap_or_default() {
            match name.as_str() {
                ":status" => answer.status = Some(value),
                "grpc-status" => answer.grpc_status = Some(value),
                _ => {}
            }
        }
    }

    fn settings(&mut self, payload: &[u8]) {
        for setting in payload.chunks_exact(6) {
            if u16::from_be_bytes([setting[0], setting[1]]) == INITIAL_WINDOW_SIZE {
                self.stream_window = number(&setting[2..]).into();
            }
        }
    }

    /// Whether nothing sent from now on counts.
    pub(crate) fn is_over(&self) -> bool {
        self.closed || self.goaway.is_some()
    }

    pub(crate) fn resets(&self) -> u64 {
        self.resets.values().sum()
    }
}

impl Answer {
    pub(crate) fn is_whole(&self) -> bool {
        self.ended || self.reset.is_some()
    }

    /// In a few words.
    pub(crate) fn said(&self) -> String {
        match self {
            Self {
                reset: Some(code),
                grpc_status: None,
                status: None,
                ..
            } => {
                format!("RST {}", code_name(*code))
            }
            Self {
                grpc_status: Some(code),
                ..
            } => format!("grpc-status {code}"),
            Self {
                status: Some(status),
                ..
            } => format!("HTTP {status}"),
            _ => "no answer".to_owned(),
        }
    }
}

/// The 31 bits a frame's number has.
fn number(payload: &[u8]) -> u32 {
    let mut bytes = [0; 4];
    let known = payload.len().min(4);
    bytes[..known].copy_from_slice(&payload[..known]);
    u32::from_be_bytes(bytes) & WINDOW_MAX
}
