//! The types of the `google/*.proto` files that others import.

/// The well-known types: `google.protobuf`.
pub mod protobuf {
    pub use prost_types::*;
}

/// The types of HTTP rules and other API annotations: `google.api`.
#[allow(missing_docs)]
pub mod api {
    crate::include_protos!("google.api");
}

/// The types of rich errors: `google.rpc`.
#[allow(missing_docs)]
pub mod rpc {
    crate::include_protos!("google.rpc");
}
