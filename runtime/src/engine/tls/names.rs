//! Which of several certificates a client is shown.

use super::{Error, Pem, identity::PeerIdentity, provider};
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{collections::HashMap, sync::Arc};

/// Certificates by the DNS names they are for; the first is for everybody else.
#[derive(Debug)]
pub(super) struct Names {
    first: Arc<CertifiedKey>,
    /// A wildcard stands under its name without the star: `.example.com`.
    by_name: HashMap<String, Arc<CertifiedKey>>,
}

impl Names {
    pub(super) fn new(first: Arc<CertifiedKey>) -> Self {
        let mut names = Self {
            first: first.clone(),
            by_name: HashMap::new(),
        };
        names.add(first);
        names
    }

    /// The names of `certificate`, but for those that are taken.
    pub(super) fn add(&mut self, certificate: Arc<CertifiedKey>) {
        let identity = PeerIdentity::of(&certificate.cert);
        for name in identity.dns_names() {
            let name = match name.strip_prefix('*') {
                Some(rest) if rest.starts_with('.') => rest,
                _ => name,
            };
            self.by_name
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| certificate.clone());
        }
    }

    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        self.by_name.get(&name).or_else(|| {
            // A star stands for one label, and not for none.
            let dot = name.find('.').filter(|dot| *dot > 0)?;
            self.by_name.get(&name[dot..])
        })
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.find(name));
        Some(named.unwrap_or(&self.first).clone())
    }
}

/// The certificate that `chain` and `key` make together; each comes with its text.
pub(super) fn certified(
    (chain, chain_text): (&Pem, &[u8]),
    (key, key_text): (&Pem, &[u8]),
) -> Result<Arc<CertifiedKey>, Error> {
    let (certificates, secret) = (chain.certificates(chain_text)?, key.key(key_text)?);
    CertifiedKey::from_der(certificates, secret, &provider())
        .map(Arc::new)
        .map_err(|error| {
            let (chain, key) = (chain.place(), key.place());
            let what = format!("the certificate{chain} and the key{key} do not fit");
            super::bad(what, error)
        })
}
