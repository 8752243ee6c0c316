use super::{
    Error, ErrorKind, Pem, bad,
    identity::PeerIdentity,
    names::certified,
    provider,
    reloading::{Plan, RELOAD_INTERVAL, Reloading},
    server::is_valid,
};
use crate::engine::Io;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Whom a channel trusts, and who it is itself. TLS 1.2 at least.
///
/// What comes from a [file](Pem::file) is read again when a connection is made
/// and nobody has looked for [10 s](Self::with_reload_interval); connections
/// that are open stay. New files that do not read, do not fit each other, or
/// have expired change nothing: that is logged as an error and counted.
#[derive(Clone, Debug)]
pub struct ClientTls {
    plan: ClientPlan,
    server_name: Option<ServerName<'static>>,
    interval: Duration,
    /// Made when first needed: the roots of the machine take time to read.
    made: Arc<OnceLock<Arc<Reloading<ClientPlan>>>>,
}

#[derive(Clone, Debug, Default)]
struct ClientPlan {
    roots: Option<Pem>,
    identity: Option<(Pem, Pem)>,
}

impl Default for ClientTls {
    fn default() -> Self {
        Self {
            plan: ClientPlan::default(),
            server_name: None,
            interval: RELOAD_INTERVAL,
            made: Arc::default(),
        }
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
    pub fn with_roots(mut self, pem: impl Into<Pem>) -> Result<Self, Error> {
        let pem = pem.into();
        pem.roots(&pem.read()?)?;
        self.plan.roots = Some(pem);
        Ok(self.changed())
    }

    /// Proves itself to the server with a certificate chain and key in PEM.
    ///
    /// # Errors
    /// `Tls` when either does not read, or the key is not the leaf's.
    pub fn with_identity(
        mut self,
        chain: impl Into<Pem>,
        key: impl Into<Pem>,
    ) -> Result<Self, Error> {
        let (chain, key) = (chain.into(), key.into());
        certified((&chain, &chain.read()?), (&key, &key.read()?))?;
        self.plan.identity = Some((chain, key));
        Ok(self.changed())
    }

    /// Expects the certificate of `name` instead of the target's host.
    ///
    /// # Errors
    /// `Tls` when `name` is neither a DNS name nor an IP address.
    pub fn with_server_name(mut self, name: &str) -> Result<Self, Error> {
        let read = ServerName::try_from(name.to_owned());
        self.server_name = Some(read.map_err(|error| bad("no server name", error))?);
        Ok(self)
    }

    /// Looks at the files no more often than this. Default 10 s.
    pub fn with_reload_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Connections from now on are made with the roots and the identity of
    /// `other`, on every clone. Those that are open stay.
    ///
    /// # Errors
    /// `Tls` when a file of `other` no longer reads.
    pub fn replace(&self, other: &Self) -> Result<(), Error> {
        let other = other.reloading()?;
        let mine = self.made.get_or_init(|| other.clone());
        if !Arc::ptr_eq(mine, other) {
            mine.replace(other);
        }
        Ok(())
    }

    /// How often another identity or other roots came into force.
    pub fn reloads(&self) -> u64 {
        self.made.get().map_or(0, |made| made.reloads())
    }

    /// How often new files could not be used.
    pub fn reload_failures(&self) -> u64 {
        self.made.get().map_or(0, |made| made.failures())
    }

    fn changed(mut self) -> Self {
        self.made = Arc::default();
        self
    }

    fn reloading(&self) -> Result<&Arc<Reloading<ClientPlan>>, Error> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = Arc::new(Reloading::new(self.plan.clone())?);
        Ok(self.made.get_or_init(|| made))
    }

    pub(in crate::engine) async fn connect<T: Io>(
        &self,
        host: &str,
        io: T,
        identity: Option<&str>,
    ) -> Result<TlsStream<T>, Error> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned())
                .map_err(|error| bad("the host is no TLS server name", error))?,
        };
        let reloading = self.reloading()?;
        if reloading.is_due(self.interval) {
            reloading.look().await;
        }
        let connected = TlsConnector::from(reloading.config())
            .connect(name, io)
            .await;
        let connected = connected.map_err(|error| {
            Error::new(ErrorKind::Connect, format!("no TLS with `{host}`")).because(error)
        })?;
        if let Some(identity) = identity {
            proves(connected.get_ref().1.peer_certificates(), host, identity)?;
        }
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

impl Plan for ClientPlan {
    type Config = ClientConfig;

    fn pems(&self) -> Vec<&Pem> {
        let identity = self.identity.iter();
        let identity = identity.flat_map(|(chain, key)| [chain, key]);
        identity.chain(&self.roots).collect()
    }

    fn build(&self, texts: &[Vec<u8>]) -> Result<ClientConfig, Error> {
        let roots = match (&self.roots, texts.last()) {
            (Some(pem), Some(text)) => pem.roots(text)?,
            _ => system_roots()?,
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("no TLS version is left", error))?
            .with_root_certificates(roots);
        let mut config = match (&self.identity, texts) {
            (Some((chain, key)), [chain_text, key_text, ..]) => builder
                .with_client_auth_cert(chain.certificates(chain_text)?, key.key(key_text)?)
                .map_err(|error| bad("the certificate and the key do not fit", error))?,
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }

    fn check(&self, texts: &[Vec<u8>]) -> Result<(), Error> {
        match (&self.identity, texts.first()) {
            (Some((chain, _)), Some(text)) => is_valid(chain, text),
            _ => Ok(()),
        }
    }
}

/// Checks that the certificate has `identity` among its names.
fn proves(chain: Option<&[CertificateDer<'_>]>, host: &str, identity: &str) -> Result<(), Error> {
    let peer = PeerIdentity::of(chain.unwrap_or_default());
    if peer.is_named(identity) {
        return Ok(());
    }
    let names: Vec<_> = peer.uris().iter().chain(peer.dns_names()).collect();
    Err(Error::new(
        ErrorKind::Tls,
        format!("a server of `{host}` proved to be {names:?}, and should be `{identity}`"),
    ))
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
