//! The lean client: one thread, frames by hand, one write for all calls that
//! became ready, no task and no allocation for a call.

mod call;
mod connection;
mod drive;
mod headers;
mod receive;
mod send;
#[cfg(test)]
mod tests;

pub(crate) use call::{Plan, Shape};
pub(crate) use connection::Connection;
pub(crate) use drive::{Generator, Load, Source};
