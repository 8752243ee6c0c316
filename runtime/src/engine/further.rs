//! Connections to one address: one, and further ones while its peer takes no more
//! calls at once (gRFC A105).

use super::{
    Broken, Connector, HttpBody,
    http2::{Begun, Caller, Refused, Unanswered},
};
use crate::{backoff::backoff, endpoint::Address, limits::Limit};
use http::{Request, Response};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    sync::Notify,
    time::{Duration, sleep},
};

/// How long a further connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(30);

/// What calls to one address are made on; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Connection(Arc<Several>);

#[derive(Debug)]
struct Several {
    connector: Connector,
    address: Address,
    first: Caller,
    further: Mutex<Further>,
    /// Calls that wait for a place, in their order: the one that holds `turn` looks.
    waiting: AtomicUsize,
    turn: tokio::sync::Mutex<()>,
    /// Hears of places that come free on any of them.
    room: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Further {
    callers: Vec<Arc<Caller>>,
    /// One is being made.
    opening: bool,
}

/// One more call waits, for as long as this lives.
struct Waiting<'a>(&'a AtomicUsize);

impl Connection {
    pub(super) fn new(connector: Connector, address: Address, first: Caller) -> Self {
        let room = Arc::new(Notify::new());
        first.tell(room.clone());
        Self(Arc::new(Several {
            connector,
            address,
            first,
            further: Mutex::default(),
            waiting: AtomicUsize::new(0),
            turn: tokio::sync::Mutex::default(),
            room,
        }))
    }

    /// Whether calls may still be made. They may not once the first connection
    /// takes none, whatever the others do: the address is then connected to anew.
    pub(crate) fn is_open(&self) -> bool {
        self.0.first.is_open()
    }

    /// The response's head; dropping the future, or the response's body before its
    /// end, cancels the call. Waits while the peer takes no more calls at once, on
    /// as many connections as may be made to it.
    pub(crate) async fn send(
        &self,
        request: Box<Request<HttpBody>>,
    ) -> Result<Response<HttpBody>, Unanswered> {
        let mut request = Some(request);
        let mut begun = match self.0.waiting.load(Ordering::Relaxed) {
            0 => self.0.first.begin(&mut request),
            _ => Err(Refused::Full),
        };
        if let Err(Refused::Full) = begun {
            begun = Box::pin(self.wait(&mut request)).await;
        }
        match begun {
            Ok(begun) => begun.await,
            Err(refused) => Err(Unanswered {
                why: Broken::Unprocessed(refused.why()),
                unsent: request,
            }),
        }
    }

    /// Begins a call as soon as there is a place for it.
    async fn wait(&self, request: &mut Option<Box<Request<HttpBody>>>) -> Result<Begun, Refused> {
        let several = &self.0;
        let _waiting = Waiting::new(&several.waiting);
        let _turn = several.turn.lock().await;
        loop {
            match several.first.begin(request) {
                Err(Refused::Full) => {}
                begun => return begun,
            }
            for caller in &several.further().callers {
                if let Ok(begun) = caller.begin(request) {
                    return Ok(begun);
                }
            }
            self.open();
            several.room.notified().await;
        }
    }

    /// Makes a further connection, unless there are enough or one is being made.
    fn open(&self) {
        let several = &self.0;
        let max = several.connector.limits.connections_per_address_max;
        let mut further = several.further();
        further.callers.retain(|caller| caller.is_open());
        if further.callers.len() + 1 >= max {
            several
                .connector
                .metrics
                .reached(Limit::ConnectionsPerAddressMax);
        } else if !std::mem::replace(&mut further.opening, true) {
            let (connector, address) = (several.connector.clone(), several.address.clone());
            tokio::spawn(further_one(connector, address, Arc::downgrade(several)));
        }
    }
}

/// Connects once more to `address`, for as long as that is of use.
async fn further_one(connector: Connector, address: Address, several: Weak<Several>) {
    // Who waits hears of its end as of every call that ends.
    let connected = connector.connect_once(&address, Arc::default()).await;
    let caller = match connected {
        Ok(caller) => Arc::new(caller),
        Err(error) => {
            tracing::debug!(%address, %error, "no further connection");
            sleep(backoff(0, fastrand::f64())).await;
            if let Some(several) = several.upgrade() {
                several.further().opening = false;
                several.room.notify_one();
            }
            return;
        }
    };
    {
        let Some(several) = several.upgrade() else {
            return;
        };
        tracing::debug!(%address, "a further connection, for the first takes no more calls");
        caller.tell(several.room.clone());
        let mut further = several.further();
        further.opening = false;
        further.callers.push(caller.clone());
        drop(further);
        several.room.notify_one();
    }
    let mut idle = false;
    loop {
        sleep(IDLE / 2).await;
        let was_idle = std::mem::replace(&mut idle, caller.is_idle());
        let Some(several) = several.upgrade() else {
            return;
        };
        if (idle && was_idle) || !caller.is_open() {
            let others = |known: &Arc<Caller>| !Arc::ptr_eq(known, &caller);
            several.further().callers.retain(others);
            return;
        }
    }
}

impl Several {
    fn further(&self) -> MutexGuard<'_, Further> {
        self.further.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
