//! A client's connection.

use super::{Connection, Role};
use crate::{
    endpoint::Address,
    engine::{
        Io,
        http2::{caller::Caller, receive::Receiver, state::Shared},
        prefixed::PREFACE,
    },
};
use std::{fmt, future::poll_fn, sync::Arc};
use tokio::sync::{Notify, oneshot};

struct Calling {
    address: Address,
    message_bytes_max: usize,
    announced: fn(&[u8], usize) -> usize,
}

/// How a client's connection is doing, for whoever made it.
pub(in crate::engine) struct Called {
    /// Hears whether the peer serves HTTP/2; nothing if it just hangs up.
    pub(in crate::engine) settled: oneshot::Sender<bool>,
    /// Hears that it takes no more calls.
    pub(in crate::engine) leaving: Arc<Notify>,
}

/// Carries the calls of `caller` until either side has gone; whether the peer
/// minded our PINGs.
pub(in crate::engine) fn call<I: Io>(
    io: I,
    address: Address,
    announced: fn(&[u8], usize) -> usize,
    caller: &Caller,
    called: Called,
) -> impl Future<Output = bool> + use<I> {
    let shared = caller.shared();
    let role = Calling {
        address,
        message_bytes_max: shared.limits.message_bytes_max,
        announced,
    };
    let connection = Connection::new(io, role, shared);
    carry(connection, called)
}

async fn carry<I: Io>(mut connection: Connection<I, Calling>, called: Called) -> bool {
    connection.preface();
    connection.greet();
    let (mut settled, mut leaving) = (Some(called.settled), Some(called.leaving));
    poll_fn(|cx| {
        let polled = connection.poll(cx);
        let serves = connection.receiver.is_settled();
        if (serves || connection.phase.is_over())
            && let Some(settled) = settled.take()
        {
            // Nobody waits for it any more if this fails.
            let _ = settled.send(serves);
        }
        if connection.receiver.peer_leaves
            && let Some(leaving) = leaving.take()
        {
            leaving.notify_one();
        }
        polled
    })
    .await;
    connection.receiver.pinged_too_often
}

impl<I: Io> Connection<I, Calling> {
    /// Says what a client says first.
    fn preface(&self) {
        let mut state = self.shared.lock();
        state.out.frames().extend_from_slice(PREFACE);
    }
}

impl Role for Calling {
    fn announced(&self, first: &[u8]) -> usize {
        (self.announced)(first, self.message_bytes_max)
    }

    fn start(&mut self, _: &Arc<Shared>, _: &mut Receiver) -> bool {
        false
    }

    fn may_start(&self, _: &Shared, _: &Receiver) -> bool {
        false
    }
}

impl fmt::Debug for Calling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)
    }
}
