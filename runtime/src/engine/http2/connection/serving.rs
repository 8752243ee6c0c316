//! A server's connection: starts the handlers of the requests that come.

use super::{Connection, Role};
use crate::engine::{
    Answer, HttpBody, Io, Peer, Settings,
    http2::{
        body::StreamBody,
        receive::Receiver,
        running::{self, Running},
        state::{Shared, State},
    },
};
use std::{
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{Arc, atomic::Ordering},
};
use tokio::sync::watch;

/// Calls started at once: a system call for fewer replies costs more than it gains.
const STARTED_MIN: usize = 8;

/// A request this small is given to its handler whole. Larger ones count against
/// the connection's window until they are read.
const WHOLE_BYTES_MAX: usize = 4 << 10;

struct Serving<A> {
    peer: Peer,
    answer: A,
}

/// Serves until either side has gone. `io` has given the preface.
pub(in crate::engine) async fn serve<I: Io, A: Answer>(
    io: I,
    peer: Peer,
    answer: A,
    settings: &Settings,
    drain: &mut watch::Receiver<bool>,
) {
    let role = Serving { peer, answer };
    let mut connection = Connection::new(io, role, Shared::served(settings));
    connection.greet();
    let mut draining = pin!(drain.wait_for(|draining| *draining));
    let mut drained = false;
    poll_fn(|cx| {
        if !drained && draining.as_mut().poll(cx).is_ready() {
            drained = true;
            connection.leave("", None);
        }
        connection.poll(cx)
    })
    .await;
}

impl<A: Answer> Role for Serving<A> {
    fn announced(&self, first: &[u8]) -> usize {
        self.answer.announced(first)
    }

    fn start(&mut self, shared: &Arc<Shared>, receiver: &mut Receiver) -> bool {
        // The first half, so that their replies are with the peer while the others run.
        let mut left = receiver.starting.len().div_ceil(2).max(STARTED_MIN);
        let mut started = false;
        // Handlers of reset calls run until they notice, and count until then.
        while left > 0
            && has_place(shared)
            && let Some((id, request)) = receiver.begin()
        {
            let body = body(shared, &mut shared.lock(), id);
            let Some(body) = body else {
                continue;
            };
            let mut request = request.map(|()| body);
            request.extensions_mut().insert(self.peer.clone());
            let call = Running::start(shared, id);
            // Not under the lock: a runtime that shuts down drops the call at once.
            // In a box: spawning moves what it is given several times.
            let call = Box::pin(running::run(self.answer.clone(), request, call));
            let task = tokio::spawn(call);
            if let Some(stream) = shared.lock().streams.get_mut(&id) {
                stream.task = Some(task.abort_handle());
            }
            started = true;
            left -= 1;
        }
        started
    }

    fn may_start(&self, shared: &Shared, receiver: &Receiver) -> bool {
        !receiver.starting.is_empty() && has_place(shared)
    }
}

/// Whether the peer has as few handlers at work, and reads as much, as it must.
fn has_place(shared: &Shared) -> bool {
    let max = shared.limits.streams_per_connection_max;
    shared.running.load(Ordering::Acquire) < max && !shared.is_congested()
}

/// The body of a request; `None` if it was reset meanwhile.
fn body(shared: &Arc<Shared>, state: &mut State, id: u32) -> Option<HttpBody> {
    let incoming = &mut state.streams.get_mut(&id)?.incoming;
    let whole =
        incoming.ended && incoming.trailers.is_none() && incoming.data.len() <= WHOLE_BYTES_MAX;
    if !whole {
        return Some(HttpBody::stream(StreamBody::new(shared.clone(), id)));
    }
    let data = std::mem::take(&mut incoming.data).freeze();
    state.release_connection(data.len());
    Some(match data.is_empty() {
        true => HttpBody::empty(),
        false => HttpBody::whole(data, None),
    })
}

impl<A> fmt::Debug for Serving<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peer.fmt(f)
    }
}
