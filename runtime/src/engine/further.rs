//! Connections to one address: one, and further ones while its peer takes no more
//! calls at once (gRFC A105).

use super::{
    Broken, Connector, HttpBody,
    http2::{Begun, Caller, Refused, Room, Unanswered},
};
use crate::{backoff::backoff, endpoint::Endpoint, limits::Limit};
use http::Request;
use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::time::{Duration, sleep, timeout};

/// How long a further connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(30);

/// How often a call that waits for a place looks itself: whoever was told of the last
/// one may not be polled.
const LOOK: Duration = Duration::from_millis(50);

/// What calls to one address are made on; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Connection(Arc<Several>);

#[derive(Debug)]
struct Several {
    connector: Connector,
    endpoint: Endpoint,
    first: Caller,
    further: Mutex<Further>,
    /// Places that come free on any of them.
    room: Arc<Room>,
}

#[derive(Debug, Default)]
struct Further {
    callers: Vec<Arc<Caller>>,
    /// One is being made.
    opening: bool,
}

/// A further connection is being made, for as long as this lives.
struct Opening(Weak<Several>);

impl Connection {
    pub(super) fn new(connector: Connector, endpoint: Endpoint, first: Caller) -> Self {
        let room = Arc::new(Room::default());
        first.tell(room.clone());
        Self(Arc::new(Several {
            connector,
            endpoint,
            first,
            further: Mutex::default(),
            room,
        }))
    }

    /// Whether calls may still be made. They may not once the first connection
    /// takes none, whatever the others do: the address is then connected to anew.
    pub(crate) fn is_open(&self) -> bool {
        self.0.first.is_open()
    }

    /// Begins a call: what is returned is the head of its response to come. Waits
    /// while the peer takes no more calls at once, on as many connections as may be
    /// made to it. `stamp` sees the request right before it leaves.
    pub(crate) async fn begin(
        &self,
        request: Box<Request<HttpBody>>,
        stamp: impl Fn(&mut Request<HttpBody>) + Send + Sync,
    ) -> Result<Begun, Unanswered> {
        let mut request = Some(request);
        let mut begun = self.0.try_begin(&mut request, &stamp);
        if let Err(Refused::Full) = begun {
            begun = Box::pin(self.wait(&mut request, &stamp)).await;
        }
        begun.map_err(|refused| Unanswered {
            why: Broken::Unprocessed(refused.why()),
            unsent: request,
        })
    }

    /// Begins a call as soon as there is a place for it. Who comes at the right time
    /// may be before who has waited.
    async fn wait(
        &self,
        request: &mut Option<Box<Request<HttpBody>>>,
        stamp: &(dyn Fn(&mut Request<HttpBody>) + Send + Sync),
    ) -> Result<Begun, Refused> {
        let several = &self.0;
        let _waiting = several.room.wait();
        self.open();
        loop {
            let mut told = pin!(several.room.told());
            told.as_mut().enable();
            match several.try_begin(request, stamp) {
                Err(Refused::Full) => {}
                begun => return begun,
            }
            // Told or not, it looks again.
            let _ = timeout(LOOK, told).await;
            self.open();
        }
    }

    /// Makes a further connection, unless there are enough or one is being made.
    fn open(&self) {
        let several = &self.0;
        let max = several.connector.limits.connections_per_address_max;
        let mut further = several.further();
        further.callers.retain(|caller| caller.is_open());
        if further.callers.len() + 1 >= max {
            let metrics = &several.connector.metrics;
            metrics.reached(Limit::ConnectionsPerAddressMax);
        } else if !std::mem::replace(&mut further.opening, true) {
            let opening = Opening(Arc::downgrade(several));
            let (connector, endpoint) = (several.connector.clone(), several.endpoint.clone());
            tokio::spawn(further_one(connector, endpoint, opening));
        }
    }
}

impl Several {
    /// Begins a call on the first connection that has a place.
    fn try_begin(
        &self,
        request: &mut Option<Box<Request<HttpBody>>>,
        stamp: &(dyn Fn(&mut Request<HttpBody>) + Send + Sync),
    ) -> Result<Begun, Refused> {
        if let Some(request) = request {
            stamp(request);
        }
        match self.first.begin(request) {
            Err(Refused::Full) => {}
            begun => return begun,
        }
        for caller in &self.further().callers {
            if let Ok(begun) = caller.begin(request) {
                return Ok(begun);
            }
        }
        Err(Refused::Full)
    }

    fn further(&self) -> MutexGuard<'_, Further> {
        self.further.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects once more to `endpoint`, for as long as that is of use.
async fn further_one(connector: Connector, endpoint: Endpoint, opening: Opening) {
    let address = endpoint.address();
    // Who waits hears of its end as of every call that ends.
    let connected = connector.connect_once(&endpoint, Arc::default()).await;
    let caller = match connected {
        Ok(caller) => Arc::new(caller),
        Err(error) => {
            tracing::debug!(%address, %error, "no further connection");
            return sleep(backoff(0, fastrand::f64())).await;
        }
    };
    let several = opening.0.clone();
    if let Some(several) = several.upgrade() {
        tracing::debug!(%address, "a further connection: the others take no more calls");
        caller.tell(several.room.clone());
        several.further().callers.push(caller.clone());
    }
    drop(opening);
    let watched = Arc::downgrade(&caller);
    // It is its channel's alone, and goes with it.
    drop(caller);
    close_idle(several, watched).await;
}

/// Lets go of a further connection that nobody uses.
async fn close_idle(several: Weak<Several>, caller: Weak<Caller>) {
    let mut begun = None;
    loop {
        sleep(IDLE).await;
        let (Some(several), Some(caller)) = (several.upgrade(), caller.upgrade()) else {
            return;
        };
        let before = begun.replace(caller.begun());
        if caller.is_idle() && before == begun || !caller.is_open() {
            let others = |known: &Arc<Caller>| !Arc::ptr_eq(known, &caller);
            several.further().callers.retain(others);
            return;
        }
    }
}

/// However it went: who waits may look again.
impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(several) = self.0.upgrade() {
            several.further().opening = false;
            several.room.tell_all();
        }
    }
}
