//! Frames as bytes (RFC 9113, sections 4 and 6).

use crate::limits::Limit;

/// Length, type, flags, stream.
pub(super) const HEAD_BYTES: usize = 9;

/// The largest payload we take: the protocol's default, so that no stream keeps
/// the others waiting for longer.
pub(super) const PAYLOAD_BYTES_MAX: usize = 16_384;

/// The largest payload a peer may ask for (section 4.2).
pub(super) const FRAME_BYTES_MAX: usize = (1 << 24) - 1;

/// One setting: its identifier and its value (section 6.5.1).
pub(super) const SETTING_BYTES: usize = 6;

/// What a stream depends on, and its weight (section 6.3).
pub(super) const PRIORITY_BYTES: usize = 5;

/// The largest window there is (section 6.9.1).
pub(super) const WINDOW_MAX: i64 = i32::MAX as i64;

/// What both sides have before they say otherwise (section 6.5.2).
pub(super) const WINDOW_DEFAULT: i64 = 65_535;

/// The last stream of a GOAWAY that is a warning only (section 6.8).
pub(super) const STREAM_MAX: u32 = i32::MAX as u32;

pub(super) mod kind {
    pub(in super::super) const DATA: u8 = 0;
    pub(in super::super) const HEADERS: u8 = 1;
    pub(in super::super) const PRIORITY: u8 = 2;
    pub(in super::super) const RST_STREAM: u8 = 3;
    pub(in super::super) const SETTINGS: u8 = 4;
    pub(in super::super) const PUSH_PROMISE: u8 = 5;
    pub(in super::super) const PING: u8 = 6;
    pub(in super::super) const GOAWAY: u8 = 7;
    pub(in super::super) const WINDOW_UPDATE: u8 = 8;
    pub(in super::super) const CONTINUATION: u8 = 9;
}

pub(super) mod flag {
    pub(in super::super) const END_STREAM: u8 = 0x1;
    pub(in super::super) const ACK: u8 = 0x1;
    pub(in super::super) const END_HEADERS: u8 = 0x4;
    pub(in super::super) const PADDED: u8 = 0x8;
    pub(in super::super) const PRIORITY: u8 = 0x20;
}

/// What a side may say of itself (RFC 9113, section 6.5.2).
pub(super) mod setting {
    pub(in super::super) const HEADER_TABLE_SIZE: u16 = 0x1;
    pub(in super::super) const ENABLE_PUSH: u16 = 0x2;
    pub(in super::super) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
    pub(in super::super) const INITIAL_WINDOW_SIZE: u16 = 0x4;
    pub(in super::super) const MAX_FRAME_SIZE: u16 = 0x5;
    pub(in super::super) const MAX_HEADER_LIST_SIZE: u16 = 0x6;
}

/// Why a stream or a connection ends (RFC 9113, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    NoError = 0x0,
    Protocol = 0x1,
    Internal = 0x2,
    FlowControl = 0x3,
    StreamClosed = 0x5,
    FrameSize = 0x6,
    RefusedStream = 0x7,
    Cancel = 0x8,
    Compression = 0x9,
    EnhanceYourCalm = 0xb,
}

/// What ends a connection, and what its peer is told with the GOAWAY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fatal {
    pub(super) reason: Reason,
    pub(super) debug: &'static str,
    /// The limit that the peer reached, if that is why.
    pub(super) limit: Option<Limit>,
}

impl Fatal {
    pub(super) const fn new(reason: Reason, debug: &'static str) -> Self {
        Self {
            reason,
            debug,
            limit: None,
        }
    }

    pub(super) const fn protocol(debug: &'static str) -> Self {
        Self::new(Reason::Protocol, debug)
    }

    pub(super) const fn size(debug: &'static str) -> Self {
        Self::new(Reason::FrameSize, debug)
    }

    pub(super) const fn calm(limit: Limit, debug: &'static str) -> Self {
        Self {
            reason: Reason::EnhanceYourCalm,
            debug,
            limit: Some(limit),
        }
    }
}

/// The first nine bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    pub(super) fn parse(bytes: &[u8; HEAD_BYTES]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = *bytes;
        Self {
            length: u32::from_be_bytes([0, a, b, c]) as usize,
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & STREAM_MAX,
        }
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// Appends the first nine bytes of a frame. Payloads are at most 2^24 - 1 bytes,
/// which every caller sees to.
pub(super) fn put_head(out: &mut Vec<u8>, length: usize, kind: u8, flags: u8, stream: u32) {
    let [_, a, b, c] = (length as u32).to_be_bytes();
    let [d, e, f, g] = stream.to_be_bytes();
    out.extend_from_slice(&[a, b, c, kind, flags, d, e, f, g]);
}

/// Says again how long the payload is of a frame that starts at `at`.
pub(super) fn set_length(out: &mut [u8], at: usize, length: usize) {
    out[at..at + 3].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
}

pub(super) fn put_settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    put_head(out, settings.len() * SETTING_BYTES, kind::SETTINGS, 0, 0);
    for (id, value) in settings {
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

pub(super) fn put_settings_ack(out: &mut Vec<u8>) {
    put_head(out, 0, kind::SETTINGS, flag::ACK, 0);
}

pub(super) fn put_ping(out: &mut Vec<u8>, flags: u8, opaque: [u8; 8]) {
    put_head(out, opaque.len(), kind::PING, flags, 0);
    out.extend_from_slice(&opaque);
}

pub(super) fn put_window_update(out: &mut Vec<u8>, stream: u32, bytes: u32) {
    put_head(out, 4, kind::WINDOW_UPDATE, 0, stream);
    out.extend_from_slice(&bytes.to_be_bytes());
}

pub(super) fn put_reset(out: &mut Vec<u8>, stream: u32, reason: Reason) {
    put_head(out, 4, kind::RST_STREAM, 0, stream);
    out.extend_from_slice(&(reason as u32).to_be_bytes());
}

pub(super) fn put_goaway(out: &mut Vec<u8>, last: u32, reason: Reason, debug: &str) {
    put_head(out, 8 + debug.len(), kind::GOAWAY, 0, 0);
    out.extend_from_slice(&last.to_be_bytes());
    out.extend_from_slice(&(reason as u32).to_be_bytes());
    out.extend_from_slice(debug.as_bytes());
}
