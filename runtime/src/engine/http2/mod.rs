//! HTTP/2 connections (RFC 9113), made for calls: one task reads frames and writes
//! what all calls have to say with one system call. Both sides are one connection
//! with two roles.
//!
//! A server runs every call as a task of its own that puts its reply where the
//! connection will find it:
//!
//! ```text
//! socket -> parse -> receive -> serving -> running -> Answer
//! socket <- outbox <- sending <- running
//! ```
//!
//! A client's call puts its request there itself, and is woken for the response:
//!
//! ```text
//! Caller::begin -> places -> sending -> outbox -> socket
//! Begun <- stream <- receive <- parse <- socket
//! ```
//!
//! # What holds
//!
//! - A connection has one mutex, around [`state::State`]. Nothing of a user's runs
//!   under it and no task is spawned under it: a runtime that shuts down drops a
//!   task at once, and a dropped call takes the lock. No second lock is taken under it.
//! - Who changes what another waits for wakes it under the lock, or right after it:
//!
//! | who sleeps | where its waker is | what wakes it |
//! |---|---|---|
//! | the connection's task | `State::task` | `State::wake`: something to write, a place for a call, an open gate |
//! | a call whose stream may send nothing | `Outgoing::sender` | WINDOW_UPDATE, SETTINGS, the stream's end |
//! | a call that waits for what all share | the same, and in `State::blocked` | `State::wake_blocked`, in their order |
//! | a call whose peer reads too little | `State::gated` | `State::open_gate` |
//! | the reader of a request, or of a response | `Incoming::reader` | head, data, trailers, the end; on a server the clock |
//!
//! - `State::awake` is set as long as the connection's task runs or was woken; it
//!   looks at everything before it sleeps, so waking it then is for nothing.
//! - `Shared::held` is the sum of `Outgoing::held` over the streams and of what the
//!   socket has not taken, and its part of `Budget`. `State::receive_window` plus the
//!   unread bytes of all streams plus `State::released` is the window we gave.
//! - `Shared::remove` forgets one stream and repairs these sums; `Shared::abort` ends
//!   the connection, after which only `held` and what clients have not read is asked for.
//! - Who is woken for what the socket brought is collected in `State::woken` and woken
//!   without the lock, all at once: what they say then leaves together.
//! - A client's stream has a place while `Stream::is_over` is false, and is forgotten by
//!   whoever reads it. From its `Outgoing::begins_at` it is known whether a byte of it has left.

mod body;
mod budget;
mod caller;
mod calls;
mod clock;
mod connection;
mod frame;
mod head;
mod headers;
mod hpack;
mod outbox;
mod parse;
mod places;
mod receive;
mod room;
mod running;
mod sending;
mod state;
mod stream;
mod strikes;
mod window;

pub(super) use body::StreamBody;
pub(crate) use budget::Budget;
pub(crate) use caller::Begun;
pub(crate) use caller::Unanswered;
pub(super) use caller::{Caller, Refused};
pub(super) use connection::{Observer, call, serve};
pub(super) use room::Room;
