//! Frames (RFC 9113, section 4.1).

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

/// Bytes of a frame's header.
pub(crate) const HEAD_BYTES: usize = 9;
/// The longest payload a peer has to take.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 16 << 10;
pub(crate) const WINDOW_MAX: u32 = (1 << 31) - 1;
/// The window of a connection that nobody widened.
pub(crate) const WINDOW_DEFAULT: u32 = 65_535;

/// Frames one after another, as they go on the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames(Vec<u8>);

impl Frames {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Any frame.
    pub(crate) fn push(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> &mut Self {
        let length = u32::try_from(payload.len()).expect("payloads are short");
        self.0.extend(&length.to_be_bytes()[1..]);
        self.0.extend([kind, flags]);
        self.0.extend(stream.to_be_bytes());
        self.0.extend(payload);
        self
    }

    /// A HEADERS frame with the whole of `block`.
    pub(crate) fn headers(&mut self, stream: u32, block: &[u8], flags: u8) -> &mut Self {
        self.push(HEADERS, END_HEADERS | flags, stream, block)
    }

    /// HEADERS, and CONTINUATIONs for as much of `block` as does not fit.
    pub(crate) fn long_headers(&mut self, stream: u32, block: &[u8], flags: u8) -> &mut Self {
        let mut chunks = block.chunks(PAYLOAD_BYTES_MAX).peekable();
        let mut kind = HEADERS;
        let mut flags = flags;
        while let Some(chunk) = chunks.next() {
            if chunks.peek().is_none() {
                flags |= END_HEADERS;
            }
            self.push(kind, flags, stream, chunk);
            (kind, flags) = (CONTINUATION, 0);
        }
        self
    }

    pub(crate) fn data(&mut self, stream: u32, data: &[u8], flags: u8) -> &mut Self {
        self.push(DATA, flags, stream, data)
    }

    pub(crate) fn reset(&mut self, stream: u32, code: u32) -> &mut Self {
        self.push(RST_STREAM, 0, stream, &code.to_be_bytes())
    }

    pub(crate) fn window_update(&mut self, stream: u32, bytes: u32) -> &mut Self {
        self.push(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
    }

    pub(crate) fn settings(&mut self, settings: &[(u16, u32)]) -> &mut Self {
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(id, value)| id.to_be_bytes().into_iter().chain(value.to_be_bytes()))
            .collect();
        self.push(SETTINGS, 0, 0, &payload)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The name of an error code.
pub(crate) fn code_name(code: u32) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    NAMES
        .get(code as usize)
        .map_or_else(|| format!("code {code}"), |name| (*name).to_owned())
}
