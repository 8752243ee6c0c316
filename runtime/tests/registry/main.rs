//! The registry in this process keeps the contract of all registries; and what
//! channels and servers make of any.

#[path = "../common/mod.rs"]
mod common;

mod contract;
mod resolver;
mod skew;
