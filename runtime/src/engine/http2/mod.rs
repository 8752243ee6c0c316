//! An HTTP/2 server connection (RFC 9113), made for calls: one task reads frames
//! and writes what all calls have to say with one system call; every call is a
//! task of its own that puts its reply where the connection will find it.
//!
//! ```text
//! socket -> parse -> receive -> call -> Answer
//! socket <- outbox <- call
//! ```

mod body;
mod budget;
mod call;
mod clock;
mod connection;
mod frame;
mod head;
mod hpack;
mod outbox;
mod parse;
mod receive;
mod state;
mod stream;
mod strikes;
mod window;

pub(super) use body::RequestBody;
pub(crate) use budget::Budget;
pub(super) use connection::serve;
