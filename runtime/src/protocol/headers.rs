//! The headers both sides write and read.

use crate::{
    compression::{ACCEPT, Compression},
    status::{self, Result, Status},
};
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use tonic::metadata::MetadataMap;

pub(super) const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
pub(super) const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
pub(super) const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub(super) const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Who calls, as every request of ours says.
pub(crate) const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("grpc-rust-cordial/", env!("CARGO_PKG_VERSION")));

/// Whether a content type is gRPC with protobuf messages.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
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

/// The headers that carry `metadata`.
pub(super) fn of(metadata: MetadataMap) -> HeaderMap {
    status::without_reserved(metadata).into_headers()
}

/// The metadata that `headers` carry.
pub(super) fn metadata(headers: HeaderMap) -> MetadataMap {
    status::without_reserved(MetadataMap::from_headers(headers))
}

/// How the messages that follow are compressed.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Option<Compression>> {
    let Some(name) = headers.get(ENCODING) else {
        return Ok(None);
    };
    Compression::named(name.as_bytes()).map_err(|()| {
        Status::unimplemented(format!(
            "messages are compressed with `{}`, which is not among {}",
            String::from_utf8_lossy(name.as_bytes()),
            ACCEPT.to_str().unwrap_or_default(),
        ))
    })
}
