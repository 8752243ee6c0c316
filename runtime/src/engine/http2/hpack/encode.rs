use super::{
    ENTRY_BYTES, STATIC_ENTRIES, TABLE_BYTES,
    field::{about_the_connection, static_index},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header,
    uri::{PathAndQuery, Scheme},
};
use std::collections::VecDeque;

/// Longer values are seldom said twice.
const INDEXED_VALUE_BYTES_MAX: usize = 128;

/// What a header block begins with.
#[derive(Clone, Copy)]
pub(in super::super) enum Start<'a> {
    Request(&'a Method, &'a Uri),
    Response(StatusCode),
    Trailers,
}

/// Writes the header blocks of one connection, which must leave in order.
pub(in super::super) struct Encoder {
    /// The newest entry first.
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
    /// The smallest size since the last block: the peer has to be told of it before
    /// the next one, and of the size that holds (RFC 7541, section 4.2).
    resized: Option<usize>,
}

/// A field that the peer remembers.
struct Entry {
    name: Name,
    value: HeaderValue,
}

#[derive(Clone, PartialEq)]
enum Name {
    Authority,
    Path,
    Header(HeaderName),
}

/// Indices of the static table (RFC 7541, appendix A).
const AUTHORITY: usize = 1;
const METHOD_GET: usize = 2;
const METHOD_POST: usize = 3;
const PATH: usize = 4;
const SCHEME_HTTP: usize = 6;
const SCHEME_HTTPS: usize = 7;
const STATUS: usize = 8;

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

impl Name {
    fn as_str(&self) -> &str {
        match self {
            Self::Authority => ":authority",
            Self::Path => ":path",
            Self::Header(name) => name.as_str(),
        }
    }
}

impl Entry {
    fn size(&self) -> usize {
        self.name.as_str().len() + self.value.len() + ENTRY_BYTES
    }
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

    /// Appends a block.
    pub(in super::super) fn encode(
        &mut self,
        start: Start<'_>,
        headers: &HeaderMap,
        out: &mut Vec<u8>,
    ) {
        if let Some(least) = self.resized.take() {
            if least < self.bytes_max {
                integer(out, 0x20, 5, least);
            }
            integer(out, 0x20, 5, self.bytes_max);
        }
        match start {
            Start::Request(method, uri) => self.request(method, uri, out),
            Start::Response(status) => put_status(status, out),
            Start::Trailers => {}
        }
        for (name, value) in headers {
            if !about_the_connection(name) {
                self.header(name, value, out);
            }
        }
    }

    fn request(&mut self, method: &Method, uri: &Uri, out: &mut Vec<u8>) {
        match *method {
            Method::POST => integer(out, 0x80, 7, METHOD_POST),
            Method::GET => integer(out, 0x80, 7, METHOD_GET),
            _ => {
                integer(out, 0, 4, METHOD_GET);
                string(out, method.as_str().as_bytes());
            }
        }
        let https = uri.scheme() == Some(&Scheme::HTTPS);
        let scheme = if https { SCHEME_HTTPS } else { SCHEME_HTTP };
        integer(out, 0x80, 7, scheme);
        let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        self.pseudo(Name::Path, PATH, path, out);
        if let Some(authority) = uri.authority() {
            self.pseudo(Name::Authority, AUTHORITY, authority.as_str(), out);
        }
    }

    fn pseudo(&mut self, name: Name, index: usize, value: &str, out: &mut Vec<u8>) {
        let known = |entry: &Entry| entry.value == value && entry.name == name;
        if let Some(at) = self.entries.iter().position(known) {
            return self.known(at, out);
        }
        let entry = HeaderValue::from_str(value).map(|value| Entry { name, value });
        let short = value.len() <= INDEXED_VALUE_BYTES_MAX;
        let (kind, prefix) = self.remember(entry.ok().filter(|_| short));
        integer(out, kind, prefix, index);
        string(out, value.as_bytes());
    }

    fn header(&mut self, name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
        if !worth_indexing(name, value) {
            let never = if value.is_sensitive() { 0x10 } else { 0 };
            return literal(out, never, 4, name, value);
        }
        let is_named = |known: &Name| matches!(known, Name::Header(known) if known == name);
        let known = |entry: &Entry| entry.value == *value && is_named(&entry.name);
        if let Some(at) = self.entries.iter().position(known) {
            return self.known(at, out);
        }
        let entry = Entry {
            name: Name::Header(name.clone()),
            value: value.clone(),
        };
        let (kind, prefix) = self.remember(Some(entry));
        literal(out, kind, prefix, name, value);
    }

    fn known(&self, at: usize, out: &mut Vec<u8>) {
        integer(out, 0x80, 7, STATIC_ENTRIES + 1 + at);
    }

    /// Keeps an entry if it fits; how the field is written then.
    fn remember(&mut self, entry: Option<Entry>) -> (u8, u32) {
        const PLAIN: (u8, u32) = (0, 4);
        const REMEMBERED: (u8, u32) = (0x40, 6);
        let Some(entry) = entry.filter(|entry| entry.size() <= self.bytes_max) else {
            return PLAIN;
        };
        self.evict(entry.size());
        self.bytes += entry.size();
        self.entries.push_front(entry);
        REMEMBERED
    }

    fn evict(&mut self, room: usize) {
        while self.bytes + room > self.bytes_max
            && let Some(oldest) = self.entries.pop_back()
        {
            self.bytes -= oldest.size();
        }
    }
}

/// What most requests and responses of one peer say alike.
fn worth_indexing(name: &HeaderName, value: &HeaderValue) -> bool {
    const OFTEN: [HeaderName; 3] = [header::CONTENT_TYPE, header::TE, header::USER_AGENT];
    const GRPC: [&str; 3] = ["grpc-status", "grpc-encoding", "grpc-accept-encoding"];
    let often = OFTEN.contains(name) || GRPC.contains(&name.as_str());
    often && value.len() <= INDEXED_VALUE_BYTES_MAX && !value.is_sensitive()
}

fn put_status(status: StatusCode, out: &mut Vec<u8>) {
    let indexed = [200, 204, 206, 304, 400, 404, 500];
    match indexed.iter().position(|known| *known == status.as_u16()) {
        Some(at) => integer(out, 0x80, 7, STATUS + at),
        None => {
            integer(out, 0, 4, STATUS);
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

/// Plain: headers are short, and coding costs more than it saves.
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
