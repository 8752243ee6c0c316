//! Header fields, read once and shared from then on.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{CONNECTION, TE, TRANSFER_ENCODING, UPGRADE},
    uri::{Authority, PathAndQuery, Scheme},
};
use std::sync::LazyLock;

/// One field of a head or of trailers.
#[derive(Clone, Debug)]
pub(in super::super) enum Field {
    Method(Method),
    Scheme(Scheme),
    Authority(Authority),
    Path(PathAndQuery),
    Status(StatusCode),
    Header(HeaderName, HeaderValue),
    /// What no message may hold (RFC 9113, section 8.2).
    Malformed,
}

/// The name of a field.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Method,
    Scheme,
    Authority,
    Path,
    Status,
    Header(HeaderName),
    Malformed,
}

impl Name {
    pub(super) fn read(name: &[u8]) -> Self {
        match name {
            b":method" => Self::Method,
            b":scheme" => Self::Scheme,
            b":authority" => Self::Authority,
            b":path" => Self::Path,
            b":status" => Self::Status,
            _ => HeaderName::from_lowercase(name).map_or(Self::Malformed, Self::Header),
        }
    }
}

impl Field {
    pub(super) fn read(name: Name, value: Bytes) -> Self {
        let read = match name {
            Name::Method => Method::from_bytes(&value).ok().map(Self::Method),
            Name::Scheme => Scheme::try_from(&value[..]).ok().map(Self::Scheme),
            Name::Authority => Authority::from_maybe_shared(value)
                .ok()
                .map(Self::Authority),
            Name::Path => Self::path(value),
            Name::Status => StatusCode::from_bytes(&value).ok().map(Self::Status),
            Name::Header(name) => Self::header(name, value),
            Name::Malformed => None,
        };
        read.unwrap_or(Self::Malformed)
    }

    fn path(value: Bytes) -> Option<Self> {
        if value.first() != Some(&b'/') && value != "*" {
            return None;
        }
        PathAndQuery::from_maybe_shared(value).ok().map(Self::Path)
    }

    fn header(name: HeaderName, value: Bytes) -> Option<Self> {
        let refused = about_the_connection(&name) || (name == TE && value != "trailers");
        if refused {
            return None;
        }
        let value = HeaderValue::from_maybe_shared(value).ok()?;
        Some(Self::Header(name, value))
    }
}

/// HTTP/1.1's alone (RFC 9113, section 8.2.2).
pub(super) fn about_the_connection(name: &HeaderName) -> bool {
    [CONNECTION, TRANSFER_ENCODING, UPGRADE].contains(name)
        || ["keep-alive", "proxy-connection"].contains(&name.as_str())
}

/// Names and values of appendix A, from index 1 on.
const STATIC: [(&str, &str); super::STATIC_ENTRIES] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// An entry of a table: its name, the field, and what it counts of a header list.
pub(super) struct Entry {
    pub(super) name: Name,
    pub(super) field: Field,
    pub(super) size: usize,
    pub(super) value_bytes: usize,
}

impl Entry {
    pub(super) fn name_bytes(&self) -> usize {
        self.size - self.value_bytes - super::ENTRY_BYTES
    }
}

/// The static table, from index 1 on.
pub(super) static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let entry = |(name, value): &(&str, &'static str)| Entry {
        name: Name::read(name.as_bytes()),
        field: Field::read(
            Name::read(name.as_bytes()),
            Bytes::from_static(value.as_bytes()),
        ),
        size: name.len() + value.len() + super::ENTRY_BYTES,
        value_bytes: value.len(),
    };
    STATIC.iter().map(entry).collect()
});

/// The index of the first entry of the static table with this name.
pub(super) fn static_index(name: &HeaderName) -> Option<usize> {
    STATIC
        .iter()
        .position(|(known, _)| *known == name.as_str())
        .map(|at| at + 1)
}
