//! The calling side of gRPC over HTTP/2.

use super::{
    super::{
        encode::{self, Encoded as Messages},
        headers as all,
    },
    headers::{self, ACCEPT_ENCODING, ENCODING, GRPC, TIMEOUT, USER_AGENT},
};
use crate::{
    body::{Body, End, Kind, PREFIX_BYTES, Wire},
    compression::{ACCEPT, Compression},
    deadline::{self, Deadline},
    engine::{Connector, HttpBody},
    message::{Request, Response},
    method::Method,
    status::{self, Code, Result, Status},
    underway::Underway,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header, uri::PathAndQuery};
use http_body::Body as _;
use std::sync::LazyLock;
use tonic::metadata::MetadataMap;

/// What every request says besides its timeout, for which there is room.
static COMMON: LazyLock<HeaderMap> = LazyLock::new(|| {
    let mut headers = HeaderMap::with_capacity(6);
    write_common(&mut headers);
    headers.insert(TIMEOUT, HeaderValue::from_static("0n"));
    headers
});

/// A call in HTTP's terms.
pub(crate) struct Encoded {
    /// The request, without what [`stamp`] adds.
    pub(crate) request: http::Request<HttpBody>,
    /// What the method's `hash_field` comes to, if it has one.
    pub(crate) hash: Option<u64>,
}

/// The HTTP request that makes this call.
pub(crate) fn request(
    connector: &Connector,
    method: Method,
    request: Request<Body>,
    compression: Option<Compression>,
    message_bytes_max: usize,
) -> Result<Encoded> {
    let (body, mut head) = request.split();
    let mut hash = None;
    let body = match body.kind {
        Kind::One(message) => {
            let encoded = encode::one(&*message, compression)?;
            if encoded.len() - PREFIX_BYTES > message_bytes_max {
                return Err(too_large(encoded.len() - PREFIX_BYTES, message_bytes_max));
            }
            hash = match compression {
                None => method.hash(&encoded[PREFIX_BYTES..]),
                Some(_) if method.has_hash() => {
                    method.hash(&encode::one(&*message, None)?[PREFIX_BYTES..])
                }
                Some(_) => None,
            };
            HttpBody::from(encoded)
        }
        Kind::Many(messages) => HttpBody::new(Messages::request(messages, compression)),
        Kind::Wire(_) => {
            return Err(Status::internal(
                "a layer called with messages it did not encode",
            ));
        }
    };
    let mut request = http::Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.version_mut() = http::Version::HTTP_2;
    *request.uri_mut() = uri(connector, method)?;
    *request.extensions_mut() = std::mem::take(head.extensions_mut());
    let headers = request.headers_mut();
    *headers = all::of(std::mem::take(head.metadata_mut()));
    if let Some(compression) = compression {
        headers.insert(ENCODING, HeaderValue::from_static(compression.name()));
    }
    Ok(Encoded { request, hash })
}

fn too_large(bytes: usize, bytes_max: usize) -> Status {
    Status::resource_exhausted(format!(
        "a request of {bytes} bytes is over what the policy of its method allows ({bytes_max})"
    ))
}

/// Adds what every request says, and how much is left of `deadline`, right before it is
/// sent. What is said again replaces what was said before.
pub(crate) fn stamp(headers: &mut HeaderMap, deadline: Option<Deadline>) {
    match headers.is_empty() {
        // Most calls have no metadata; to copy a map is to hash nothing.
        true => headers.clone_from(&COMMON),
        false => write_common(headers),
    }
    let timeout = deadline.map(|deadline| deadline::format(deadline.remaining()));
    match timeout.and_then(|timeout| HeaderValue::from_bytes(timeout.as_bytes()).ok()) {
        Some(timeout) => headers.insert(TIMEOUT, timeout),
        None => headers.remove(TIMEOUT),
    };
}

fn uri(connector: &Connector, method: Method) -> Result<Uri> {
    let path = method.path();
    let refused = |error: &dyn std::fmt::Display| {
        Status::internal(format!("`{path}` is no path of a method: {error}"))
    };
    let read = PathAndQuery::from_maybe_shared(Bytes::from_static(path.as_bytes()));
    Uri::builder()
        .scheme(connector.scheme.clone())
        .authority(connector.authority.clone())
        .path_and_query(read.map_err(|error| refused(&error))?)
        .build()
        .map_err(|error| refused(&error))
}

fn write_common(headers: &mut HeaderMap) {
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert(header::CONTENT_TYPE, GRPC);
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    headers.insert(ACCEPT_ENCODING, ACCEPT);
}

/// What the response's head says; its messages are still to come.
pub(crate) fn response(
    response: http::Response<HttpBody>,
    message_bytes_max: usize,
    mut underway: Underway,
) -> Result<Response<Body>> {
    match read_response(response, message_bytes_max) {
        Ok(mut response) => {
            underway.answered();
            if let Kind::Wire(wire) = &mut response.get_mut().kind {
                wire.keep(underway);
            }
            Ok(response)
        }
        Err(mut status) => {
            underway.ended(Err(&mut status));
            Err(status)
        }
    }
}

/// The same of a response that tells nothing of its address.
pub(crate) fn read_response(
    response: http::Response<HttpBody>,
    message_bytes_max: usize,
) -> Result<Response<Body>> {
    let (mut head, body) = response.into_parts();
    if (body.is_end_stream() || head.status != StatusCode::OK)
        && let Some(status) = status::take(&mut head.headers)
    {
        return trailers_only(status, head.headers, message_bytes_max);
    }
    if head.status != StatusCode::OK {
        return Err(status::of_http(head.status));
    }
    if !headers::is_grpc(&head.headers) {
        let kind = head.headers.get(header::CONTENT_TYPE);
        let kind = kind.map_or("none".into(), |kind| {
            String::from_utf8_lossy(kind.as_bytes()).into_owned()
        });
        return Err(Status::unknown(format!(
            "the peer answered with content type `{kind}`, not gRPC"
        )));
    }
    // A server that picks what we did not offer is at fault, not our caller.
    let compression = all::encoding(head.headers.get(ENCODING).map(HeaderValue::as_bytes))
        .map_err(|status| Status::internal(status.message()))?;
    let mut wire = Wire::new(body, compression, message_bytes_max, End::Response);
    wire.unless_data(status::move_out(&mut head.headers));
    let mut response = Response::new(Body::wire(wire)).with_compression(compression);
    *response.metadata_mut() = all::metadata(head.headers);
    Ok(response)
}

/// A response that is nothing but a status ("Trailers-Only").
fn trailers_only(
    status: Status,
    rest: HeaderMap,
    message_bytes_max: usize,
) -> Result<Response<Body>> {
    if status.code() != Code::Ok {
        return Err(status);
    }
    let metadata = match status.metadata().is_empty() {
        true => MetadataMap::from_headers(rest),
        false => status.metadata().clone(),
    };
    let ended = HttpBody::whole(Bytes::new(), Some(status::ok_trailers(metadata)));
    let wire = Wire::new(ended, None, message_bytes_max, End::Response);
    Ok(Response::new(Body::wire(wire)))
}
