//! A listener at work, on the runtime that serves its connections.

use super::{Kind, Listener, Own, Socket, unix::Made};
use crate::engine::{Error, ErrorKind, PeerAddress};
use std::{
    io,
    task::{Context, Poll, ready},
};
use tokio::net::{TcpListener, UnixListener};

pub(crate) struct Accepting(Open);

enum Open {
    Tcp(TcpListener),
    /// The file goes before the socket, so that nobody finds a dead one.
    Unix {
        _made: Option<Made>,
        unix: UnixListener,
    },
    Own(Own),
}

impl Accepting {
    /// Connections arrive on the current runtime from now on.
    pub(crate) fn open(listener: Listener) -> io::Result<Self> {
        Ok(Self(match listener.kind {
            Kind::Tcp { tcp, .. } => Open::Tcp(TcpListener::from_std(tcp)?),
            Kind::Unix(unix, _made) => Open::Unix {
                _made,
                unix: UnixListener::from_std(unix)?,
            },
            Kind::Own(own) => Open::Own(own),
        }))
    }

    pub(crate) fn open_all(listeners: Vec<Listener>) -> Result<Vec<Self>, Error> {
        let opened: io::Result<_> = listeners.into_iter().map(Self::open).collect();
        opened.map_err(|error| Error::new(ErrorKind::Bind, "cannot accept here").because(error))
    }

    /// The next connection; `None` if there will be no other.
    pub(in crate::engine) fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<(Socket, PeerAddress)>>> {
        Poll::Ready(match &mut self.0 {
            Open::Tcp(tcp) => Some(ready!(tcp.poll_accept(cx)).map(|(stream, peer)| {
                // A connection that is gone already says so when it is read.
                let _ = stream.set_nodelay(true);
                (Socket::Tcp(stream), PeerAddress::Tcp(peer))
            })),
            Open::Unix { unix, .. } => Some(
                ready!(unix.poll_accept(cx))
                    .map(|(stream, _)| (Socket::Unix(stream), PeerAddress::Unix)),
            ),
            Open::Own(own) => ready!(own.as_mut().poll_next(cx)),
        })
    }
}
