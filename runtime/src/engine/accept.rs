//! The accept loop: nothing a peer does ends it.

use super::{
    Listener, Peer,
    connection::{self, Answer, Settings},
    listen::Socket,
};
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

/// How long to wait when the machine has no more file descriptors or memory.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// Serves connections until `shutdown` ends, then lets what is in flight end
/// within the grace, and cuts the rest.
pub(crate) async fn accept(
    listener: Listener,
    answer: impl Answer,
    settings: Arc<Settings>,
    shutdown: impl Future<Output = ()>,
) {
    let (drain, draining) = watch::channel(false);
    let places = Arc::new(Semaphore::new(
        settings.limits.connections_max.min(Semaphore::MAX_PERMITS),
    ));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            (place, accepted) = accepted => match accepted {
                Ok((socket, peer)) => {
                    let (answer, settings) = (answer.clone(), settings.clone());
                    let draining = draining.clone();
                    connections.spawn(async move {
                        serve(socket, peer, answer, &settings, draining).await;
                        drop(place);
                    });
                }
                Err(error) => pause(&error).await,
            },
        }
    }

    drop(listener);
    let _ = drain.send(true);
    let ended = async { while connections.join_next().await.is_some() {} };
    let grace = settings.limits.drain_grace;
    if tokio::time::timeout(grace, ended).await.is_err() {
        let count = connections.len();
        tracing::warn!(
            count,
            ?grace,
            "connections cut: calls outlived the drain grace"
        );
        connections.shutdown().await;
    }
}

async fn serve(
    socket: Socket,
    peer: Peer,
    answer: impl Answer,
    settings: &Settings,
    #[cfg_attr(not(feature = "tls"), allow(unused_mut))] mut draining: watch::Receiver<bool>,
) {
    #[cfg(feature = "tls")]
    if let Some(tls) = &settings.tls {
        let handshake = tokio::time::timeout(settings.limits.handshake_timeout, tls.accept(socket));
        let shaken = tokio::select! {
            shaken = handshake => shaken,
            _ = draining.wait_for(|draining| *draining) => return,
        };
        let socket = match shaken {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => return tracing::debug!(?peer, %error, "TLS handshake failed"),
            Err(_) => return tracing::debug!(?peer, "TLS handshake took too long"),
        };
        return connection::serve(socket, peer, answer, &settings.limits, draining).await;
    }
    connection::serve(socket, peer, answer, &settings.limits, draining).await;
}

/// A failed accept is the peer's (ECONNABORTED: go on) or the machine's
/// (EMFILE, ENFILE, ENOBUFS, ENOMEM: let something close first).
async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput};
    match error.kind() {
        ConnectionAborted | ConnectionReset | ConnectionRefused | InvalidInput => {
            tracing::debug!(%error, "a connection went before it was accepted");
        }
        _ => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(EXHAUSTED_PAUSE).await;
        }
    }
}
