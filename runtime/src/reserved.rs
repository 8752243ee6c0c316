//! Headers that are HTTP's and gRPC's own; metadata never holds them.

use http::{
    HeaderMap, HeaderName,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, TRANSFER_ENCODING, UPGRADE},
};

const NAMES: [HeaderName; 15] = [
    TE,
    CONTENT_TYPE,
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-status-details-bin"),
    HeaderName::from_static("grpc-timeout"),
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Leaves what is metadata.
pub(crate) fn strip(headers: &mut HeaderMap) {
    if !headers.is_empty() {
        for name in &NAMES {
            headers.remove(name);
        }
    }
}
