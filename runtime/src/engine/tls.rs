//! TLS by rustls, at least TLS 1.2, one crypto provider.

use super::{Error, ErrorKind, Io};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::WebPkiClientVerifier,
};
use std::{
    io,
    sync::{Arc, OnceLock},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// Whom a server is, and whom it lets in.
#[derive(Clone)]
pub struct ServerTls(TlsAcceptor);

/// Whom a channel trusts, and who it is itself.
#[derive(Clone, Debug, Default)]
pub struct ClientTls {
    roots: Option<Arc<RootCertStore>>,
    identity: Option<Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>>,
    server_name: Option<ServerName<'static>>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn bad(what: &str, error: impl Into<super::BoxError>) -> Error {
    Error::new(ErrorKind::Tls, what).because(error)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let read = read.map_err(|error| bad("the certificates are not PEM", error))?;
    if read.is_empty() {
        return Err(Error::new(ErrorKind::Tls, "the PEM holds no certificate"));
    }
    Ok(read)
}

fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| bad("the PEM holds no private key", error))
}

fn roots(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots
            .add(certificate)
            .map_err(|error| bad("a certificate is no trust root", error))?;
    }
    Ok(roots)
}

impl ServerTls {
    /// Proves itself with the certificate chain (leaf first) and key in PEM.
    ///
    /// # Errors
    /// `Tls` when either does not read, or the key is not the leaf's.
    pub fn new(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, Error> {
        Self::build(chain_pem, key_pem, None)
    }

    /// The same, and asks every client for a certificate that one of the roots
    /// in `client_roots_pem` signed (mutual TLS).
    ///
    /// # Errors
    /// `Tls` when something does not read, or the key is not the leaf's.
    pub fn mutual(
        chain_pem: &[u8],
        key_pem: &[u8],
        client_roots_pem: &[u8],
    ) -> Result<Self, Error> {
        Self::build(chain_pem, key_pem, Some(roots(client_roots_pem)?))
    }

    fn build(
        chain_pem: &[u8],
        key_pem: &[u8],
        clients: Option<RootCertStore>,
    ) -> Result<Self, Error> {
        let versions = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("no TLS version is left", error))?;
        let verifier = match clients {
            None => versions.with_no_client_auth(),
            Some(roots) => versions.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
                    .build()
                    .map_err(|error| bad("the client roots do not serve", error))?,
            ),
        };
        let mut config = verifier
            .with_single_cert(certificates(chain_pem)?, key(key_pem)?)
            .map_err(|error| bad("the certificate and the key do not fit", error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) async fn accept<T: Io>(&self, io: T) -> io::Result<server::TlsStream<T>> {
        self.0.accept(io).await
    }
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

impl ClientTls {
    /// Trusts the roots of the operating system.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the roots in `pem` and no others.
    ///
    /// # Errors
    /// `Tls` when it does not read.
    pub fn with_roots(mut self, pem: &[u8]) -> Result<Self, Error> {
        self.roots = Some(Arc::new(roots(pem)?));
        Ok(self.changed())
    }

    /// Proves itself to the server with a certificate chain and key in PEM.
    ///
    /// # Errors
    /// `Tls` when either does not read.
    pub fn with_identity(mut self, chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, Error> {
        self.identity = Some(Arc::new((certificates(chain_pem)?, key(key_pem)?)));
        Ok(self.changed())
    }

    /// Expects the certificate of `name` instead of the target's host.
    ///
    /// # Errors
    /// `Tls` when `name` is neither a DNS name nor an IP address.
    pub fn with_server_name(mut self, name: &str) -> Result<Self, Error> {
        let read = ServerName::try_from(name.to_owned());
        self.server_name = Some(read.map_err(|error| bad("no server name", error))?);
        Ok(self.changed())
    }

    fn changed(mut self) -> Self {
        self.config = Arc::default();
        self
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let roots = match &self.roots {
            Some(roots) => roots.clone(),
            None => Arc::new(system_roots()?),
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("no TLS version is left", error))?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.0.clone(), identity.1.clone_key())
                .map_err(|error| bad("the certificate and the key do not fit", error))?,
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(self.config.get_or_init(|| Arc::new(config)).clone())
    }

    pub(super) async fn connect<T: Io>(
        &self,
        host: &str,
        io: T,
    ) -> Result<client::TlsStream<T>, Error> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned())
                .map_err(|error| bad("the host is no TLS server name", error))?,
        };
        let connected = TlsConnector::from(self.config()?).connect(name, io).await;
        let connected = connected.map_err(|error| {
            Error::new(ErrorKind::Connect, format!("no TLS with `{host}`")).because(error)
        })?;
        // A server without ALPN may still speak HTTP/2 by prior knowledge; one that chose otherwise does not.
        match connected.get_ref().1.alpn_protocol() {
            None | Some(b"h2") => Ok(connected),
            Some(_) => Err(Error::new(
                ErrorKind::Connect,
                format!("`{host}` offers no HTTP/2 (ALPN h2)"),
            )),
        }
    }
}

fn system_roots() -> Result<RootCertStore, Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(Error::new(
            ErrorKind::Tls,
            "this machine has no trust roots; name your own with `ClientTls::with_roots`",
        ));
    }
    Ok(roots)
}
