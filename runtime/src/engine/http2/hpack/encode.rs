use super::{
    ENTRY_BYTES, STATIC_ENTRIES, TABLE_BYTES,
    field::{about_the_connection, static_index},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::collections::VecDeque;

/// Longer values are seldom said twice.
const INDEXED_VALUE_BYTES_MAX: usize = 64;

/// Writes the header blocks of one connection, which must leave in order.
pub(in super::super) struct Encoder {
    /// The newest entry first.
    entries: VecDeque<(HeaderName, HeaderValue)>,
    bytes: usize,
    bytes_max: usize,
    /// The smallest size since the last block: the peer has to be told of it before
    /// the next one, and of the size that holds (RFC 7541, section 4.2).
    resized: Option<usize>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            bytes_max: TABLE_BYTES,
            resized: None,
        }
    }
}

fn size(name: &HeaderName, value: &HeaderValue) -> usize {
    name.as_str().len() + value.len() + ENTRY_BYTES
}

impl Encoder {
    /// The peer keeps a table of `bytes`; more than our own size we do not use.
    pub(in super::super) fn resize(&mut self, bytes: u32) {
        let bytes_max = (bytes as usize).min(TABLE_BYTES);
        if bytes_max != self.bytes_max {
            self.bytes_max = bytes_max;
            self.resized = Some(self.resized.map_or(bytes_max, |least| least.min(bytes_max)));
            self.evict(0);
        }
    }

    /// Appends the block of a response's head or, without a status, of trailers.
    pub(in super::super) fn encode(
        &mut self,
        status: Option<StatusCode>,
        headers: &HeaderMap,
        out: &mut Vec<u8>,
    ) {
        if let Some(least) = self.resized.take() {
            if least < self.bytes_max {
                integer(out, 0x20, 5, least);
            }
            integer(out, 0x20, 5, self.bytes_max);
        }
        if let Some(status) = status {
            put_status(status, out);
        }
        for (name, value) in headers {
            if !about_the_connection(name) {
                self.field(name, value, out);
            }
        }
    }

    fn field(&mut self, name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
        if !worth_indexing(name, value) {
            let never = if value.is_sensitive() { 0x10 } else { 0 };
            return literal(out, never, 4, name, value);
        }
        let known = self
            .entries
            .iter()
            .position(|(known, said)| known == name && said == value);
        if let Some(at) = known {
            return integer(out, 0x80, 7, STATIC_ENTRIES + 1 + at);
        }
        let size = size(name, value);
        if size > self.bytes_max {
            return literal(out, 0, 4, name, value);
        }
        literal(out, 0x40, 6, name, value);
        self.evict(size);
        self.bytes += size;
        self.entries.push_front((name.clone(), value.clone()));
    }

    fn evict(&mut self, room: usize) {
        while self.bytes + room > self.bytes_max
            && let Some((name, value)) = self.entries.pop_back()
        {
            self.bytes -= size(&name, &value);
        }
    }
}

/// What most responses say alike.
fn worth_indexing(name: &HeaderName, value: &HeaderValue) -> bool {
    const OFTEN: [&str; 3] = ["grpc-status", "grpc-encoding", "grpc-accept-encoding"];
    let often = *name == header::CONTENT_TYPE || OFTEN.contains(&name.as_str());
    often && value.len() <= INDEXED_VALUE_BYTES_MAX && !value.is_sensitive()
}

fn put_status(status: StatusCode, out: &mut Vec<u8>) {
    const INDEX: usize = 8;
    let indexed = [200, 204, 206, 304, 400, 404, 500];
    match indexed.iter().position(|known| *known == status.as_u16()) {
        Some(at) => integer(out, 0x80, 7, INDEX + at),
        None => {
            integer(out, 0, 4, INDEX);
            string(out, status.as_str().as_bytes());
        }
    }
}

fn literal(out: &mut Vec<u8>, kind: u8, prefix: u32, name: &HeaderName, value: &HeaderValue) {
    match static_index(name) {
        Some(index) => integer(out, kind, prefix, index),
        None => {
            out.push(kind);
            string(out, name.as_str().as_bytes());
        }
    }
    string(out, value.as_bytes());
}

/// Plain: replies are short, and coding costs more than it saves.
fn string(out: &mut Vec<u8>, text: &[u8]) {
    integer(out, 0, 7, text.len());
    out.extend_from_slice(text);
}

/// `value` in the low `prefix` bits of a byte that starts with `kind`, and as
/// many more as it takes (section 5.1).
fn integer(out: &mut Vec<u8>, kind: u8, prefix: u32, value: usize) {
    let mask = (1usize << prefix) - 1;
    if value < mask {
        return out.push(kind | value as u8);
    }
    out.push(kind | mask as u8);
    let mut rest = value - mask;
    while rest >= 0x80 {
        out.push(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests;
