//! Every registry of the facade keeps the contract, and does what is its own.

#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "etcd")]
mod process;
