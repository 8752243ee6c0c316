//! Frames (RFC 9113, section 4.1): nine bytes of head, and a payload.

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const HEAD_BYTES: usize = 9;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

/// Of SETTINGS and PING.
pub(crate) const ACK: u8 = 0x1;
/// Of DATA and HEADERS.
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const ENABLE_PUSH: u16 = 2;
pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(crate) const MAX_FRAME_SIZE: u16 = 5;

/// The error code of RST_STREAM that says a call was not begun.
pub(crate) const REFUSED_STREAM: u32 = 7;

/// What both windows are before anybody says otherwise.
pub(crate) const WINDOW_BYTES: i64 = 65_535;
/// What a frame may hold before anybody says otherwise.
pub(crate) const FRAME_BYTES: usize = 16_384;

/// One whole frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first frame of `bytes`, and how many bytes it took; `None` if it is not all there.
    pub(crate) fn first(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let head = bytes.first_chunk::<HEAD_BYTES>()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let payload = bytes.get(HEAD_BYTES..HEAD_BYTES + length)?;
        let frame = Self {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff,
            payload,
        };
        Some((frame, HEAD_BYTES + length))
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload of DATA or HEADERS without padding and priority; `None` if it is malformed.
    pub(crate) fn content(&self) -> Option<&'a [u8]> {
        let mut content = self.payload;
        let mut padding = 0;
        if self.has(PADDED) {
            let (first, rest) = content.split_first()?;
            (padding, content) = (usize::from(*first), rest);
        }
        if self.kind == HEADERS && self.has(PRIORITY) {
            content = content.get(5..)?;
        }
        content.get(..content.len().checked_sub(padding)?)
    }

    /// The pairs of a SETTINGS frame.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (u16, u32)> + 'a {
        self.payload.chunks_exact(6).map(|pair| {
            let name = u16::from_be_bytes([pair[0], pair[1]]);
            let value = u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]);
            (name, value)
        })
    }

    /// The number that RST_STREAM or WINDOW_UPDATE is about.
    pub(crate) fn number(&self) -> Option<u32> {
        self.payload.first_chunk().copied().map(u32::from_be_bytes)
    }
}

/// Appends the head of a frame.
pub(crate) fn head(output: &mut Vec<u8>, length: usize, kind: u8, flags: u8, stream: u32) {
    let [_, high, middle, low] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let [a, b, c, d] = stream.to_be_bytes();
    output.extend_from_slice(&[high, middle, low, kind, flags, a, b, c, d]);
}

/// Appends SETTINGS.
pub(crate) fn settings(output: &mut Vec<u8>, pairs: &[(u16, u32)]) {
    head(output, pairs.len() * 6, SETTINGS, 0, 0);
    for (name, value) in pairs {
        output.extend_from_slice(&name.to_be_bytes());
        output.extend_from_slice(&value.to_be_bytes());
    }
}

/// Appends WINDOW_UPDATE.
pub(crate) fn window_update(output: &mut Vec<u8>, stream: u32, bytes: u32) {
    head(output, 4, WINDOW_UPDATE, 0, stream);
    output.extend_from_slice(&bytes.to_be_bytes());
}

/// Appends the answer to a PING.
pub(crate) fn pong(output: &mut Vec<u8>, payload: &[u8]) {
    head(output, payload.len(), PING, ACK, 0);
    output.extend_from_slice(payload);
}
