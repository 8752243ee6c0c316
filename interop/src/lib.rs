//! What the interop binaries are made of: the service, the cases, their flags and
//! their certificates.

pub mod case;
pub mod certificate;
pub mod client;
pub mod flag;
pub mod negative;
pub mod server;

cordial::include_protos!();

/// The descriptors of the suite's protos, for reflection.
pub const DESCRIPTORS: &[u8] = cordial::include_descriptors!();
