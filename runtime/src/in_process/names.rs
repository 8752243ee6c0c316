//! The servers of this process that have a name.

use super::{InProcess, Stay};
use crate::{
    engine::{BoxFuture, Error, ErrorKind},
    status::{Result, Status},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::{sync::watch, time::timeout};

type Names = HashMap<Arc<str>, Arc<InProcess>>;

static NAMES: LazyLock<watch::Sender<Names>> = LazyLock::new(watch::Sender::default);

/// What a URI may hold as it is, as far as names are concerned.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The server of this name, and the stay of a call with it.
///
/// # Errors
/// UNAVAILABLE while nobody has the name; with `wait_for_ready` it waits instead.
/// Cancellation safe.
pub(crate) async fn reach(name: &str, wait_for_ready: bool) -> Result<(Arc<InProcess>, Stay)> {
    // Whoever leaves takes turns with whoever looks: no call enters a server that has left.
    let enter = |names: &Names| {
        let server = names.get(name)?.clone();
        let stay = Stay(Some(server.calls.subscribe()));
        Some((server, stay))
    };
    // Most calls find it, and listen for no change.
    if let Some(entered) = enter(&NAMES.borrow()) {
        return Ok(entered);
    }
    let mut names = NAMES.subscribe();
    loop {
        if let Some(entered) = enter(&names.borrow_and_update()) {
            return Ok(entered);
        }
        // The list of names never ends.
        if !wait_for_ready || names.changed().await.is_err() {
            return Err(Status::unavailable(format!(
                "no server of this process has the name of `in-process:{name}`"
            )));
        }
    }
}

/// A server that channels of this process reach by its name: `in-process:<name>`.
///
/// It answers from the start and needs not be awaited. Dropping this gives the name
/// back: calls that are in flight go on to their ends, and later ones find whoever
/// takes the name next.
#[must_use = "the server is gone once this is dropped"]
pub struct NamedServer {
    name: Arc<str>,
    server: Arc<InProcess>,
    shutdown: Option<BoxFuture<()>>,
    drain_grace: Duration,
}

impl NamedServer {
    pub(crate) fn new(
        name: &str,
        server: InProcess,
        shutdown: Option<BoxFuture<()>>,
        drain_grace: Duration,
    ) -> Result<Self, Error> {
        if name.is_empty() {
            return Err(Error::new(
                ErrorKind::Address,
                "a server was to have an empty name; give it one that channels can say",
            ));
        }
        let (name, server) = (Arc::<str>::from(name), Arc::new(server));
        let free = NAMES.send_if_modified(|names| {
            let free = !names.contains_key(&name);
            if free {
                names.insert(name.clone(), server.clone());
            }
            free
        });
        if !free {
            let what = format!(
                "another server of this process has the name `{name}`; drop that one first, or \
                 choose another name"
            );
            return Err(Error::new(ErrorKind::Bind, what));
        }
        Ok(Self {
            name,
            server,
            shutdown,
            drain_grace,
        })
    }

    /// What [`Channel::to`](crate::Channel::to) takes to reach it.
    pub fn uri(&self) -> String {
        let name = utf8_percent_encode(&self.name, ESCAPED);
        format!("in-process:{name}")
    }

    /// Serves until the signal of [`shutdown_on`](crate::Server::shutdown_on) ends,
    /// if there is one: then gives the name back, lets the calls in flight end within
    /// [`Limits::drain_grace`](crate::Limits::drain_grace), and ends the rest with
    /// UNAVAILABLE.
    pub async fn serve(mut self) {
        match self.shutdown.take() {
            Some(shutdown) => shutdown.await,
            None => std::future::pending().await,
        }
        self.leave();
        let calls = &self.server.calls;
        if timeout(self.drain_grace, calls.closed()).await.is_err() {
            calls.send_replace(true);
        }
    }

    fn leave(&self) {
        NAMES.send_if_modified(|names| {
            let own = names.get(&self.name);
            let is_there = own.is_some_and(|own| Arc::ptr_eq(own, &self.server));
            if is_there {
                names.remove(&self.name);
            }
            is_there
        });
    }
}

impl Drop for NamedServer {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for NamedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedServer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
