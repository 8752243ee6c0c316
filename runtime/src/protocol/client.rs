//! The calling side of gRPC over HTTP/2.

use super::{
    encode::{self, Encoded},
    headers::{self, ACCEPT_ENCODING, ENCODING, GRPC, TIMEOUT, USER_AGENT},
};
use crate::{
    body::{Body, End, Kind, Wire},
    compression::{ACCEPT, Compression},
    deadline::{self, Deadline},
    engine::{self, HttpBody, Target, Unanswered},
    message::{Request, Response},
    method::Method,
    status::{self, Code, Result, Status},
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header, uri::PathAndQuery};

/// The HTTP request that makes this call.
pub(crate) fn request(
    target: &Target,
    method: Method,
    request: Request<Body>,
    compression: Option<Compression>,
) -> Result<http::Request<HttpBody>> {
    let deadline = request.deadline();
    let (body, mut head) = request.split();
    let body = match body.0 {
        Kind::One(message) => HttpBody::from(encode::one(&*message, compression)?),
        Kind::Many(messages) => HttpBody::new(Encoded::request(messages, compression)),
        Kind::Wire(_) => {
            return Err(Status::internal(
                "a layer called with messages it did not encode",
            ));
        }
    };
    let mut request = http::Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.version_mut() = http::Version::HTTP_2;
    *request.uri_mut() = uri(target, method)?;
    *request.extensions_mut() = std::mem::take(head.extensions_mut());
    let headers = request.headers_mut();
    *headers = headers::of(std::mem::take(head.metadata_mut()));
    write_headers(headers, deadline, compression)?;
    Ok(request)
}

fn uri(target: &Target, method: Method) -> Result<Uri> {
    Uri::builder()
        .scheme(target.scheme.clone())
        .authority(target.authority.clone())
        .path_and_query(PathAndQuery::from_static(method.path()))
        .build()
        .map_err(|error| Status::internal(format!("`{}`: {error}", method.path())))
}

fn write_headers(
    headers: &mut HeaderMap,
    deadline: Option<Deadline>,
    compression: Option<Compression>,
) -> Result<()> {
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert(header::CONTENT_TYPE, GRPC);
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    headers.insert(ACCEPT_ENCODING, ACCEPT);
    if let Some(compression) = compression {
        headers.insert(ENCODING, HeaderValue::from_static(compression.name()));
    }
    if let Some(deadline) = deadline {
        let timeout = deadline::format(deadline.remaining());
        let timeout = HeaderValue::try_from(timeout)
            .map_err(|error| Status::internal(format!("grpc-timeout: {error}")))?;
        headers.insert(TIMEOUT, timeout);
    }
    Ok(())
}

/// What the response's head says; its messages are still to come.
pub(crate) fn response(
    response: http::Response<HttpBody>,
    message_bytes_max: usize,
) -> Result<Response<Body>> {
    let (mut head, body) = response.into_parts();
    if let Some(status) = status::take(&mut head.headers) {
        // Trailers-only: the status came in place of messages.
        let trailers_only = match status.code() {
            Code::Ok => Status::new(Code::Ok, ""),
            _ => return Err(status),
        };
        let headers = status::trailers(&trailers_only);
        let ended = HttpBody::whole(bytes::Bytes::new(), Some(headers));
        return Ok(Response::new(Body::wire(Wire::new(
            ended,
            None,
            message_bytes_max,
            End::Response,
        ))));
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
    let compression =
        headers::encoding(&head.headers).map_err(|status| Status::internal(status.message()))?;
    let wire = Wire::new(body, compression, message_bytes_max, End::Response);
    let mut response = Response::new(Body::wire(wire)).with_compression(compression);
    *response.metadata_mut() = headers::metadata(head.headers);
    Ok(response)
}

/// Why a call has no response.
pub(crate) fn unanswered(failed: &Unanswered) -> Status {
    match engine::reset_reason(&failed.error) {
        Some(reason) => Status::new(
            status::of_reset(reason),
            format!("the peer reset the stream: {reason}"),
        ),
        None => match status_within(&failed.error) {
            Some(status) => status,
            None => Status::unavailable(format!("the connection broke: {}", failed.error)),
        },
    }
}

/// A status that our own request stream ended with.
fn status_within(error: &hyper::Error) -> Option<Status> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<Status>().cloned()
}
