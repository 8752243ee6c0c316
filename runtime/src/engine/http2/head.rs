//! Header fields into the head of a request, or its trailers.

use super::hpack::Field;
use http::{
    HeaderMap, Method, Request, Uri, Version, header,
    uri::{Authority, PathAndQuery, Scheme},
};

/// A list that is as many times over the limit is no mistake.
const FAR: usize = 4;

/// What most requests need at most.
const HEADERS_USUAL: usize = 12;

/// The fields of one block.
pub(super) struct Fields {
    method: Option<Method>,
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    path: Option<PathAndQuery>,
    headers: HeaderMap,
    bytes: usize,
    bytes_max: usize,
    malformed: bool,
}

/// What a block makes.
pub(super) enum Read<T> {
    Good(T),
    /// It breaks the rules of RFC 9113, section 8.
    Malformed,
    /// It is larger than `header_bytes_max`.
    TooLarge,
    /// It is so much larger that no mistake explains it.
    FarTooLarge,
}

/// A request without its body, and how long that is said to be.
pub(super) type Head = (Request<()>, Option<u64>);

impl Fields {
    pub(super) fn new(bytes_max: u32) -> Self {
        Self {
            method: None,
            scheme: None,
            authority: None,
            path: None,
            headers: HeaderMap::with_capacity(HEADERS_USUAL),
            bytes: 0,
            bytes_max: bytes_max as usize,
            malformed: false,
        }
    }

    /// Takes a field that counts `bytes`; what is over the limit is not kept.
    pub(super) fn push(&mut self, field: Field, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.bytes_max {
            return;
        }
        let first = self.headers.is_empty();
        let good = match field {
            Field::Header(name, value) => self.headers.try_append(name, value).is_ok(),
            Field::Method(method) => first && self.method.replace(method).is_none(),
            Field::Scheme(scheme) => first && self.scheme.replace(scheme).is_none(),
            Field::Authority(authority) => first && self.authority.replace(authority).is_none(),
            Field::Path(path) => first && self.path.replace(path).is_none(),
            Field::Malformed => false,
        };
        self.malformed |= !good;
    }

    fn refused<T>(&self) -> Option<Read<T>> {
        if self.bytes > self.bytes_max.saturating_mul(FAR) {
            Some(Read::FarTooLarge)
        } else if self.bytes > self.bytes_max {
            Some(Read::TooLarge)
        } else if self.malformed {
            Some(Read::Malformed)
        } else {
            None
        }
    }

    pub(super) fn into_trailers(self) -> Read<HeaderMap> {
        if let Some(refused) = self.refused() {
            return refused;
        }
        match (&self.method, &self.scheme, &self.authority, &self.path) {
            (None, None, None, None) => Read::Good(self.headers),
            _ => Read::Malformed,
        }
    }

    pub(super) fn into_head(self) -> Read<Head> {
        if let Some(refused) = self.refused() {
            return refused;
        }
        match self.head() {
            Some(head) => Read::Good(head),
            None => Read::Malformed,
        }
    }

    fn head(self) -> Option<Head> {
        let length = content_length(&self.headers)?;
        let method = self.method?;
        let mut uri = http::uri::Parts::default();
        if method == Method::CONNECT {
            if self.scheme.is_some() || self.path.is_some() {
                return None;
            }
            uri.authority = Some(self.authority?);
        } else {
            uri.path_and_query = Some(self.path?);
            // Without an authority a URI has no scheme either.
            let scheme = self.scheme?;
            uri.scheme = self.authority.is_some().then_some(scheme);
            uri.authority = self.authority;
        }
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_parts(uri).ok()?;
        *request.method_mut() = method;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.headers;
        Some((request, length))
    }
}

/// The length that the headers declare, if they do; `None` if they contradict
/// themselves or hold no number.
fn content_length(headers: &HeaderMap) -> Option<Option<u64>> {
    let mut values = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(first) = values.next() else {
        return Some(None);
    };
    let digits = first.to_str().ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !values.all(|value| value == first) {
        return None;
    }
    digits.parse().ok().map(Some)
}

#[cfg(test)]
mod tests;
