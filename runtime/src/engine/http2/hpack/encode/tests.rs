//! What is written is read again, by a decoder that follows every resize.

use super::{
    super::{Decoder, Field},
    *,
};

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).expect("a value");
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

struct Ends {
    encoder: Encoder,
    decoder: Decoder,
}

impl Ends {
    fn new() -> Self {
        Self {
            encoder: Encoder::default(),
            decoder: Decoder::default(),
        }
    }

    /// The block of `fields`; it says them, and nothing else.
    fn pass(&mut self, fields: &[(&'static str, &str)]) -> Vec<u8> {
        let (sent, mut received) = (headers(fields), HeaderMap::new());
        let mut block = Vec::new();
        self.encoder.encode(Start::Trailers, &sent, &mut block);
        let read = self.decoder.decode(&block, |field, bytes| match field {
            Field::Header(name, value) => {
                let bytes_of = name.as_str().len() + value.len() + ENTRY_BYTES;
                assert_eq!(bytes, bytes_of);
                received.append(name, value);
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(read, Ok(()), "{block:x?}");
        assert_eq!(received, sent);
        let entries = self.encoder.entries.iter();
        let counted: usize = entries.map(Entry::size).sum();
        assert_eq!(self.encoder.bytes, counted);
        assert!(counted <= self.encoder.bytes_max);
        block
    }
}

const TYPE: (&str, &str) = ("content-type", "application/grpc");
const STATUS: (&str, &str) = ("grpc-status", "0");
const ENCODING: (&str, &str) = ("grpc-encoding", "gzip");
const OWN: (&str, &str) = ("x-own", "1");

#[test]
fn integers_of_c1() {
    for (value, prefix, bytes) in [
        (10, 5, &[0x0a][..]),
        (1_337, 5, &[0x1f, 0x9a, 0x0a]),
        (42, 8, &[0x2a]),
        (31, 5, &[0x1f, 0x00]),
        (30, 5, &[0x1e]),
        (4_096, 5, &[0x1f, 0xe1, 0x1f]),
    ] {
        let mut out = Vec::new();
        integer(&mut out, 0, prefix, value);
        assert_eq!(out, bytes, "{value}");
    }
}

#[test]
fn what_is_said_often_is_said_once() {
    let mut ends = Ends::new();
    let first = ends.pass(&[TYPE, STATUS, OWN]);
    let second = ends.pass(&[TYPE, STATUS, OWN]);
    assert_eq!(
        second.len(),
        first.len() - "application/grpc".len() - "grpc-status".len() - 4
    );
    assert_eq!(ends.encoder.entries.len(), 2, "and {OWN:?} not at all");
}

#[test]
fn a_table_of_nothing() {
    let mut ends = Ends::new();
    ends.pass(&[TYPE, STATUS]);
    ends.encoder.resize(0);
    assert_eq!(ends.pass(&[TYPE, STATUS])[0], 0x20);
    assert!(ends.encoder.entries.is_empty());
    let again = ends.pass(&[TYPE, STATUS]);
    assert_eq!(again[0], 0x0f, "a literal, and no size again: {again:x?}");
}

/// The peer has to hear of the smallest size, too.
#[test]
fn emptied_and_grown_again() {
    let mut ends = Ends::new();
    ends.pass(&[TYPE, STATUS]);
    ends.encoder.resize(0);
    ends.encoder.resize(4_096);
    assert_eq!(ends.pass(&[TYPE, STATUS])[..4], [0x20, 0x3f, 0xe1, 0x1f]);
    assert_eq!(ends.pass(&[TYPE, STATUS]).len(), 2, "two indices");
}

#[test]
fn sizes_that_hold_one_entry_or_none() {
    let mut ends = Ends::new();
    ends.pass(&[TYPE, STATUS, ENCODING]);
    // `grpc-status: 0` counts 44, the others more.
    for bytes in [110, 60, 49, 44, 43, 1] {
        ends.encoder.resize(bytes);
        ends.pass(&[ENCODING, TYPE]);
        ends.pass(&[STATUS]);
        ends.pass(&[TYPE, STATUS, ENCODING]);
    }
    assert!(ends.encoder.entries.is_empty());
}

#[test]
fn no_more_than_the_protocols_own() {
    let mut ends = Ends::new();
    ends.encoder.resize(u32::MAX);
    let block = ends.pass(&[STATUS]);
    assert_eq!(block[0], 0x40, "no size: it is what it was");
    ends.encoder.resize(100);
    ends.encoder.resize(u32::MAX);
    let block = ends.pass(&[STATUS]);
    assert_eq!(block[..5], [0x3f, 100 - 31, 0x3f, 0xe1, 0x1f]);
}

/// More different values than the table holds: the oldest make way on both sides.
#[test]
fn a_table_that_overflows() {
    let mut ends = Ends::new();
    for round in 0..400 {
        let status = format!("{}", round % 150);
        ends.pass(&[("grpc-status", &status), TYPE]);
    }
    assert!(ends.encoder.entries.len() > 50);
}

#[test]
fn nothing_about_the_connection() {
    let sent = headers(&[("connection", "close"), ("transfer-encoding", "chunked")]);
    let mut block = Vec::new();
    Encoder::default().encode(Start::Trailers, &sent, &mut block);
    assert!(block.is_empty(), "{block:x?}");
}
