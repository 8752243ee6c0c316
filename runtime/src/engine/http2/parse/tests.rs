//! However the bytes are cut, they say the same.

use super::*;
use crate::engine::http2::frame::{self, Reason};

/// A frame as it was passed on, its data joined.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    kind: u8,
    stream: u32,
    length: usize,
    /// Data, or any other payload.
    bytes: Vec<u8>,
    padding: usize,
    end_stream: bool,
    /// Data was passed on, or a payload.
    passed: bool,
}

/// What came of some pieces: frames, and the error that ended it.
type Outcome = (Vec<Seen>, Option<Fatal>);

fn outcome<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let (mut parser, mut seen) = (Parser::new(), Vec::new());
    for piece in pieces {
        let fed = parser.feed(piece, |event| {
            see(&mut seen, event);
            Ok(())
        });
        if let Err(fatal) = fed {
            return (seen, Some(fatal));
        }
    }
    (seen, None)
}

fn see(seen: &mut Vec<Seen>, event: Event<'_>) {
    match event {
        Event::Head(head) => seen.push(Seen {
            kind: head.kind,
            stream: head.stream,
            length: head.length,
            bytes: Vec::new(),
            padding: 0,
            end_stream: false,
            passed: false,
        }),
        Event::Data {
            stream,
            data,
            padding,
            end_stream,
        } => {
            let last = seen.last_mut().expect("a head");
            assert_eq!((last.kind, last.stream), (kind::DATA, stream));
            assert!(!last.end_stream, "data after the end");
            last.bytes.extend_from_slice(data);
            last.padding += padding;
            last.end_stream |= end_stream;
            last.passed = true;
        }
        Event::Payload(head, payload) => {
            let last = seen.last_mut().expect("a head");
            assert_eq!((last.kind, last.stream), (head.kind, head.stream));
            assert!(!last.passed, "a payload twice");
            last.bytes.extend_from_slice(payload);
            last.passed = true;
        }
    }
}

/// The same whole, byte by byte and cut at every place.
fn cut_everywhere(script: &[u8]) -> Outcome {
    let whole = outcome([script]);
    assert_eq!(outcome(script.chunks(1)), whole, "byte by byte");
    for at in 0..=script.len() {
        let (before, after) = script.split_at(at);
        assert_eq!(outcome([before, after]), whole, "cut at {at}");
        assert_eq!(
            outcome([before, &[], after]),
            whole,
            "cut at {at}, nothing between"
        );
    }
    whole
}

fn framed(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::put_head(&mut out, payload.len(), kind, flags, stream);
    out.extend_from_slice(payload);
    out
}

fn padded(flags: u8, stream: u32, data: &[u8], padding: u8) -> Vec<u8> {
    let mut payload = vec![padding];
    payload.extend_from_slice(data);
    payload.resize(payload.len() + usize::from(padding), 0);
    framed(kind::DATA, flags | flag::PADDED, stream, &payload)
}

const END: u8 = flag::END_STREAM;

#[test]
fn data_and_its_padding() {
    let script = [
        framed(kind::DATA, 0, 1, b"hello"),
        framed(kind::DATA, 0, 1, b""),
        framed(kind::DATA, END, 1, b""),
        padded(0, 3, b"padded", 7),
        padded(END, 3, b"unpadded", 0),
        padded(0, 5, b"", 9),
        padded(END, 5, b"", 0),
        padded(END, 7, b"", 255),
    ];
    let (seen, fatal) = cut_everywhere(&script.concat());
    assert_eq!(fatal, None);
    let said: Vec<_> = seen
        .iter()
        .map(|seen| (seen.stream, &seen.bytes[..], seen.padding, seen.end_stream))
        .collect();
    let (no, yes) = (false, true);
    let expected: [(u32, &[u8], usize, bool); 8] = [
        (1, b"hello", 0, no),
        (1, b"", 0, no),
        (1, b"", 0, yes),
        // Its length is padding, too (RFC 9113, section 6.9).
        (3, b"padded", 8, no),
        (3, b"unpadded", 1, yes),
        (5, b"", 10, no),
        (5, b"", 1, yes),
        (7, b"", 256, yes),
    ];
    assert_eq!(said, expected);
    for seen in seen {
        assert!(seen.passed);
        assert_eq!(seen.length, seen.bytes.len() + seen.padding);
    }
}

#[test]
fn every_other_kind() {
    let script = [
        framed(kind::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 9, 0, 5, 0, 0, 64, 0]),
        framed(kind::SETTINGS, flag::ACK, 0, b""),
        framed(kind::HEADERS, 0, 1, b"block"),
        framed(kind::CONTINUATION, flag::END_HEADERS, 1, b""),
        framed(kind::PRIORITY, 0, 1, b"12345"),
        framed(0xbe, 0xff, 77, b"nobody knows it"),
        framed(0xbe, 0, 0, b""),
        framed(kind::PING, 0, 0, b"12345678"),
        framed(kind::GOAWAY, 0, 0, b"12345678debug"),
        framed(kind::WINDOW_UPDATE, 0, 1, b"1234"),
        framed(kind::RST_STREAM, 0, 1, b"1234"),
    ];
    let (seen, fatal) = cut_everywhere(&script.concat());
    assert_eq!(fatal, None);
    assert_eq!(seen.len(), script.len());
    for (seen, sent) in seen.iter().zip(&script) {
        assert_eq!((seen.kind, seen.length), (sent[3], sent.len() - HEAD_BYTES));
        let unread = seen.kind == 0xbe;
        assert_eq!(seen.passed, !unread);
        assert_eq!(seen.bytes, if unread { b"" } else { &sent[HEAD_BYTES..] });
    }
}

/// The first bit of a stream's id means nothing.
#[test]
fn a_reserved_bit() {
    let (seen, fatal) = cut_everywhere(&framed(kind::DATA, 0, 1 | 1 << 31, b"x"));
    assert_eq!((seen[0].stream, fatal), (1, None));
}

/// The frame before it is passed on, it is not.
#[test]
fn frames_that_cannot_be() {
    let long = vec![0; PAYLOAD_BYTES_MAX + 1];
    let data = |flags, payload: &[u8]| framed(kind::DATA, flags, 1, payload);
    let size = Reason::FrameSize;
    let protocol = Reason::Protocol;
    for (script, reason) in [
        (framed(kind::PING, 0, 0, b"1234567"), size),
        (framed(kind::PING, 0, 0, b"123456789"), size),
        (framed(kind::PING, 0, 1, b"12345678"), protocol),
        (framed(kind::SETTINGS, 0, 0, b"12345"), size),
        (framed(kind::SETTINGS, flag::ACK, 0, b"123456"), size),
        (framed(kind::SETTINGS, 0, 1, b""), protocol),
        (framed(kind::WINDOW_UPDATE, 0, 0, b"123"), size),
        (framed(kind::RST_STREAM, 0, 1, b"12345"), size),
        (framed(kind::RST_STREAM, 0, 0, b"1234"), protocol),
        (framed(kind::PRIORITY, 0, 1, b"1234"), size),
        (framed(kind::GOAWAY, 0, 0, b"1234567"), size),
        (framed(kind::HEADERS, 0, 0, b""), protocol),
        (framed(kind::DATA, 0, 0, b""), protocol),
        (data(flag::PADDED, b""), size),
        (data(flag::PADDED, &[1]), protocol),
        (data(flag::PADDED, &[4, 1, 2, 3]), protocol),
    ] {
        let whole = [&framed(kind::DATA, 0, 1, b"before")[..], &script].concat();
        let (seen, fatal) = cut_everywhere(&whole);
        assert_eq!(seen[0].bytes, b"before");
        assert!(seen[1..].iter().all(|seen| !seen.passed));
        assert_eq!(fatal.map(|fatal| fatal.reason), Some(reason), "{script:?}");
    }
    // Its head says it all: nothing is waited for.
    let (seen, fatal) = cut_everywhere(&framed(0xbe, 0, 1, &long)[..HEAD_BYTES]);
    assert!(seen.is_empty());
    assert_eq!(fatal.map(|fatal| fatal.reason), Some(size));
    let (seen, fatal) = outcome([&data(END, &long[1..])[..]]);
    assert_eq!((seen[0].bytes.len(), fatal), (PAYLOAD_BYTES_MAX, None));
}

/// What its receiver says ends the parsing at once.
#[test]
fn a_receiver_that_fails() {
    let script = [
        framed(kind::DATA, 0, 1, b"a"),
        framed(kind::DATA, 0, 1, b"b"),
    ]
    .concat();
    let mut heard = 0;
    let fed = Parser::new().feed(&script, |_| {
        heard += 1;
        Err(Fatal::protocol("no"))
    });
    assert_eq!((fed, heard), (Err(Fatal::protocol("no")), 1));
}
