//! Channels and servers from the outside: connecting and connecting again,
//! addresses, services and layers of others.

#[path = "../common/mod.rs"]
mod common;

mod chain;
mod connecting;
mod explain;
mod further;
mod health;
mod lost;
mod others;
mod panics;
#[cfg(feature = "service-config")]
mod precedence;
mod reports;
mod several;
mod sockets;
