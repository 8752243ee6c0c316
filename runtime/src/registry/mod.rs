//! Port: tells which instances of a service are running, and holds what says so.

mod address;
mod counts;
mod instance;
mod job;
mod listing;
mod memory;
mod registration;
mod scheme;
mod watch;

use crate::{reply::BoxStream, status::Result};
use std::{fmt, pin::Pin, sync::Arc, time::Duration};

pub(crate) use counts::Counts;
pub(crate) use instance::Flaw;
pub use instance::{Instance, check_service};
pub use inventory;
pub(crate) use job::Jobs;
pub use listing::Listing;
pub(crate) use listing::RECORDS_MAX;
pub use memory::MemoryRegistry;
pub(crate) use registration::Planned;
pub use registration::Registration;
pub use scheme::{Scheme, open_registry};
pub(crate) use scheme::{check_users, schemes};
pub use watch::Watch;

/// What a [`Registry`] does takes time, and may be dropped before it is done.
pub type RegistryFuture<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

/// Holds which instances of which services are running, each for as long as its
/// lease says.
///
/// An adapter is small, since what surrounds it does the rest:
///
/// | who | does |
/// |---|---|
/// | [`Server::register`](crate::Server::register) | calls `register` again and again, whatever it ended with, and `deregister` at the end |
/// | [`Watch`] | calls `watch` again, with a backoff, when that failed or ended, and every 10 min in case something was missed |
/// | [`RegistryResolver`](crate::RegistryResolver) | checks every record, keeps the last list while the registry is away, and holds back what flaps |
///
/// It connects when it is first used, not when it is made, and connects again
/// whenever that is needed: a runtime, with every task on it, may end before it does.
///
/// `Debug` is what errors and the log call it: where it is, and no password.
pub trait Registry: fmt::Debug + Send + Sync + 'static {
    /// Sees to it that `instance` is listed, as it is given, for `lease` from now.
    ///
    /// It is called once and then about three times in each lease, with the same
    /// instance as long as nothing about it changes, so it is what renews, too. It
    /// ends well only if the record is there then: one that expired, was wiped or
    /// was deleted by somebody is written again. What is listed already and has not
    /// changed should cost no watcher a new list.
    ///
    /// An instance is gone from every list when its lease has passed since the last
    /// of these calls that reached the registry; a lease is rounded up to what the
    /// registry can keep. A later instance of the same service and id takes the
    /// place of the earlier.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for an instance that does not pass [`Instance::check`].
    /// Otherwise UNAVAILABLE with what was asked of whom and what came; within a
    /// time of its own, 5 s at most. The record may have been written all the same.
    ///
    /// Cancellation safe: a call that was dropped has been made, or has not. A server
    /// drops it after a third of the lease, 1 s at least, and calls again: of several
    /// hosts, the next is asked then.
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a>;

    /// Takes the instance of this service and id out of every list. That it is in
    /// none is no error.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a>;

    /// Whole lists of the instances of `service`: the first as soon as there is an
    /// answer, empty if there are none, then one after every change. Never an older
    /// one after a newer one. A reader that is slow misses lists in between, and
    /// never the last one; nothing piles up for it.
    ///
    /// The first error is the last item. Whoever watches a registry that went away
    /// without a word has an error within 30 s. Dropping the stream ends the watch.
    ///
    /// A record that does not read is [skipped](Listing::skip); its reader checks
    /// the others with [`Instance::check`].
    fn watch(&self, service: &str) -> BoxStream<Listing>;

    /// Whether only processes of this machine can write to it, so that the Unix
    /// sockets it names may be believed.
    fn is_local(&self) -> bool {
        false
    }

    /// Whether anybody near can write to it. What it says is then believed where TLS shows
    /// who answers, and channels without TLS call nobody.
    fn needs_tls(&self) -> bool {
        false
    }
}

impl<R: Registry + ?Sized> Registry for Arc<R> {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        (**self).register(instance, lease)
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        (**self).deregister(instance)
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        (**self).watch(service)
    }

    fn is_local(&self) -> bool {
        (**self).is_local()
    }

    fn needs_tls(&self) -> bool {
        (**self).needs_tls()
    }
}
