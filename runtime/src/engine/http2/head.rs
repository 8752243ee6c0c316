//! Header fields into the head of a request or a response, or into trailers.

use super::hpack::Field;
use http::{
    HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header,
    uri::{Authority, PathAndQuery, Scheme},
};

/// A list that is as many times over the limit is no mistake.
const FAR: usize = 4;

/// The fields of one block.
pub(super) struct Fields {
    method: Option<Method>,
    scheme: Option<Scheme>,
    authority: Option<Authority>,
    path: Option<PathAndQuery>,
    status: Option<StatusCode>,
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

/// A request or a response without its body, and how long that is said to be.
pub(super) type Head<T> = (T, Option<u64>);

impl<T> Read<T> {
    fn of(head: Option<T>) -> Self {
        head.map_or(Self::Malformed, Self::Good)
    }
}

impl Fields {
    /// Of a list of at most `bytes_max`, which has `usual` fields as a rule.
    pub(super) fn new(bytes_max: u32, usual: usize) -> Self {
        Self {
            method: None,
            scheme: None,
            authority: None,
            path: None,
            status: None,
            headers: HeaderMap::with_capacity(usual),
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
            Field::Status(status) => first && self.status.replace(status).is_none(),
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
        match self.is_of_a_request() || self.status.is_some() {
            false => Read::Good(self.headers),
            true => Read::Malformed,
        }
    }

    pub(super) fn into_request(self) -> Read<Head<Request<()>>> {
        self.refused().unwrap_or_else(|| Read::of(self.request()))
    }

    pub(super) fn into_response(self) -> Read<Head<Response<()>>> {
        self.refused().unwrap_or_else(|| Read::of(self.response()))
    }

    fn is_of_a_request(&self) -> bool {
        self.method.is_some()
            || self.scheme.is_some()
            || self.authority.is_some()
            || self.path.is_some()
    }

    fn response(self) -> Option<Head<Response<()>>> {
        if self.is_of_a_request() {
            return None;
        }
        let length = content_length(&self.headers)?;
        let mut response = Response::new(());
        *response.status_mut() = self.status?;
        *response.version_mut() = Version::HTTP_2;
        *response.headers_mut() = self.headers;
        Some((response, length))
    }

    fn request(self) -> Option<Head<Request<()>>> {
        if self.status.is_some() {
            return None;
        }
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
