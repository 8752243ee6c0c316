//! HTTP/2 by hand: what is sent need not be what anybody should send.

pub(crate) mod frame;
pub(crate) mod hpack;
mod huffman;
mod peer;
mod queue;
mod seen;

pub(crate) use peer::{Ending, Hello, Peer};
pub(crate) use seen::Seen;
