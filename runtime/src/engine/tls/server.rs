use super::{
    Error, ErrorKind, Pem, bad,
    identity::{self, PeerIdentity},
    names::{Names, certified},
    provider,
    reloading::{Plan, RELOAD_INTERVAL, Reloading},
};
use crate::{engine::Io, limits::Limit, metrics::Metrics};
use rustls::{
    ServerConfig,
    server::{Acceptor, WebPkiClientVerifier},
};
use std::{
    fmt, io,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Semaphore,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

/// A connection after its handshake, and whose it is.
pub(in crate::engine) type Shaken<T> = (TlsStream<T>, Option<PeerIdentity>);

/// Whom a server is, and whom it lets in. TLS 1.2 at least.
///
/// ```no_run
/// # fn tls() -> Result<(), cordial_runtime::Error> {
/// use cordial_runtime::{Pem, Server, ServerTls};
///
/// // Followed: whoever renews the files need not tell the server.
/// let tls = ServerTls::mutual(
///     Pem::file("/etc/tls/tls.crt"),
///     Pem::file("/etc/tls/tls.key"),
///     Pem::file("/etc/tls/clients.crt"),
/// )?;
/// let server = Server::new().tls(tls);
/// # drop(server);
/// # Ok(())
/// # }
/// ```
///
/// What comes from a file is looked at every [10 s](Self::with_reload_interval)
/// while the server serves. New contents hold for the handshakes from then on;
/// connections that are open stay, with what they agreed on. New files that do
/// not read, do not fit each other, or have expired change nothing: that is
/// logged as an error and counted, and the ones before stay in force. Sessions
/// are not resumed across a change, so every client is checked against the new
/// roots when it connects again.
///
/// A clone is the same thing: keep one to [`replace`](Self::replace) what the
/// server serves with.
#[derive(Clone)]
pub struct ServerTls {
    reloading: Arc<Reloading<ServerPlan>>,
    interval: Duration,
}

#[derive(Clone, Debug)]
struct ServerPlan {
    certificates: Vec<Certificate>,
    clients: Option<Pem>,
}

#[derive(Clone, Debug)]
struct Certificate {
    chain: Pem,
    key: Pem,
}

impl ServerTls {
    /// Proves itself with the certificate chain (leaf first) and key in PEM.
    /// Files are read at once, which waits for the disk.
    ///
    /// # Errors
    /// `Tls` when either does not read, or the key is not the leaf's.
    pub fn new(chain: impl Into<Pem>, key: impl Into<Pem>) -> Result<Self, Error> {
        Self::build(chain.into(), key.into(), None)
    }

    /// The same, and asks every client for a certificate that one of the roots
    /// in `client_roots` signed (mutual TLS). Handlers see whom it is for:
    /// [`Request::peer_identity`](crate::Request::peer_identity).
    ///
    /// # Errors
    /// `Tls` when something does not read, or the key is not the leaf's.
    pub fn mutual(
        chain: impl Into<Pem>,
        key: impl Into<Pem>,
        client_roots: impl Into<Pem>,
    ) -> Result<Self, Error> {
        Self::build(chain.into(), key.into(), Some(client_roots.into()))
    }

    fn build(chain: Pem, key: Pem, clients: Option<Pem>) -> Result<Self, Error> {
        let certificates = vec![Certificate { chain, key }];
        let reloading = Reloading::new(ServerPlan {
            certificates,
            clients,
        })?;
        Ok(Self {
            reloading: Arc::new(reloading),
            interval: RELOAD_INTERVAL,
        })
    }

    /// Has another certificate too: who asks for a server name (SNI) that is
    /// one of its DNS names, or matches one that starts with `*.`, gets it.
    /// Everybody else gets the first.
    ///
    /// # Errors
    /// `Tls` when something does not read, or the key is not the leaf's.
    pub fn with_certificate(
        self,
        chain: impl Into<Pem>,
        key: impl Into<Pem>,
    ) -> Result<Self, Error> {
        let mut plan = (*self.reloading.plan()).clone();
        plan.certificates.push(Certificate {
            chain: chain.into(),
            key: key.into(),
        });
        Ok(Self {
            reloading: Arc::new(Reloading::new(plan)?),
            ..self
        })
    }

    /// Looks at the files this often. Default 10 s.
    pub fn with_reload_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Handshakes from now on go by `other`, on every clone. Connections that
    /// are open stay.
    pub fn replace(&self, other: &Self) {
        self.reloading.replace(&other.reloading);
    }

    /// How often other certificates or roots came into force.
    pub fn reloads(&self) -> u64 {
        self.reloading.reloads()
    }

    /// How often new files could not be used.
    pub fn reload_failures(&self) -> u64 {
        self.reloading.failures()
    }

    /// Whether clients have to prove themselves.
    pub(crate) fn is_mutual(&self) -> bool {
        self.reloading.plan().clients.is_some()
    }

    /// The SPIFFE ID that its first certificate is for, if it is a workload's.
    pub(crate) fn spiffe_id(&self) -> Option<String> {
        let plan = self.reloading.plan();
        let chain = &plan.certificates.first()?.chain;
        let certificates = chain.certificates(&chain.read().ok()?).ok()?;
        PeerIdentity::of(&certificates)
            .spiffe_id()
            .map(str::to_owned)
    }

    /// Looks at the files for as long as it is polled.
    pub(crate) async fn follow(&self) {
        // No span at all would look all the time.
        const INTERVAL_MIN: Duration = Duration::from_millis(1);
        loop {
            tokio::time::sleep(self.interval.max(INTERVAL_MIN)).await;
            if self.reloading.is_due(Duration::ZERO) {
                self.reloading.look().await;
            }
        }
    }

    /// Whoever has said its hello in full waits for one of `places`, those who
    /// have not cost none.
    pub(in crate::engine) async fn accept<T: Io>(
        &self,
        io: T,
        places: &Semaphore,
        metrics: &Metrics,
    ) -> io::Result<Shaken<T>> {
        let mut acceptor = LazyConfigAcceptor::new(Acceptor::default(), io);
        let hello = match (&mut acceptor).await {
            Ok(hello) => hello,
            Err(error) => {
                linger(acceptor.take_io()).await;
                return Err(error);
            }
        };
        if places.available_permits() == 0 {
            metrics.reached(Limit::HandshakesMax);
        }
        let place = places.acquire().await;
        let shaken = hello.into_stream(self.reloading.config()).into_fallible();
        let stream = match shaken.await {
            Ok(stream) => stream,
            Err((error, io)) => {
                drop(place);
                linger(Some(io)).await;
                return Err(error);
            }
        };
        let identity = stream.get_ref().1.peer_certificates().map(PeerIdentity::of);
        Ok((stream, identity))
    }
}

impl Plan for ServerPlan {
    type Config = ServerConfig;

    fn pems(&self) -> Vec<&Pem> {
        let certificates = self.certificates.iter();
        let certificates = certificates.flat_map(|each| [&each.chain, &each.key]);
        certificates.chain(&self.clients).collect()
    }

    fn build(&self, texts: &[Vec<u8>]) -> Result<Self::Config, Error> {
        let versions = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| bad("no TLS version is left", error))?;
        let (certificates, clients) = texts.split_at(2 * self.certificates.len());
        let verified = match self.clients.as_ref().zip(clients.first()) {
            None => versions.with_no_client_auth(),
            Some((pem, text)) => versions.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(pem.roots(text)?), provider())
                    .build()
                    .map_err(|error| bad("the client roots do not serve", error))?,
            ),
        };
        let pairs = self.certificates.iter().zip(certificates.chunks_exact(2));
        let mut all =
            pairs.map(|(pem, text)| certified((&pem.chain, &text[0]), (&pem.key, &text[1])));
        let first = all
            .next()
            .unwrap_or_else(|| Err(Error::new(ErrorKind::Tls, "a server needs a certificate")))?;
        let mut names = Names::new(first);
        for other in all {
            names.add(other?);
        }
        let mut config = verified.with_cert_resolver(Arc::new(names));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn check(&self, texts: &[Vec<u8>]) -> Result<(), Error> {
        for (pem, text) in self.certificates.iter().zip(texts.chunks_exact(2)) {
            is_valid(&pem.chain, &text[0])?;
        }
        Ok(())
    }
}

/// Lets a peer read why it is refused: a socket that is closed while more of the
/// peer's bytes arrive takes back what it has sent.
async fn linger<T: Io>(io: Option<T>) {
    const LINGER: Duration = Duration::from_secs(1);
    const BYTES_MAX: u64 = 64 << 10;
    if let Some(mut io) = io {
        let read = async {
            io.shutdown().await?;
            tokio::io::copy(&mut io.take(BYTES_MAX), &mut tokio::io::sink()).await
        };
        let _ = tokio::time::timeout(LINGER, read).await;
    }
}

/// A certificate that has ended replaces no other.
pub(super) fn is_valid(pem: &Pem, text: &[u8]) -> Result<(), Error> {
    let end = identity::end(&pem.certificates(text)?);
    match end.is_some_and(|end| end < SystemTime::now()) {
        false => Ok(()),
        true => Err(Error::new(
            ErrorKind::Tls,
            format!("the certificate{} has expired", pem.place()),
        )),
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("reloading", &self.reloading)
            .field("interval", &self.interval)
            .finish()
    }
}
