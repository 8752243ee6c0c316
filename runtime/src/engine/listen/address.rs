//! From what a user names to sockets that listen.

use super::{Kind, Listener, Listening, refused, sealed::Listen, unix};
use crate::engine::{Error, ErrorKind};
use std::{io, net::SocketAddr, os::unix::net, path::Path};
use tokio::net::{TcpListener, TcpSocket, UnixListener};

/// A socket that listens on `address`; `shared` if others may too.
pub(super) fn tcp(address: SocketAddr, how: &Listening, shared: bool) -> io::Result<Listener> {
    let socket = socket(address)?;
    socket.set_reuseport(shared)?;
    socket.bind(address)?;
    let tcp = socket.listen(how.backlog)?.into_std()?;
    Ok(Listener::of(Kind::Tcp { tcp, ours: true }))
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A server that starts again need not wait for the last one's connections.
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

/// The first of `addresses` that can be listened on.
fn first(addresses: impl Iterator<Item = SocketAddr>, how: &Listening) -> io::Result<Listener> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        // What only our own cores share must not be shared with a stranger.
        let free = match how.shares > 1 && !how.reuse_port {
            true => socket(address).and_then(|socket| socket.bind(address)),
            false => Ok(()),
        };
        let shared = how.reuse_port || how.shares > 1;
        match free.and_then(|()| tcp(address, how, shared)) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

impl Listen for &str {
    async fn listen(self, how: &Listening) -> Result<Vec<Listener>, Error> {
        let failed = |error| refused(self, error);
        if let Some(path) = self.strip_prefix("unix:") {
            let path = Path::new(path.strip_prefix("//").unwrap_or(path));
            let (unix, made) = unix::bind(path, how).await.map_err(failed)?;
            return Ok(vec![Listener::of(Kind::Unix(unix, Some(made)))]);
        }
        if !self.contains(':') {
            return Err(Error::new(
                ErrorKind::Address,
                format!("`{self}` is no address: write `host:port` or `unix:/path`"),
            ));
        }
        let addresses = tokio::net::lookup_host(self).await.map_err(failed)?;
        Ok(vec![first(addresses, how).map_err(failed)?])
    }
}

impl Listen for String {
    async fn listen(self, how: &Listening) -> Result<Vec<Listener>, Error> {
        self.as_str().listen(how).await
    }
}

impl Listen for &String {
    async fn listen(self, how: &Listening) -> Result<Vec<Listener>, Error> {
        self.as_str().listen(how).await
    }
}

impl Listen for SocketAddr {
    async fn listen(self, how: &Listening) -> Result<Vec<Listener>, Error> {
        let listener = first([self].into_iter(), how);
        Ok(vec![
            listener.map_err(|error| refused(&self.to_string(), error))?,
        ])
    }
}

impl Listen for Listener {
    async fn listen(self, _: &Listening) -> Result<Vec<Listener>, Error> {
        Ok(vec![self])
    }
}

macro_rules! bound_before {
    ($($type:ty, $self:ident => $std:expr, $kind:expr;)*) => {$(
        impl Listen for $type {
            async fn listen($self, _: &Listening) -> Result<Vec<Listener>, Error> {
                let failed = |error| refused("a socket bound before", error);
                let std = $std.map_err(failed)?;
                std.set_nonblocking(true).map_err(failed)?;
                Ok(vec![Listener::of($kind(std))])
            }
        }
    )*};
}

bound_before! {
    TcpListener, self => self.into_std(), |tcp| Kind::Tcp { tcp, ours: false };
    std::net::TcpListener, self => Ok(self), |tcp| Kind::Tcp { tcp, ours: false };
    UnixListener, self => self.into_std(), |unix| Kind::Unix(unix, None);
    net::UnixListener, self => Ok(self), |unix| Kind::Unix(unix, None);
}

impl<T: Listen> Listen for Vec<T> {
    async fn listen(self, how: &Listening) -> Result<Vec<Listener>, Error> {
        let mut all = Vec::new();
        for one in self {
            all.extend(one.listen(how).await?);
        }
        Ok(all)
    }
}

impl<T: Listen, const N: usize> Listen for [T; N] {
    async fn listen(self, how: &Listening) -> Result<Vec<Listener>, Error> {
        Vec::from(self).listen(how).await
    }
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Listen),*> Listen for ($($name,)*) {
            async fn listen(self, how: &Listening) -> Result<Vec<Listener>, Error> {
                #[allow(non_snake_case)]
                let ($($name,)*) = self;
                let mut all = Vec::new();
                $(all.extend($name.listen(how).await?);)*
                Ok(all)
            }
        }
    };
}

tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
