//! The accept loop: nothing a peer does ends it.

#[cfg(feature = "tls")]
use super::tls::{ServerTls, Shaken};
use super::{
    Peer, PeerAddress,
    connection::{self, Answer, Settings},
    listen::{Accepting, Socket},
};
use crate::{limits::Limit, metrics::Gauge};
use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

/// How long to wait when the machine has no more file descriptors or memory.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// What all accept loops of one server share.
#[derive(Debug)]
pub(crate) struct Gate {
    settings: Settings,
    places: Arc<Semaphore>,
    #[cfg(feature = "tls")]
    handshakes: Semaphore,
    #[cfg(feature = "tls")]
    failures: super::sparingly::Sparingly,
}

impl Gate {
    pub(crate) fn new(settings: Settings) -> Self {
        let semaphore = |count: usize| Semaphore::new(count.min(Semaphore::MAX_PERMITS));
        Self {
            places: Arc::new(semaphore(settings.limits.connections_max)),
            #[cfg(feature = "tls")]
            handshakes: semaphore(settings.limits.handshakes_max),
            #[cfg(feature = "tls")]
            failures: Default::default(),
            settings,
        }
    }
}

/// Serves connections until `shutdown` ends, then lets what is in flight end
/// within the grace, and cuts the rest.
pub(crate) async fn accept(
    listeners: Vec<Accepting>,
    answer: impl Answer,
    gate: Arc<Gate>,
    shutdown: impl Future<Output = ()>,
) {
    let (drain, draining) = watch::channel(false);
    let mut listeners = VecDeque::from(listeners);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // Only looked at: a place held here until somebody comes would be
            // missing on another core.
            if gate.places.available_permits() == 0 {
                gate.settings.metrics.reached(Limit::ConnectionsMax);
            }
            drop(gate.places.acquire().await);
            poll_fn(|cx| poll_any(&mut listeners, cx)).await
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = accepted => match accepted {
                Some(Ok((socket, address))) => {
                    let (answer, gate) = (answer.clone(), gate.clone());
                    let peer = Peer::at(address);
                    connections.spawn(serve(socket, peer, answer, gate, draining.clone()));
                }
                Some(Err(error)) => pause(&error).await,
                None => {
                    let ended = async { while connections.join_next().await.is_some() {} };
                    tokio::select! {
                        () = &mut shutdown => {}
                        () = ended => {}
                    }
                    break;
                }
            },
        }
    }

    drop(listeners);
    let _ = drain.send(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    let grace = gate.settings.limits.drain_grace;
    if tokio::time::timeout(grace, ended).await.is_err() {
        let count = connections.len();
        gate.settings.metrics.reached(Limit::DrainGrace);
        tracing::warn!(
            count,
            ?grace,
            "connections cut: calls outlived the drain grace"
        );
        connections.shutdown().await;
    }
}

/// The next connection of any listener, each in its turn; `None` once none of
/// them will have another.
fn poll_any(
    listeners: &mut VecDeque<Accepting>,
    cx: &mut Context<'_>,
) -> Poll<Option<io::Result<(Socket, PeerAddress)>>> {
    let mut at = 0;
    while let Some(listener) = listeners.get_mut(at) {
        match listener.poll_accept(cx) {
            Poll::Ready(Some(accepted)) => {
                listeners.rotate_left(at + 1);
                return Poll::Ready(Some(accepted));
            }
            Poll::Ready(None) => drop(listeners.remove(at)),
            Poll::Pending => at += 1,
        }
    }
    match listeners.is_empty() {
        true => Poll::Ready(None),
        false => Poll::Pending,
    }
}

async fn serve(
    socket: Socket,
    peer: Peer,
    answer: impl Answer,
    gate: Arc<Gate>,
    mut draining: watch::Receiver<bool>,
) {
    let _open = gate.settings.metrics.count(Gauge::ConnectionsOpen);
    let _place = tokio::select! {
        place = gate.places.acquire() => place,
        _ = draining.wait_for(|draining| *draining) => return,
    };
    #[cfg(feature = "tls")]
    if let Some(tls) = &gate.settings.tls {
        let shaken = tokio::select! {
            shaken = gate.shake(tls, socket) => shaken,
            _ = draining.wait_for(|draining| *draining) => return,
        };
        let (socket, identity) = match shaken {
            Ok(shaken) => shaken,
            Err(error) => return gate.unshaken(&peer, &error),
        };
        let peer = peer.identified(identity);
        return connection::serve(socket, peer, answer, &gate.settings, draining).await;
    }
    connection::serve(socket, peer, answer, &gate.settings, draining).await;
}

#[cfg(feature = "tls")]
impl Gate {
    async fn shake(&self, tls: &ServerTls, socket: Socket) -> io::Result<Shaken<Socket>> {
        let Settings {
            limits, metrics, ..
        } = &self.settings;
        let shaken = tls.accept(socket, &self.handshakes, metrics);
        match tokio::time::timeout(limits.handshake_timeout, shaken).await {
            Ok(shaken) => shaken,
            Err(_) => {
                metrics.reached(Limit::HandshakeTimeout);
                Err(io::Error::new(io::ErrorKind::TimedOut, "it took too long"))
            }
        }
    }

    /// Says why nobody is served on this connection, and not more often than
    /// somebody can read.
    fn unshaken(&self, peer: &Peer, error: &io::Error) {
        let peer = peer.address();
        // Health checks of the port and clients that changed their mind.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return tracing::debug!(%peer, %error, "TLS handshake given up");
        }
        match self.failures.may_speak() {
            Some(unsaid) => tracing::warn!(%peer, %error, unsaid, "TLS handshake failed"),
            None => tracing::debug!(%peer, %error, "TLS handshake failed"),
        }
    }
}

/// A failed accept is the peer's (ECONNABORTED and its kin: go on) or the
/// machine's (EMFILE, ENFILE, ENOBUFS, ENOMEM: let something close first).
async fn pause(error: &io::Error) {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown,
        NetworkUnreachable,
    };
    match error.kind() {
        ConnectionAborted | ConnectionReset | ConnectionRefused | HostUnreachable | NetworkDown
        | NetworkUnreachable => {
            tracing::debug!(%error, "a connection went before it was accepted");
        }
        _ => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(EXHAUSTED_PAUSE).await;
        }
    }
}
