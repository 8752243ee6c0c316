//! Every registry of the facade keeps the contract, and does what is its own.

#[cfg(feature = "files")]
mod files;
