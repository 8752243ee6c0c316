//! What the interop binaries share: their flags, their cases, their certificates.

pub mod case;
pub mod certificate;
pub mod flag;
