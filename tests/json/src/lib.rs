//! Messages of every kind, with their form in JSON.

#![allow(missing_docs)]

cordial::include_protos!();

/// What a library that reads descriptors is given.
pub const DESCRIPTORS: &[u8] = cordial::include_descriptors!();
