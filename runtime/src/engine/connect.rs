//! The client's side of a connection.

use super::{
    Error, ErrorKind, HttpBody, Io,
    connection::{on_the_clock, window},
    greeting,
};
use crate::{
    endpoint::Address,
    limits::{KEEPALIVE_INTERVAL, Limits},
};
use http::uri::{Authority, Scheme};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{sync::Arc, time::Duration};
use tokio::{
    net::{TcpStream, UnixStream},
    sync::Notify,
};

/// Makes connections to the addresses of one service.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    /// `http`, or `https` for TLS.
    pub(crate) scheme: Scheme,
    /// What requests are addressed to, and certificates are checked against.
    pub(crate) authority: Authority,
    pub(crate) limits: Limits,
    #[cfg(feature = "tls")]
    pub(crate) tls: super::ClientTls,
}

/// One HTTP/2 connection; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Connection(SendRequest<HttpBody>);

/// A request that got no response.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) error: hyper::Error,
    /// The request, if not a byte of it has left.
    pub(crate) unsent: Option<http::Request<HttpBody>>,
}

impl Connector {
    /// A new connection, within the connect timeout. Its end is told to `ended`.
    pub(crate) async fn connect(
        &self,
        address: &Address,
        ended: Arc<Notify>,
    ) -> Result<Connection, Error> {
        let timeout = self.limits.connect_timeout;
        match tokio::time::timeout(timeout, self.try_connect(address, ended)).await {
            Ok(connected) => connected,
            Err(_) => Err(Error::new(
                ErrorKind::Connect,
                format!("no connection to `{address}` within {timeout:?}"),
            )),
        }
    }

    async fn try_connect(
        &self,
        address: &Address,
        ended: Arc<Notify>,
    ) -> Result<Connection, Error> {
        let failed = |error: std::io::Error| {
            let message = format!("cannot connect to `{address}`");
            Error::new(ErrorKind::Connect, message).because(error)
        };
        match address {
            Address::Tcp(address) => {
                let tcp = TcpStream::connect(address).await.map_err(failed)?;
                tcp.set_nodelay(true).map_err(failed)?;
                self.secure(tcp, ended).await
            }
            Address::Unix(path) => {
                let unix = UnixStream::connect(path).await.map_err(failed)?;
                self.handshake(unix, ended).await
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
    async fn secure(&self, io: impl Io + 'static, ended: Arc<Notify>) -> Result<Connection, Error> {
        if self.scheme != Scheme::HTTPS {
            return self.handshake(io, ended).await;
        }
        let io = self.tls.connect(self.host(), io).await?;
        self.handshake(io, ended).await
    }

    #[cfg(not(feature = "tls"))]
    async fn secure(&self, io: impl Io + 'static, ended: Arc<Notify>) -> Result<Connection, Error> {
        if self.scheme == Scheme::HTTPS {
            return Err(Error::new(
                ErrorKind::Tls,
                "this build has no TLS: turn on the feature `tls`",
            ));
        }
        self.handshake(io, ended).await
    }

    /// None unless asked for: pings of clients are off by default (gRFC A8).
    fn keepalive_interval(&self) -> Option<Duration> {
        let interval = self.limits.keepalive_interval;
        (interval < KEEPALIVE_INTERVAL).then(|| on_the_clock(interval))
    }

    async fn handshake(
        &self,
        io: impl Io + 'static,
        ended: Arc<Notify>,
    ) -> Result<Connection, Error> {
        let authority = &self.authority;
        let refused = || {
            Error::new(
                ErrorKind::Connect,
                format!("`{authority}` speaks no HTTP/2"),
            )
        };
        let (io, mut greeting) = greeting::greeted(io);
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(window(self.limits.unread_bytes_per_stream_max))
            .initial_connection_window_size(window(self.limits.unread_bytes_per_connection_max))
            .max_header_list_size(self.limits.header_bytes_max)
            .max_local_error_reset_streams(self.limits.local_resets_max)
            .keep_alive_interval(self.keepalive_interval())
            .keep_alive_timeout(on_the_clock(self.limits.keepalive_timeout))
            .handshake(TokioIo::new(io))
            .await
            .map_err(|error| refused().because(error))?;
        let mut connection = Box::pin(connection);
        let heard = tokio::select! {
            heard = &mut greeting => heard.ok(),
            _ = connection.as_mut() => greeting.try_recv().ok(),
        };
        match heard {
            Some(Ok(true)) => {}
            Some(Ok(false)) => return Err(refused()),
            Some(Err(error)) => return Err(closed(authority).because(error)),
            None => return Err(closed(authority)),
        }
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            ended.notify_one();
        });
        Ok(Connection(sender))
    }
}

fn closed(authority: &Authority) -> Error {
    Error::new(
        ErrorKind::Connect,
        format!("`{authority}` closed the connection before it served"),
    )
}

impl Connection {
    /// Whether calls may still be made on it.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.is_closed()
    }

    /// The response's head; dropping the future resets the stream.
    pub(crate) async fn send(
        &self,
        request: http::Request<HttpBody>,
    ) -> Result<http::Response<HttpBody>, Unanswered> {
        let (head, body) = request.into_parts();
        let (body, link) = body.linked();
        let request = http::Request::from_parts(head, body);
        match self.0.clone().try_send_request(request).await {
            Ok(response) => Ok(response.map(|body| HttpBody::hyper(body).with_link(link))),
            Err(mut failed) => Err(Unanswered {
                unsent: failed.take_message(),
                error: failed.into_error(),
            }),
        }
    }
}
