//! Lists of fields that make a request, and lists that do not.

use super::*;
use crate::engine::http2::hpack::Decoder;

/// The fields as a peer would send them, none of them compressed.
fn fields(list: &[(&str, &str)], bytes_max: u32) -> Fields {
    let mut block = Vec::new();
    for (name, value) in list {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    let mut fields = Fields::new(bytes_max, 12);
    let read = Decoder::default().decode(&block, |field, bytes| fields.push(field, bytes));
    assert_eq!(read, Ok(()));
    fields
}

const BYTES_MAX: u32 = 1_000;

fn head(list: &[(&str, &str)]) -> Option<Head<Request<()>>> {
    match fields(list, BYTES_MAX).into_request() {
        Read::Good(head) => Some(head),
        Read::Malformed => None,
        Read::TooLarge | Read::FarTooLarge => panic!("{list:?} is too large"),
    }
}

const METHOD: (&str, &str) = (":method", "POST");
const SCHEME: (&str, &str) = (":scheme", "http");
const PATH: (&str, &str) = (":path", "/a/b?c=d");
const AUTHORITY: (&str, &str) = (":authority", "example.org:81");
const TE: (&str, &str) = ("te", "trailers");

/// A good request with `more` at its end.
fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&[METHOD, SCHEME, PATH, AUTHORITY, TE], more].concat()
}

#[test]
fn a_good_one() {
    let (request, length) = head(&with(&[("x", "1"), ("x", "2")])).expect("a request");
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "http://example.org:81/a/b?c=d");
    assert_eq!(request.version(), Version::HTTP_2);
    let values: Vec<_> = request.headers().get_all("x").iter().collect();
    assert_eq!(values, ["1", "2"]);
    assert_eq!((request.headers().len(), length), (3, None));
}

#[test]
fn without_an_authority() {
    let (request, _) = head(&[METHOD, SCHEME, PATH, ("host", "x")]).expect("a request");
    assert_eq!(request.uri(), "/a/b?c=d");
    let (request, _) = head(&[(":method", "OPTIONS"), SCHEME, (":path", "*")]).expect("a request");
    assert_eq!(request.uri().path(), "*");
}

#[test]
fn pseudo_fields_come_first_and_once() {
    for list in [
        [METHOD, SCHEME, TE, PATH],
        [TE, METHOD, SCHEME, PATH],
        [METHOD, SCHEME, PATH, METHOD],
        [METHOD, SCHEME, PATH, PATH],
        [METHOD, SCHEME, PATH, SCHEME],
        // What a response has, and what nobody has.
        [METHOD, SCHEME, PATH, (":status", "200")],
        [METHOD, SCHEME, PATH, (":nothing", "")],
        [METHOD, SCHEME, PATH, (":protocol", "websocket")],
    ] {
        assert!(head(&list).is_none(), "{list:?}");
    }
    assert!(head(&with(&[AUTHORITY])).is_none());
    assert!(head(&[METHOD, SCHEME, PATH, AUTHORITY, AUTHORITY]).is_none());
}

#[test]
fn pseudo_fields_that_are_missing_or_odd() {
    for list in [
        &[][..],
        &[SCHEME, PATH],
        &[METHOD, PATH],
        &[METHOD, SCHEME],
        &[METHOD, SCHEME, (":path", "")],
        &[METHOD, SCHEME, (":path", "a")],
        &[METHOD, SCHEME, (":path", "/a b")],
        &[(":method", ""), SCHEME, PATH],
        &[(":method", "P ST"), SCHEME, PATH],
        &[METHOD, (":scheme", "ht tp"), PATH],
        &[METHOD, SCHEME, PATH, (":authority", "a b")],
    ] {
        assert!(head(list).is_none(), "{list:?}");
    }
}

#[test]
fn connect_is_of_an_authority_alone() {
    const CONNECT: (&str, &str) = (":method", "CONNECT");
    let (request, _) = head(&[CONNECT, AUTHORITY]).expect("a request");
    assert_eq!(request.uri(), "example.org:81");
    for list in [
        &[CONNECT][..],
        &[CONNECT, AUTHORITY, PATH],
        &[CONNECT, AUTHORITY, SCHEME],
        &[CONNECT, AUTHORITY, SCHEME, PATH],
    ] {
        assert!(head(list).is_none(), "{list:?}");
    }
}

#[test]
fn headers_that_no_request_has() {
    for header in [
        ("connection", "close"),
        ("keep-alive", "1"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "x"),
        ("te", "gzip"),
        ("te", "trailers, gzip"),
        ("Upper", "1"),
        ("", "1"),
        ("a b", "1"),
        ("x", "a\r\nb"),
        ("x", "a\0b"),
    ] {
        assert!(head(&with(&[header])).is_none(), "{header:?}");
    }
}

#[test]
fn lengths() {
    let length = |values: &[&'static str]| {
        let values: Vec<_> = values
            .iter()
            .map(|value| ("content-length", *value))
            .collect();
        head(&with(&values)).map(|(_, length)| length)
    };
    assert_eq!(length(&[]), Some(None));
    assert_eq!(length(&["0"]), Some(Some(0)));
    assert_eq!(length(&["12", "12"]), Some(Some(12)));
    assert_eq!(length(&["18446744073709551615"]), Some(Some(u64::MAX)));
    for odd in [
        "",
        "+1",
        "-1",
        " 1",
        "1 ",
        "0x1",
        "1.0",
        "1,1",
        "18446744073709551616",
        "é",
    ] {
        assert_eq!(length(&[odd]), None, "{odd:?}");
    }
    assert_eq!(length(&["1", "2"]), None);
    assert_eq!(length(&["1", "01"]), None);
}

#[test]
fn lists_that_are_too_large() {
    // Each counts its bytes and 32 (RFC 9113, section 6.5.2).
    let list = [METHOD, SCHEME, PATH];
    let bytes = list.map(|(name, value)| name.len() + value.len() + 32);
    let bytes = bytes.iter().sum::<usize>() as u32;
    assert!(matches!(fields(&list, bytes).into_request(), Read::Good(_)));
    assert!(matches!(
        fields(&list, bytes - 1).into_request(),
        Read::TooLarge
    ));
    let far = bytes / FAR as u32;
    assert!(matches!(
        fields(&list, far + 1).into_request(),
        Read::TooLarge
    ));
    assert!(matches!(
        fields(&list, far - 1).into_request(),
        Read::FarTooLarge
    ));
    assert!(matches!(
        fields(&list, 0).into_trailers(),
        Read::FarTooLarge
    ));
}

#[test]
fn trailers_have_no_pseudo_fields() {
    let trailers = |list: &[(&str, &str)]| match fields(list, BYTES_MAX).into_trailers() {
        Read::Good(trailers) => Some(trailers.len()),
        _ => None,
    };
    assert_eq!(trailers(&[]), Some(0));
    assert_eq!(trailers(&[("x", "1"), ("y", "2")]), Some(2));
    for pseudo in [METHOD, SCHEME, PATH, AUTHORITY, (":status", "200")] {
        assert_eq!(trailers(&[pseudo]), None, "{pseudo:?}");
    }
    assert_eq!(trailers(&[("connection", "close")]), None);
}
