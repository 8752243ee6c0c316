//! The headers of Connect, and what they say.

use super::super::notation::Notation;
use crate::{
    deadline::Deadline,
    status::{self, Result, Status},
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use std::time::Duration;
use tonic::metadata::MetadataMap;

const VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");
const TIMEOUT: HeaderName = HeaderName::from_static("connect-timeout-ms");
pub(super) const STREAM_ENCODING: HeaderName = HeaderName::from_static("connect-content-encoding");
pub(super) const STREAM_ACCEPT_ENCODING: HeaderName =
    HeaderName::from_static("connect-accept-encoding");

/// What stands before the name of a trailer, where trailers are headers.
const TRAILER: &str = "trailer-";

/// A timeout has no more digits, and is no longer than 115 days.
const TIMEOUT_DIGITS_MAX: usize = 10;

/// What a query means by `name`.
pub(super) fn notation_named(name: &[u8]) -> Option<Notation> {
    match name {
        b"proto" => Some(Notation::Proto),
        b"json" => Some(Notation::Json),
        _ => None,
    }
}

/// The content type of one message.
pub(super) fn of_message(notation: Notation) -> HeaderValue {
    HeaderValue::from_static(match notation {
        Notation::Proto => "application/proto",
        Notation::Json => "application/json",
    })
}

/// The content type of a stream.
pub(super) fn of_stream(notation: Notation) -> HeaderValue {
    HeaderValue::from_static(match notation {
        Notation::Proto => "application/connect+proto",
        Notation::Json => "application/connect+json",
    })
}

/// Refuses what speaks another version.
pub(super) fn check_version(version: Option<&[u8]>) -> Result<()> {
    match version {
        None | Some(b"1") => Ok(()),
        Some(other) => Err(Status::invalid_argument(format!(
            "{VERSION} is `{}`, and must be `1`",
            String::from_utf8_lossy(other)
        ))),
    }
}

pub(super) fn version(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(VERSION).map(HeaderValue::as_bytes)
}

pub(super) fn deadline(headers: &HeaderMap) -> Result<Option<Deadline>> {
    let mut values = headers.get_all(TIMEOUT).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match milliseconds(value.as_bytes()) {
        Some(timeout) if values.next().is_none() => Ok(Some(Deadline::after(timeout))),
        _ => Err(Status::invalid_argument(format!(
            "{TIMEOUT} `{}` is not one to {TIMEOUT_DIGITS_MAX} digits",
            String::from_utf8_lossy(value.as_bytes())
        ))),
    }
}

fn milliseconds(digits: &[u8]) -> Option<Duration> {
    if digits.len() > TIMEOUT_DIGITS_MAX || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = str::from_utf8(digits).ok()?;
    digits.parse().ok().map(Duration::from_millis)
}

/// Takes away what is Connect's own, so that metadata is left.
pub(super) fn strip(headers: &mut HeaderMap) {
    for name in [
        VERSION,
        TIMEOUT,
        STREAM_ENCODING,
        STREAM_ACCEPT_ENCODING,
        header::CONTENT_ENCODING,
        header::ACCEPT_ENCODING,
        header::TRAILER,
    ] {
        headers.remove(name);
    }
}

/// The headers that carry `metadata`.
pub(super) fn of(metadata: MetadataMap) -> HeaderMap {
    let mut headers = status::without_reserved(metadata).into_headers();
    strip(&mut headers);
    headers
}

/// Adds `trailers` where there can be none: among the headers.
pub(super) fn add_trailers(headers: &mut HeaderMap, trailers: MetadataMap) {
    let trailers = status::without_reserved(trailers).into_headers();
    for (name, value) in &trailers {
        let name = [TRAILER, name.as_str()].concat();
        // Too long a name or too many is all that can be wrong, and costs a trailer.
        if let Ok(name) = HeaderName::try_from(name) {
            let _ = headers.try_append(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_grammar_is_read() {
        for bad in ["", "-1", "+1", "1.5", "1s", " 1", "12345678901", "\u{661}"] {
            assert_eq!(milliseconds(bad.as_bytes()), None, "{bad:?}");
        }
        assert_eq!(milliseconds(b"0"), Some(Duration::ZERO));
        assert_eq!(
            milliseconds(b"0000000250"),
            Some(Duration::from_millis(250))
        );
        let most = Duration::from_millis(9_999_999_999);
        assert_eq!(milliseconds(b"9999999999"), Some(most));
    }
}
