//! The headers both sides write and read.

use super::super::headers::media_type;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};

pub(super) const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
pub(super) const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
pub(in super::super) const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub(in super::super) const ACCEPT_ENCODING: HeaderName =
    HeaderName::from_static("grpc-accept-encoding");

/// Who calls, as every request of ours says.
pub(crate) const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("grpc-rust-cordial/", env!("CARGO_PKG_VERSION")));

pub(super) const GRPC_JSON: HeaderValue = HeaderValue::from_static("application/grpc+json");

/// Whether a content type is gRPC with messages in JSON.
pub(in super::super) fn is_grpc_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case(GRPC_JSON.as_bytes()))
}

/// Whether a content type is gRPC with protobuf messages.
pub(in super::super) fn is_grpc(headers: &HeaderMap) -> bool {
    const TYPE: &[u8] = b"application/grpc";
    let Some(value) = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) else {
        return false;
    };
    match value.split_at_checked(TYPE.len()) {
        Some((kind, rest)) if kind.eq_ignore_ascii_case(TYPE) => {
            let parameters = rest.strip_prefix(b"+proto").unwrap_or(rest).trim_ascii();
            parameters.is_empty() || parameters.starts_with(b";")
        }
        _ => false,
    }
}
