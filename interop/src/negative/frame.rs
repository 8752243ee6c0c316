//! Frames (RFC 9113, section 4) and header blocks (RFC 7541), as bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;

pub(super) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;

pub(super) const WINDOW_DEFAULT: i64 = 65_535;
/// The longest payload that everybody takes.
pub(super) const PAYLOAD_BYTES_MAX: usize = 16 << 10;

const HEAD_BYTES: usize = 9;
const STREAM_MAX: u32 = (1 << 31) - 1;

/// A frame that has come.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    pub(super) async fn read(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut head = [0; HEAD_BYTES];
        socket.read_exact(&mut head).await?;
        let [high, middle, low, kind, flags, id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        socket.read_exact(&mut payload).await?;
        Ok(Self {
            kind,
            flags,
            stream: u32::from_be_bytes(id) & STREAM_MAX,
            payload,
        })
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// What a DATA frame carries without its padding.
    pub(super) fn data(&self) -> &[u8] {
        match self.payload.split_first() {
            Some((padding, rest)) if self.has(PADDED) => {
                &rest[..rest.len().saturating_sub((*padding).into())]
            }
            _ => &self.payload,
        }
    }

    /// The number that a WINDOW_UPDATE carries.
    pub(super) fn number(&self) -> u32 {
        number(&self.payload)
    }

    /// The settings of a SETTINGS frame.
    pub(super) fn settings(&self) -> impl Iterator<Item = (u16, u32)> {
        let settings = self.payload.chunks_exact(6);
        settings.map(|bytes| {
            (
                u16::from_be_bytes([bytes[0], bytes[1]]),
                number(&bytes[2..]),
            )
        })
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().copied().map_or(0, u32::from_be_bytes)
}

/// Appends a frame.
pub(super) fn put(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[&[u8]]) {
    let length: usize = payload.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).expect("frames of ours are short");
    out.extend(&length.to_be_bytes()[1..]);
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    for part in payload {
        out.extend(*part);
    }
}

/// The header block of a field that enters no table, for names and values that are short.
fn literal(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        block.push(u8::try_from(text.len()).expect("a length of one byte"));
        block.extend(text.as_bytes());
    }
}

/// The header block that begins a response.
pub(super) fn head() -> Vec<u8> {
    // `:status: 200` of the static table.
    let mut block = vec![0x88];
    literal(&mut block, "content-type", "application/grpc");
    block
}

/// The header block that ends a call well.
pub(super) fn trailers() -> Vec<u8> {
    let mut block = Vec::new();
    literal(&mut block, "grpc-status", "0");
    block
}

#[cfg(test)]
mod tests {
    use super::{DATA, Frame, PADDED, put};

    #[tokio::test]
    async fn a_frame_that_is_written_is_read() {
        let mut bytes = Vec::new();
        put(&mut bytes, DATA, PADDED, 3, &[&[2], b"text", &[0; 2]]);
        let frame = Frame::read(&mut bytes.as_slice()).await.unwrap();
        assert_eq!((frame.kind, frame.stream), (DATA, 3));
        assert_eq!(frame.data(), b"text");
        assert!(Frame::read(&mut &bytes[..bytes.len() - 1]).await.is_err());
    }
}
