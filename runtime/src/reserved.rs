//! Headers that are HTTP's and gRPC's own; metadata never holds them.

use http::HeaderMap;

fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        "te" | "content-type"
            | "grpc-accept-encoding"
            | "grpc-encoding"
            | "grpc-message"
            | "grpc-status"
            | "grpc-status-details-bin"
            | "grpc-timeout"
            | "connection"
            | "content-length"
            | "host"
            | "keep-alive"
            | "proxy-connection"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Leaves what is metadata. Reading the few names there are is cheaper than
/// hashing the many there might be.
pub(crate) fn strip(headers: &mut HeaderMap) {
    while let Some(name) = headers
        .keys()
        .find(|name| is_reserved(name.as_str()))
        .cloned()
    {
        headers.remove(name);
    }
}
