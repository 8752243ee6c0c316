//! A small HTTP client, for registries that are asked over HTTP: one answer of bounded
//! size, in time, of the host whose turn it is.

use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Fuse},
};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header::HOST};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use std::{
    error::Error,
    pin::pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime,
    time::timeout,
};

/// Bytes of one answer: that is a list of more instances than are read.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// For one connection, so that there is time to ask something over it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Connections that are kept while nobody asks anything,
const IDLE_MAX: usize = 8;

/// and for how long: whoever is between may forget those that are silent.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

type Failure = Box<dyn Error + Send + Sync>;

/// A client of several hosts that know the same.
pub(super) struct Http {
    hosts: Vec<String>,
    tls: Option<tls::Trust>,
    /// Hosts that were given up: whose turn it is.
    given_up: AtomicUsize,
    idle: Mutex<Vec<Connection>>,
}

/// A host, for as long as it is its turn.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    /// How many were given up before.
    number: usize,
    /// Which of the hosts it is.
    pub(super) host: usize,
}

/// What came, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// It goes on while somebody asks something over it, and stands still otherwise.
pub(super) struct Connection {
    host: usize,
    name: HeaderValue,
    /// Its socket is woken by the runtime it was made on.
    runtime: runtime::Id,
    kept_at: Instant,
    sender: SendRequest<Full<Bytes>>,
    driver: Fuse<BoxFuture<'static, hyper::Result<()>>>,
}

impl Http {
    /// Asks `hosts`, each `host:port`. Nothing is connected yet.
    pub(super) fn new(hosts: Vec<String>, is_tls: bool) -> Self {
        Self {
            hosts,
            tls: is_tls.then(tls::Trust::default),
            given_up: AtomicUsize::new(0),
            idle: Mutex::default(),
        }
    }

    pub(super) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    pub(super) fn turn(&self) -> Turn {
        let number = self.given_up.load(Relaxed);
        let host = number % self.hosts.len();
        Turn { number, host }
    }

    /// It is the next host's turn, if it was still this one's.
    pub(super) fn give_up(&self, turn: Turn) {
        let next = turn.number.wrapping_add(1);
        // Somebody else may have given it up.
        let _ = (self.given_up).compare_exchange(turn.number, next, Relaxed, Relaxed);
    }

    /// What `host` answers within `limit`. It may be asked twice: a kept connection
    /// that turns out to be closed does not say whether it was heard.
    pub(super) async fn ask(
        &self,
        host: usize,
        request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Answer, String> {
        in_time(limit, async {
            let kept = match self.kept(host) {
                Some(kept) => kept.send(request.clone()).await.ok(),
                None => None,
            };
            let (mut connection, response) = match kept {
                Some(answering) => answering,
                None => self.connect(host).await?.send(request).await?,
            };
            let answer = connection.read(response).await?;
            self.keep(connection);
            Ok(answer)
        })
        .await
    }

    /// The same over a connection of the asker's own, made if there is none. It is
    /// still there if it was not lost.
    pub(super) async fn ask_over(
        &self,
        own: &mut Option<Connection>,
        host: usize,
        request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Answer, String> {
        let taken = own.take();
        in_time(limit, async {
            let connection = match taken {
                Some(connection) => connection,
                None => self.connect(host).await?,
            };
            let (mut connection, response) = connection.send(request).await?;
            let answer = connection.read(response).await?;
            *own = connection.still_there();
            Ok(answer)
        })
        .await
    }

    async fn connect(&self, host: usize) -> Result<Connection, Failure> {
        let connected = timeout(CONNECT_TIMEOUT, async {
            let name = &self.hosts[host];
            let socket = TcpStream::connect(name).await?;
            socket.set_nodelay(true)?;
            match &self.tls {
                Some(trust) => begin(host, name, trust.shake(name, socket).await?).await,
                None => begin(host, name, socket).await,
            }
        });
        let late = || format!("no connection within {CONNECT_TIMEOUT:?}");
        connected.await.map_err(|_| late())?
    }

    fn kept(&self, host: usize) -> Option<Connection> {
        let here = runtime::Handle::current().id();
        let mut idle = self.idle();
        idle.retain(|kept| kept.kept_at.elapsed() < IDLE_TIMEOUT);
        let found = idle
            .iter()
            .rposition(|kept| kept.host == host && kept.runtime == here)?;
        Some(idle.swap_remove(found))
    }

    fn keep(&self, connection: Connection) {
        let Some(mut connection) = connection.still_there() else {
            return;
        };
        connection.kept_at = Instant::now();
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn in_time<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, Failure>>,
) -> Result<T, String> {
    match timeout(limit, asked).await {
        Ok(answered) => answered.map_err(|failure| shown(&*failure)),
        Err(_) => Err(format!("no answer within {limit:?}")),
    }
}

async fn begin<T>(host: usize, name: &str, io: T) -> Result<Connection, Failure>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, driver) = http1::handshake(TokioIo::new(io)).await?;
    Ok(Connection {
        host,
        name: HeaderValue::from_str(name)?,
        runtime: runtime::Handle::current().id(),
        kept_at: Instant::now(),
        sender,
        driver: driver.boxed().fuse(),
    })
}

impl Connection {
    async fn send(
        mut self,
        mut request: Request<Full<Bytes>>,
    ) -> hyper::Result<(Self, Response<Incoming>)> {
        request.headers_mut().insert(HOST, self.name.clone());
        let sent = async |sender: &mut SendRequest<_>| {
            sender.ready().await?;
            sender.send_request(request).await
        };
        let response = self.drive(sent).await?;
        Ok((self, response))
    }

    async fn read(&mut self, response: Response<Incoming>) -> Result<Answer, Failure> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect();
        let body = self.drive(|_| body).await?.to_bytes();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    /// Itself, unless it has ended with its answer.
    fn still_there(mut self) -> Option<Self> {
        let ended = (&mut self.driver).now_or_never();
        ended.is_none().then_some(self)
    }

    /// Goes on until `asked` of it has ended.
    async fn drive<'a, T, F: Future<Output = T> + 'a>(
        &'a mut self,
        asked: impl FnOnce(&'a mut SendRequest<Full<Bytes>>) -> F,
    ) -> T {
        let mut asked = pin!(asked(&mut self.sender));
        tokio::select! {
            biased;
            done = &mut asked => return done,
            // It is over, and says so to whoever waits.
            _ = &mut self.driver => {}
        }
        asked.await
    }
}

/// The error with its causes.
fn shown(error: &dyn Error) -> String {
    let mut shown = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        shown = format!("{shown}: {cause}");
        source = cause.source();
    }
    shown
}

#[cfg(feature = "tls")]
mod tls {
    use super::Failure;
    use std::sync::{Arc, OnceLock};
    use tokio::net::TcpStream;
    use tokio_rustls::{
        TlsConnector,
        client::TlsStream,
        rustls::{
            ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider, pki_types::ServerName,
        },
    };

    /// In the certificates that this machine trusts, read when first needed.
    #[derive(Default)]
    pub(super) struct Trust(OnceLock<TlsConnector>);

    impl Trust {
        pub(super) async fn shake(
            &self,
            host: &str,
            socket: TcpStream,
        ) -> Result<TlsStream<TcpStream>, Failure> {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            let name = name.trim_start_matches('[').trim_end_matches(']');
            let name = ServerName::try_from(name.to_owned())?;
            Ok(self.connector()?.connect(name, socket).await?)
        }

        fn connector(&self) -> Result<&TlsConnector, Failure> {
            if let Some(known) = self.0.get() {
                return Ok(known);
            }
            let mut roots = RootCertStore::empty();
            let found = rustls_native_certs::load_native_certs().certs;
            if roots.add_parsable_certificates(found).0 == 0 {
                return Err(
                    "this machine trusts no certificates; `SSL_CERT_FILE` names some".into(),
                );
            }
            let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            Ok(self.0.get_or_init(|| TlsConnector::from(Arc::new(config))))
        }
    }
}

#[cfg(not(feature = "tls"))]
mod tls {
    use super::Failure;
    use tokio::net::TcpStream;

    /// In nobody: the schemes that ask for it are not there.
    #[derive(Default)]
    pub(super) struct Trust;

    impl Trust {
        pub(super) async fn shake(&self, _: &str, _: TcpStream) -> Result<TcpStream, Failure> {
            Err("TLS is the feature `tls`".into())
        }
    }
}
