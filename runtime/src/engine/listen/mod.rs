//! Where a server listens: one address or several, sockets bound before, and
//! connections from anywhere else.

mod accepting;
mod address;
mod socket;
mod systemd;
mod unix;

pub(crate) use accepting::Accepting;
pub(super) use socket::Socket;

use super::{Error, ErrorKind, PeerAddress};
use std::{fmt, io, net::TcpListener, os::unix::net::UnixListener, path::Path, pin::Pin};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::{Stream, StreamExt};

/// Where a server listens: an address as text (`"127.0.0.1:50051"`,
/// `"unix:/run/greeter.sock"`), a [`SocketAddr`](std::net::SocketAddr), a
/// socket bound before, a [`Listener`], or several of these in a tuple, an
/// array or a `Vec`.
///
/// A Unix socket whose server is gone is replaced, one whose server lives is
/// not; the server removes its own when it ends.
pub trait Listen: sealed::Listen {}

impl<T: sealed::Listen> Listen for T {}

mod sealed {
    use super::{Error, Listener, Listening};

    pub trait Listen: Send {
        fn listen(
            self,
            how: &Listening,
        ) -> impl Future<Output = Result<Vec<Listener>, Error>> + Send;
    }
}

/// How sockets are bound.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// Connections the kernel holds until they are accepted.
    pub(crate) backlog: u32,
    /// Whether other sockets may listen on the same TCP port.
    pub(crate) reuse_port: bool,
    /// How many sockets of ours will share a TCP port.
    pub(crate) shares: usize,
}

/// What takes connections for a server; most servers need only the address,
/// see [`Listen`].
pub struct Listener {
    kind: Kind,
    name: Option<String>,
}

enum Kind {
    /// A socket bound here can be bound again for another core.
    Tcp {
        tcp: TcpListener,
        ours: bool,
    },
    Unix(UnixListener, Option<unix::Made>),
    Own(Own),
}

type Own = Pin<Box<dyn Stream<Item = io::Result<(Socket, PeerAddress)>> + Send>>;

impl Listener {
    /// Serves the connections that `connections` gives, from wherever they are:
    /// a simulated network, a pipe in memory, a tunnel. An error of it is
    /// logged and does not end it. Once the stream ends, the server serves what
    /// is open and then returns.
    ///
    /// ```
    /// use cordial_runtime::{Listener, PeerAddress};
    ///
    /// let (ours, theirs) = tokio::io::duplex(64 << 10);
    /// let peer = PeerAddress::Named("test".into());
    /// let listener = Listener::from_stream(tokio_stream::once(Ok((theirs, peer))));
    /// # drop((listener, ours));
    /// ```
    pub fn from_stream<S, C>(connections: S) -> Self
    where
        S: Stream<Item = io::Result<(C, PeerAddress)>> + Send + 'static,
        C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let connections = connections
            .map(|next| next.map(|(connection, peer)| (Socket::Own(Box::new(connection)), peer)));
        Self::of(Kind::Own(Box::pin(connections)))
    }

    /// The sockets that systemd, or whoever speaks its protocol, opened for
    /// this process (`LISTEN_FDS`), in its order. None if this process was
    /// started otherwise. They can be taken once.
    ///
    /// # Errors
    /// `Bind` when one of them is no TCP or Unix socket that listens.
    pub fn systemd() -> Result<Vec<Self>, Error> {
        systemd::inherited()
    }

    /// The name systemd has for the socket (`FileDescriptorName=`).
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn of(kind: Kind) -> Self {
        Self { kind, name: None }
    }

    pub(crate) async fn bind(address: impl Listen, how: &Listening) -> Result<Vec<Self>, Error> {
        let listeners = sealed::Listen::listen(address, how).await?;
        match listeners.is_empty() {
            false => Ok(listeners),
            true => Err(Error::new(
                ErrorKind::Address,
                "there is nothing to listen on: name at least one address",
            )),
        }
    }

    /// The address to call, with the port the system chose; for a Unix socket,
    /// `unix:` and its path.
    pub(crate) fn address(&self) -> String {
        let address = match &self.kind {
            Kind::Tcp { tcp, .. } => tcp.local_addr().map(|address| address.to_string()),
            Kind::Unix(unix, _) => unix.local_addr().map(|address| {
                let path = address.as_pathname().unwrap_or(Path::new("?"));
                format!("unix:{}", path.display())
            }),
            Kind::Own(_) => Ok("own".to_owned()),
        };
        address.unwrap_or_default()
    }

    /// One for each core: sockets of their own where the kernel can
    /// share out the connections, and the same one otherwise.
    pub(crate) fn for_cores(self, how: &Listening) -> Result<Vec<Self>, Error> {
        let address = self.address();
        let failed = |error| refused(&address, error);
        let again = |listener: &Self| match &listener.kind {
            Kind::Tcp { tcp, ours: true } => {
                let local = tcp.local_addr().map_err(failed)?;
                address::tcp(local, how, true).map_err(failed)
            }
            Kind::Tcp { tcp, ours: false } => Ok(Self::of(Kind::Tcp {
                tcp: tcp.try_clone().map_err(failed)?,
                ours: false,
            })),
            Kind::Unix(unix, _) => Ok(Self::of(Kind::Unix(
                unix.try_clone().map_err(failed)?,
                None,
            ))),
            Kind::Own(_) => Err(Error::new(
                ErrorKind::Bind,
                "a stream of connections cannot be shared by cores: serve it without `per_core`",
            )),
        };
        let others: Result<Vec<_>, _> = (1..how.shares).map(|_| again(&self)).collect();
        let mut all = others?;
        all.push(self);
        Ok(all)
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("address", &self.address())
            .field("name", &self.name)
            .finish()
    }
}

fn refused(address: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Bind, format!("cannot listen on `{address}`")).because(error)
}
