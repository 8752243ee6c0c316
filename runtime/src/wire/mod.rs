//! Wire: how the fields of a message are written and read, whatever the message.
//!
//! Generated code lists the fields, a line each, and one macro makes a [`Message`] of the list. So what a
//! user's compiler checks is that list, and not the same hundred lines for every message.
//!
//! [`Message`]: prost::Message

mod enumeration;
mod field;
pub mod kind;
mod map;
mod message;
mod named;
mod oneof;
mod value;
mod visit;

pub use field::{Field, located};
pub use kind::{Kind, Packed};
pub use map::Map;
pub use named::{Named, named};
pub use oneof::{Oneof, variant};
pub use value::{Known, known, value};
pub use visit::{Encoder, Fields, Length, Visit};
