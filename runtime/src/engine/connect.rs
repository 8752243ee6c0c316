//! The client's side of a connection.

use super::{
    Connection, Error, ErrorKind, Io,
    http2::{Caller, Observer, call},
};
use crate::{
    endpoint::{Address, Endpoint},
    limits::{KEEPALIVE_INTERVAL, Limits},
    metrics::Metrics,
};
use http::uri::{Authority, Scheme};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpStream, UnixStream},
    sync::{Notify, oneshot},
};

/// How often the keepalive interval is doubled at most.
const DOUBLINGS_MAX: u32 = 16;

/// Makes connections to the addresses of one service.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    /// `http`, or `https` for TLS.
    pub(crate) scheme: Scheme,
    /// What requests are addressed to, and certificates are checked against.
    pub(crate) authority: Authority,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    /// How many bytes of a response's body its reader needs at least, by its first
    /// ones and the largest message it takes.
    pub(crate) announced: fn(&[u8], usize) -> usize,
    /// How often servers have minded our PINGs: each time they come half as often (gRFC A8).
    pub(crate) doublings: Arc<AtomicU32>,
    #[cfg(feature = "tls")]
    pub(crate) tls: super::ClientTls,
}

impl Connector {
    /// A new connection, within the connect timeout. Its end is told to `ended`.
    pub(crate) async fn connect(
        &self,
        endpoint: &Endpoint,
        ended: Arc<Notify>,
    ) -> Result<Connection, Error> {
        let first = self.connect_once(endpoint, ended).await?;
        Ok(Connection::new(self.clone(), endpoint.clone(), first))
    }

    /// One that stays one, whatever its peer takes.
    pub(super) async fn connect_once(
        &self,
        endpoint: &Endpoint,
        ended: Arc<Notify>,
    ) -> Result<Caller, Error> {
        let timeout = self.limits.connect_timeout;
        match tokio::time::timeout(timeout, self.try_connect(endpoint, ended)).await {
            Ok(connected) => connected,
            Err(_) => Err(Error::new(
                ErrorKind::Connect,
                format!(
                    "no connection to `{}` within {timeout:?}",
                    endpoint.address()
                ),
            )),
        }
    }

    async fn try_connect(&self, endpoint: &Endpoint, ended: Arc<Notify>) -> Result<Caller, Error> {
        let to = endpoint.address();
        let failed = |error: std::io::Error| {
            let message = format!("cannot connect to `{to}`");
            Error::new(ErrorKind::Connect, message).because(error)
        };
        match to {
            Address::Tcp(address) => {
                let tcp = TcpStream::connect(address).await.map_err(failed)?;
                tcp.set_nodelay(true).map_err(failed)?;
                self.secure(tcp, endpoint, ended).await
            }
            Address::Unix(path) => {
                let unix = UnixStream::connect(path).await.map_err(failed)?;
                self.handshake(unix, to, ended).await
            }
        }
    }

    /// The host to check a certificate against.
    #[cfg(feature = "tls")]
    fn host(&self) -> &str {
        let host = self.authority.host();
        let inner = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        inner.unwrap_or(host)
    }

    #[cfg(feature = "tls")]
    async fn secure(
        &self,
        io: impl Io + 'static,
        endpoint: &Endpoint,
        ended: Arc<Notify>,
    ) -> Result<Caller, Error> {
        let address = endpoint.address();
        if self.scheme != Scheme::HTTPS {
            return self.handshake(io, address, ended).await;
        }
        let io = self
            .tls
            .connect(self.host(), io, endpoint.identity())
            .await?;
        self.handshake(io, address, ended).await
    }

    #[cfg(not(feature = "tls"))]
    async fn secure(
        &self,
        io: impl Io + 'static,
        endpoint: &Endpoint,
        ended: Arc<Notify>,
    ) -> Result<Caller, Error> {
        if self.scheme == Scheme::HTTPS {
            return Err(Error::new(
                ErrorKind::Tls,
                "this build has no TLS: turn on the feature `tls`",
            ));
        }
        self.handshake(io, endpoint.address(), ended).await
    }

    /// What holds on this side of a connection. No PINGs unless asked for (gRFC A8);
    /// the channel itself knows when a connection is idle, and calls when they are late.
    fn limits(&self, doublings: u32) -> Limits {
        let never = Duration::MAX;
        let asked = self.limits.keepalive_interval;
        let interval = match asked < KEEPALIVE_INTERVAL {
            true => asked.saturating_mul(1 << doublings.min(DOUBLINGS_MAX)),
            false => never,
        };
        Limits {
            keepalive_interval: interval,
            idle_timeout: never,
            connection_age_max: never,
            preface_timeout: never,
            stalled_reply_timeout: never,
            ..self.limits.clone()
        }
    }

    async fn handshake(
        &self,
        io: impl Io + 'static,
        address: &Address,
        ended: Arc<Notify>,
    ) -> Result<Caller, Error> {
        let doublings = self.doublings.load(Ordering::Relaxed);
        let caller = Caller::new(self.limits(doublings), self.metrics.clone());
        let (settled, greeting) = oneshot::channel();
        let observer = Observer {
            settled,
            leaving: ended.clone(),
            doublings: (self.doublings.clone(), doublings),
            buffered: self.scheme == Scheme::HTTPS,
        };
        let carried = call(io, address.clone(), self.announced, &caller, observer);
        tokio::spawn(async move {
            carried.await;
            ended.notify_one();
        });
        let authority = &self.authority;
        let what = match greeting.await {
            Ok(true) => return Ok(caller),
            Ok(false) => "speaks no HTTP/2",
            Err(_) => "closed the connection before it served",
        };
        let what = format!("`{authority}` {what}: {}", caller.why());
        Err(Error::new(ErrorKind::Connect, what))
    }
}
