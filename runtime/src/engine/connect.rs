//! The client's side of a connection.

use super::{
    Error, ErrorKind, HttpBody, Io, Target,
    connection::{on_the_clock, window},
    greeting,
    target::Place,
};
use crate::limits::{KEEPALIVE_INTERVAL, Limits};
use http::uri::Authority;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};

/// Makes connections to one target.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    pub(crate) target: Target,
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
    /// A new connection, within the connect timeout.
    pub(crate) async fn connect(&self) -> Result<Connection, Error> {
        let timeout = self.limits.connect_timeout;
        let authority = &self.target.authority;
        match tokio::time::timeout(timeout, self.try_connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(Error::new(
                ErrorKind::Connect,
                format!("no connection to `{authority}` within {timeout:?}"),
            )),
        }
    }

    async fn try_connect(&self) -> Result<Connection, Error> {
        match &self.target.place {
            Place::Tcp { host, port } => {
                let failed = |error: std::io::Error| {
                    Error::new(
                        ErrorKind::Connect,
                        format!("cannot connect to `{host}:{port}`"),
                    )
                    .because(error)
                };
                let tcp = TcpStream::connect((host.as_str(), *port)).await;
                let tcp = tcp.map_err(failed)?;
                tcp.set_nodelay(true).map_err(failed)?;
                self.secure(tcp).await
            }
            Place::Unix(path) => {
                let unix = UnixStream::connect(path).await.map_err(|error| {
                    let path = path.display();
                    Error::new(
                        ErrorKind::Connect,
                        format!("cannot connect to `unix:{path}`"),
                    )
                    .because(error)
                })?;
                self.handshake(unix).await
            }
        }
    }

    #[cfg(feature = "tls")]
    async fn secure(&self, io: impl Io + 'static) -> Result<Connection, Error> {
        if !self.target.is_tls() {
            return self.handshake(io).await;
        }
        let io = self.tls.connect(self.target.host(), io).await?;
        self.handshake(io).await
    }

    #[cfg(not(feature = "tls"))]
    async fn secure(&self, io: impl Io + 'static) -> Result<Connection, Error> {
        if self.target.is_tls() {
            return Err(Error::new(
                ErrorKind::Tls,
                "this build has no TLS: turn on the feature `tls`",
            ));
        }
        self.handshake(io).await
    }

    /// None unless asked for: pings of clients are off by default (gRFC A8).
    fn keepalive_interval(&self) -> Option<Duration> {
        let interval = self.limits.keepalive_interval;
        (interval < KEEPALIVE_INTERVAL).then(|| on_the_clock(interval))
    }

    async fn handshake(&self, io: impl Io + 'static) -> Result<Connection, Error> {
        let authority = &self.target.authority;
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
