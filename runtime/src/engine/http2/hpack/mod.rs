//! Header compression (RFC 7541).

mod decode;
mod encode;
mod field;
mod huffman;

pub(super) use decode::Decoder;
pub(super) use encode::{Encoder, Start};
pub(super) use field::Field;

/// The size of a dynamic table before either side says otherwise (section 4.2 of
/// RFC 7541, section 6.5.2 of RFC 9113). Ours stay so.
const TABLE_BYTES: usize = 4_096;

/// What an entry counts beside its name and value (section 4.1).
const ENTRY_BYTES: usize = 32;

/// Entries of the static table (appendix A).
const STATIC_ENTRIES: usize = 61;
