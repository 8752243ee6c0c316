use super::{Error, ErrorKind};
use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
};

/// Where a server listens: an address as text (`"127.0.0.1:50051"`,
/// `"unix:/run/greeter.sock"`), a [`SocketAddr`], or a listener bound before.
pub trait Listen: sealed::Listen {}

impl<T: sealed::Listen> Listen for T {}

mod sealed {
    pub trait Listen: Send {
        fn listen(self) -> impl Future<Output = Result<super::Listener, super::Error>> + Send;
    }
}

/// A bound socket that takes connections.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener, Option<PathBuf>),
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peer {
    /// A TCP socket with this address.
    Tcp(SocketAddr),
    /// A process on this machine, by a Unix socket.
    Unix,
    /// This very process.
    InProcess,
}

impl Listener {
    pub(crate) async fn bind(address: impl Listen) -> Result<Self, Error> {
        sealed::Listen::listen(address).await
    }

    /// The address to call, with the port the system chose; for a Unix socket,
    /// `unix:` and its path.
    pub(crate) fn address(&self) -> String {
        match &self.0 {
            Kind::Tcp(tcp) => tcp.local_addr().map(|addr| addr.to_string()),
            Kind::Unix(unix, _) => unix.local_addr().map(|addr| {
                let path = addr.as_pathname().unwrap_or(Path::new("?"));
                format!("unix:{}", path.display())
            }),
        }
        .unwrap_or_default()
    }

    pub(super) async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match &self.0 {
            Kind::Tcp(tcp) => {
                let (stream, peer) = tcp.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Socket::Tcp(stream), Peer::Tcp(peer)))
            }
            Kind::Unix(unix, _) => {
                let (stream, _) = unix.accept().await?;
                Ok((Socket::Unix(stream), Peer::Unix))
            }
        }
    }
}

/// A Unix socket we made is ours to remove.
impl Drop for Listener {
    fn drop(&mut self) {
        if let Kind::Unix(_, Some(path)) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn refused(address: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Bind, format!("cannot listen on `{address}`")).because(error)
}

impl sealed::Listen for &str {
    async fn listen(self) -> Result<Listener, Error> {
        if let Some(path) = self.strip_prefix("unix:") {
            let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
            let unix = UnixListener::bind(&path).map_err(|error| refused(self, error))?;
            return Ok(Listener(Kind::Unix(unix, Some(path))));
        }
        if !self.contains(':') {
            return Err(Error::new(
                ErrorKind::Address,
                format!("`{self}` is no address: write `host:port` or `unix:/path`"),
            ));
        }
        let tcp = TcpListener::bind(self).await;
        Ok(Listener(Kind::Tcp(tcp.map_err(|e| refused(self, e))?)))
    }
}

impl sealed::Listen for String {
    async fn listen(self) -> Result<Listener, Error> {
        sealed::Listen::listen(self.as_str()).await
    }
}

impl sealed::Listen for &String {
    async fn listen(self) -> Result<Listener, Error> {
        sealed::Listen::listen(self.as_str()).await
    }
}

impl sealed::Listen for SocketAddr {
    async fn listen(self) -> Result<Listener, Error> {
        let tcp = TcpListener::bind(self).await;
        let tcp = tcp.map_err(|error| refused(&self.to_string(), error))?;
        Ok(Listener(Kind::Tcp(tcp)))
    }
}

impl sealed::Listen for TcpListener {
    async fn listen(self) -> Result<Listener, Error> {
        Ok(Listener(Kind::Tcp(self)))
    }
}

impl sealed::Listen for UnixListener {
    async fn listen(self) -> Result<Listener, Error> {
        Ok(Listener(Kind::Unix(self, None)))
    }
}

/// An accepted connection, before TLS.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

macro_rules! either {
    ($self:ident, $io:ident => $call:expr) => {
        match $self.get_mut() {
            Socket::Tcp(tcp) => {
                let $io = Pin::new(tcp);
                $call
            }
            Socket::Unix(unix) => {
                let $io = Pin::new(unix);
                $call
            }
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_read(cx, buf))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, io => io.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, io => io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}
