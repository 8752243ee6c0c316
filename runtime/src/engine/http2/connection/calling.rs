//! A client's connection.

use super::{Connection, Role, ending::Phase};
use crate::{
    endpoint::Address,
    engine::{
        Io,
        http2::{caller::Caller, receive::Receiver, state::Shared},
        prefixed::PREFACE,
    },
};
use std::{
    fmt,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::sync::{Notify, oneshot};

struct Calling {
    address: Address,
    message_bytes_max: usize,
    announced: fn(&[u8], usize) -> usize,
}

/// How a client's connection is doing, for whoever made it.
pub(in crate::engine) struct Observer {
    /// Hears whether the peer serves HTTP/2; nothing if it just hangs up.
    pub(in crate::engine) settled: oneshot::Sender<bool>,
    /// Hears that it takes no more calls.
    pub(in crate::engine) leaving: Arc<Notify>,
    /// How often peers have minded our PINGs by now, and when this connection began.
    pub(in crate::engine) doublings: (Arc<AtomicU32>, u32),
    /// What is written may leave though writing fails, as with TLS.
    pub(in crate::engine) buffered: bool,
}

/// Carries the calls of `caller` until either side has gone.
pub(in crate::engine) fn call<I: Io>(
    io: I,
    address: Address,
    announced: fn(&[u8], usize) -> usize,
    caller: &Caller,
    observer: Observer,
) -> impl Future<Output = ()> + use<I> {
    let shared = caller.shared();
    let role = Calling {
        address,
        message_bytes_max: shared.limits.message_bytes_max,
        announced,
    };
    let connection = Connection::new(io, role, shared);
    carry(connection, observer)
}

async fn carry<I: Io>(mut connection: Connection<I, Calling>, observer: Observer) {
    connection.buffered = observer.buffered;
    connection.preface();
    connection.greet();
    let (mut settled, mut leaving) = (Some(observer.settled), Some(observer.leaving));
    poll_fn(|cx| {
        let polled = connection.poll(cx);
        let serves = connection.receiver.is_settled();
        let refused = matches!(connection.phase, Phase::Closing { .. });
        if (serves || refused)
            && let Some(settled) = settled.take()
        {
            // Nobody waits for it any more if this fails.
            let _ = settled.send(serves);
        }
        if connection.receiver.peer_leaves
            && let Some(leaving) = leaving.take()
        {
            if connection.receiver.pinged_too_often {
                let (doublings, own) = &observer.doublings;
                doublings.fetch_max(own + 1, Ordering::Relaxed);
            }
            leaving.notify_one();
        }
        polled
    })
    .await;
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
