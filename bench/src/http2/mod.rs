//! HTTP/2 by hand: what both lean ends of a measurement are made of. Nothing
//! here is shared with those who are measured, so no error of theirs hides.

pub(crate) mod frame;
pub(crate) mod hpack;
mod huffman;
