//! The server under test, and new channels to it.

use cordial::{Channel, ClientTls, Pem};

use super::Failure;
use crate::flag::Client;

/// The server under test.
#[derive(Clone, Debug)]
pub(super) struct Target {
    uri: String,
    tls: Option<ClientTls>,
}

impl Target {
    /// The server that the flags name.
    pub(super) fn new(flags: &Client) -> Result<Self, Failure> {
        let scheme = if flags.tls.use_tls { "https" } else { "http" };
        Ok(Self {
            uri: format!("{scheme}://{}:{}", flags.server_host, flags.server_port),
            tls: flags.tls.use_tls.then(|| tls(flags)).transpose()?,
        })
    }

    /// A channel that shares its connection with no other.
    pub(super) fn channel(&self) -> Result<Channel, Failure> {
        let channel = Channel::to(&self.uri)?;
        Ok(match &self.tls {
            Some(tls) => channel.with_tls(tls.clone()),
            None => channel,
        })
    }
}

fn tls(flags: &Client) -> Result<ClientTls, Failure> {
    let mut tls = ClientTls::new();
    if flags.tls.use_test_ca
        && let Some(path) = &flags.tls.ca_file
    {
        tls = tls.with_roots(Pem::file(path))?;
    }
    if let (Some(certificate), Some(key)) = (&flags.tls.tls_cert_file, &flags.tls.tls_key_file) {
        tls = tls.with_identity(Pem::file(certificate), Pem::file(key))?;
    }
    match &flags.server_host_override {
        Some(name) => Ok(tls.with_server_name(name)?),
        None => Ok(tls),
    }
}
