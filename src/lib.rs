//! One `.proto`, every face of a service, and no lost call.

// Generated code names `::cordial`, here too.
extern crate self as cordial;

pub use cordial_runtime::*;
#[doc(hidden)]
pub use prost;

pub mod google;
#[cfg(feature = "health")]
pub mod health;
#[cfg(feature = "reflection")]
pub mod reflection;

pub use tonic_types::{ErrorDetails, StatusExt};

/// Includes what the generator wrote: `include_protos!("hello.v1")` one
/// package, `include_protos!()` all of them as nested modules, which is needed
/// where one package names another's messages.
#[macro_export]
macro_rules! include_protos {
    () => {
        include!(concat!(env!("OUT_DIR"), "/_packages.rs"));
    };
    ($package:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
    };
}

/// The encoded `google.protobuf.FileDescriptorSet` of what the generator read,
/// custom options and imports included, as a `&'static [u8]`.
#[macro_export]
macro_rules! include_descriptors {
    () => {
        include_bytes!(concat!(env!("OUT_DIR"), "/_descriptors.bin")).as_slice()
    };
}
