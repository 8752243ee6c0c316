//! Every registry of the facade keeps the contract, and does what is its own.

#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "nats")]
mod nats;
#[cfg(any(feature = "etcd", feature = "nats"))]
mod process;
