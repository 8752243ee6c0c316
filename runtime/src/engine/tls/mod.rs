//! TLS by rustls, at least TLS 1.2, one crypto provider. What proves and whom
//! to trust can change while a server serves and a channel calls.

mod client;
mod identity;
mod names;
mod pem;
mod reloading;
mod server;
mod spiffe;

pub use client::ClientTls;
pub use identity::PeerIdentity;
pub use pem::Pem;
pub use server::ServerTls;
pub(super) use server::Shaken;

use super::{BoxError, Error, ErrorKind};
use rustls::crypto::CryptoProvider;
use std::sync::Arc;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn bad(what: impl Into<String>, error: impl Into<BoxError>) -> Error {
    Error::new(ErrorKind::Tls, what).because(error)
}
