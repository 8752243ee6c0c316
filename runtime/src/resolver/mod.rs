//! Port: tells at which addresses a service can be reached.

mod again;
mod destination;
#[cfg(feature = "dns")]
mod dns;
mod fixed;
mod host;
mod news;
mod registered;
mod roster;
mod several;
#[cfg(not(feature = "dns"))]
mod system;

#[cfg(feature = "dns")]
use self::dns as names;
#[cfg(not(feature = "dns"))]
use self::system as names;
use crate::{
    endpoint::Endpoint,
    metrics::Metric,
    reply::BoxStream,
    status::{Code, Status},
};
use std::{fmt, sync::Arc};
use tokio::sync::Notify;

pub(crate) use destination::{Destination, Target};
pub use registered::RegistryResolver;

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

    /// Why its addresses are not to be called in plain text, if they are not: what calls of
    /// channels without TLS end with.
    fn refusal_of_plain_text(&self) -> Option<Status> {
        None
    }

    /// What it has counted: part of [`Channel::metrics`](crate::Channel::metrics).
    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }
}

/// Says that endpoints failed, so that a resolver looks again before it would.
/// Clones are the same; one of them listens.
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

    /// Forgets what was asked until now.
    async fn forget(&self) {
        tokio::select! {
            biased;
            () = self.asked() => {}
            () = std::future::ready(()) => {}
        }
    }
}

/// What a call ends with because of what a resolver said. A code that only
/// services may answer with is INTERNAL (gRFC A54).
pub(crate) fn as_calls_see(status: Status) -> Status {
    match status.code() {
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::DataLoss => {
            let (code, message) = (status.code(), status.message());
            Status::internal(format!("the resolver failed with {code:?}: {message}"))
        }
        _ => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_see_no_code_that_is_the_service_s() {
        for code in (0..=16).map(Code::from_i32) {
            let seen = as_calls_see(Status::new(code, "why"));
            let kept = match code {
                Code::Cancelled
                | Code::Unknown
                | Code::DeadlineExceeded
                | Code::PermissionDenied
                | Code::ResourceExhausted
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::Unauthenticated => code,
                _ => Code::Internal,
            };
            assert_eq!(seen.code(), kept);
            assert!(seen.message().ends_with("why"), "{seen}");
        }
    }
}
