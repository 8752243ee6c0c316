//! Statuses as Connect says them: in JSON, and as an HTTP status.

use super::{headers, json};
use crate::{
    engine::HttpBody,
    status::{Code, Status},
};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use prost::{
    bytes::Buf,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use tonic::metadata::MetadataMap;

/// A response that is nothing but an error.
pub(super) fn respond(status: &Status) -> http::Response<HttpBody> {
    respond_as(http_status(status.code()), status)
}

/// The same with an HTTP status that says more than its code does.
pub(super) fn respond_as(http: StatusCode, status: &Status) -> http::Response<HttpBody> {
    let mut out = String::new();
    write(status, &mut out);
    let length = out.len();
    let mut response = http::Response::new(HttpBody::from(Bytes::from(out)));
    *response.status_mut() = http;
    let headers = response.headers_mut();
    headers::add_trailers(headers, status.metadata().clone());
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// What the last envelope of a stream says (the specification's "EndStreamResponse").
pub(super) fn end_of_stream(trailers: MetadataMap, status: &Status) -> String {
    let mut metadata = headers::of(trailers);
    metadata.extend(headers::of(status.metadata().clone()));
    let mut out = String::from("{");
    if status.code() != Code::Ok {
        out.push_str("\"error\":");
        write(status, &mut out);
    }
    if !metadata.is_empty() {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str("\"metadata\":");
        write_metadata(&metadata, &mut out);
    }
    out.push('}');
    out
}

fn write_metadata(metadata: &HeaderMap, out: &mut String) {
    out.push('{');
    json::list(metadata.keys(), out, |name, out| {
        json::quote(name.as_str(), out);
        out.push_str(":[");
        json::list(metadata.get_all(name), out, |value, out| {
            json::quote(&String::from_utf8_lossy(value.as_bytes()), out);
        });
        out.push(']');
    });
    out.push('}');
}

fn write(status: &Status, out: &mut String) {
    out.push_str("{\"code\":");
    json::quote(name(status.code()), out);
    if !status.message().is_empty() {
        out.push_str(",\"message\":");
        json::quote(status.message(), out);
    }
    let details = details(status.details());
    if !details.is_empty() {
        out.push_str(",\"details\":[");
        json::list(details, out, |(kind, value), out| {
            out.push_str("{\"type\":");
            json::quote(&kind, out);
            out.push_str(",\"value\":");
            json::quote(&BASE64_STANDARD_NO_PAD.encode(value), out);
            out.push('}');
        });
        out.push(']');
    }
    out.push('}');
}

/// The types and values of the details in an encoded `google.rpc.Status`; what is
/// malformed ends the list.
fn details(mut status: &[u8]) -> Vec<(String, &[u8])> {
    const DETAILS: u32 = 3;
    let mut details = Vec::new();
    while let Some((number, bytes)) = next_field(&mut status) {
        if number == DETAILS {
            details.extend(bytes.and_then(any));
        }
    }
    details
}

/// The type and value of an encoded `google.protobuf.Any`.
fn any(mut any: &[u8]) -> Option<(String, &[u8])> {
    const TYPE_URL: u32 = 1;
    const VALUE: u32 = 2;
    let (mut kind, mut value) = (String::new(), &[][..]);
    while !any.is_empty() {
        match next_field(&mut any)? {
            (TYPE_URL, Some(url)) => {
                let url = String::from_utf8_lossy(url);
                kind = url.rsplit('/').next().unwrap_or_default().into();
            }
            (VALUE, Some(bytes)) => value = bytes,
            _ => {}
        }
    }
    Some((kind, value))
}

/// The next field: its number and, if it has any, its bytes.
fn next_field<'a>(message: &mut &'a [u8]) -> Option<(u32, Option<&'a [u8]>)> {
    let (number, wire) = decode_key(message).ok()?;
    if wire != WireType::LengthDelimited {
        skip_field(wire, number, message, DecodeContext::default()).ok()?;
        return Some((number, None));
    }
    let length = usize::try_from(decode_varint(message).ok()?).ok()?;
    let (bytes, _) = message.split_at_checked(length)?;
    message.advance(length);
    Some((number, Some(bytes)))
}

/// The HTTP status that goes with a code (the specification's "Error Codes").
fn http_status(code: Code) -> StatusCode {
    let number = match code {
        Code::Ok => 200,
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::DeadlineExceeded => 504,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::PermissionDenied => 403,
        Code::ResourceExhausted => 429,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::Unauthenticated => 401,
        Code::Unknown | Code::Internal | Code::DataLoss => 500,
    };
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn name(code: Code) -> &'static str {
    match code {
        // No error has it, so whoever says it does not know.
        Code::Ok | Code::Unknown => "unknown",
        Code::Cancelled => "canceled",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}
