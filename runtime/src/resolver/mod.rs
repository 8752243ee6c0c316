//! Port: tells at which addresses a service can be reached.

use crate::{endpoint::Endpoint, reply::BoxStream};
use std::{fmt, sync::Arc};
use tokio::sync::Notify;

/// Tells where a service runs, and tells again when that changes.
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// Whole lists of endpoints, the first as soon as there is one. An error says
    /// why there is none now; whoever watches keeps the last good list and goes on
    /// watching, so the stream goes on too. It may end when nothing will change
    /// any more. Dropping it ends the watch.
    ///
    /// `refresh` says when the list is suspected to be stale; a resolver that
    /// is told of changes need not listen to it.
    fn watch(&self, refresh: Refresh) -> BoxStream<Vec<Endpoint>>;
}

/// Says that endpoints failed, so that a resolver looks again before it would.
#[derive(Clone, Debug, Default)]
pub struct Refresh(Arc<Notify>);

impl Refresh {
    /// Asks for a new list soon.
    pub fn ask(&self) {
        self.0.notify_one();
    }

    /// Ends when a new list is asked for, or was since the last time. Cancellation safe.
    pub async fn asked(&self) {
        self.0.notified().await;
    }
}
