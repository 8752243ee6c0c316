//! How a call ends, and how that reads on the wire.

use crate::reserved;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use percent_encoding::percent_decode;
use tonic::metadata::MetadataMap;

pub use tonic::{Code, Status};

/// Whatever a handler or a call ends with.
pub type Result<T, E = Status> = std::result::Result<T, E>;

const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
const DETAILS: &str = "grpc-status-details-bin";

/// Takes the status out of trailers (or of trailers-only headers); `None` if
/// there is none. What is malformed becomes UNKNOWN, never a panic.
pub(crate) fn take(headers: &mut HeaderMap) -> Option<Status> {
    let code = headers.remove(STATUS)?;
    let code = Code::from_bytes(code.as_bytes());
    let message = headers.remove(MESSAGE).map_or(String::new(), |value| {
        percent_decode(value.as_bytes())
            .decode_utf8_lossy()
            .into_owned()
    });
    if code == Code::Ok && message.is_empty() && !headers.contains_key(DETAILS) {
        return Some(Status::new(Code::Ok, ""));
    }
    let mut metadata = MetadataMap::from_headers(std::mem::take(headers));
    let details = metadata
        .remove_bin(DETAILS)
        .and_then(|details| details.to_bytes().ok())
        .unwrap_or_default();
    let metadata = without_reserved(metadata);
    Some(Status::with_details_and_metadata(
        code, message, details, metadata,
    ))
}

/// Moves the headers a status consists of out of `headers`.
pub(crate) fn move_out(headers: &mut HeaderMap) -> HeaderMap {
    let mut moved = HeaderMap::new();
    for key in [STATUS, MESSAGE, DETAILS] {
        if let Some(value) = headers.remove(key) {
            moved.insert(key, value);
        }
    }
    moved
}

/// The trailers that say `status`.
pub(crate) fn trailers(status: &Status) -> HeaderMap {
    let mut headers = without_reserved(status.metadata().clone()).into_headers();
    let details = Bytes::copy_from_slice(status.details());
    let bare = Status::with_details(status.code(), status.message(), details);
    if bare.add_header(&mut headers).is_err() {
        headers.clear();
        headers.insert(STATUS, HeaderValue::from_static("13"));
    }
    headers
}

/// The trailers of a call that went well, with `metadata` beside.
pub(crate) fn ok_trailers(metadata: MetadataMap) -> HeaderMap {
    let mut headers = if metadata.is_empty() {
        HeaderMap::with_capacity(1)
    } else {
        without_reserved(metadata).into_headers()
    };
    headers.insert(STATUS, HeaderValue::from_static("0"));
    headers
}

/// What another process would learn of `status`: not its source, no reserved key.
pub(crate) fn as_if_sent(status: &Status) -> Status {
    Status::with_details_and_metadata(
        status.code(),
        status.message(),
        Bytes::copy_from_slice(status.details()),
        without_reserved(status.metadata().clone()),
    )
}

/// Metadata as the other end of a wire would see it.
pub(crate) fn without_reserved(metadata: MetadataMap) -> MetadataMap {
    let mut headers = metadata.into_headers();
    reserved::strip(&mut headers);
    MetadataMap::from_headers(headers)
}

/// What an HTTP response without a gRPC status means (the gRPC document
/// "HTTP to gRPC Status Code Mapping").
pub(crate) fn of_http(http: StatusCode) -> Status {
    let code = match http {
        StatusCode::BAD_REQUEST => Code::Internal,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::Unimplemented,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(
        code,
        format!("the peer answered HTTP {http} and no grpc-status"),
    )
}

/// What the reset of a stream with this error code means (gRPC over HTTP/2, "Errors").
pub(crate) fn of_reset(code: u32) -> Code {
    const REFUSED_STREAM: u32 = 0x7;
    const CANCEL: u32 = 0x8;
    const ENHANCE_YOUR_CALM: u32 = 0xb;
    const INADEQUATE_SECURITY: u32 = 0xc;
    match code {
        REFUSED_STREAM => Code::Unavailable,
        CANCEL => Code::Cancelled,
        ENHANCE_YOUR_CALM => Code::ResourceExhausted,
        INADEQUATE_SECURITY => Code::PermissionDenied,
        _ => Code::Internal,
    }
}

pub(crate) fn deadline_exceeded() -> Status {
    Status::deadline_exceeded("the deadline passed before the call ended")
}
