//! Endpoints, as a registry lists them.

use super::{Refresh, Resolver, news::News, roster::Roster};
use crate::{
    endpoint::Endpoint,
    metrics::Metric,
    registry::{Counts, Registry, Watch},
    reply::BoxStream,
    status::{Result, Status},
    unfold::unfold,
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// Between two looks at a list: what changes a hundred times a second is read five times.
const PAUSE: Duration = Duration::from_millis(200);

/// Tells a channel where a service runs, as a registry has it.
///
/// Nothing in the registry is believed: what is no name, no address that a server can
/// have, or too much, is skipped, counted, and the rest serve. While the registry is
/// away the last list stays, however long. While more instances went within the last
/// minute than are left, those that went stay too: a registry that lost its data is
/// likelier than a service that lost its servers, and a server that is gone costs no
/// call. An instance that has come back three times is called again after 10 s.
#[derive(Clone, Debug)]
pub struct RegistryResolver {
    registry: Arc<dyn Registry>,
    service: String,
    allows_link_local: bool,
    counts: Counts,
    /// The last list, for a channel that was IDLE and finds the registry away.
    last: Arc<Mutex<Vec<Endpoint>>>,
}

impl RegistryResolver {
    /// Where `service` runs, `orders.v1.Orders` say, as `registry` has it.
    pub fn new(service: impl Into<String>, registry: impl Registry) -> Self {
        Self {
            registry: Arc::new(registry),
            service: service.into(),
            allows_link_local: false,
            counts: Counts::default(),
            last: Arc::default(),
        }
    }

    /// Believes link-local addresses, too, among which clouds keep the credentials
    /// of their machines.
    #[must_use]
    pub fn allow_link_local(mut self) -> Self {
        self.allows_link_local = true;
        self
    }
}

impl Resolver for RegistryResolver {
    fn watch(&self, _refresh: Refresh) -> BoxStream<Vec<Endpoint>> {
        let Self {
            registry, service, ..
        } = self;
        let rules = super::roster::Rules {
            service: service.clone(),
            allows_link_local: self.allows_link_local,
            allows_unix: registry.is_local(),
        };
        let watched = Watched {
            watch: Watch::new(registry.clone(), service),
            roster: Roster::new(rules, self.counts.clone()),
            resolver: self.clone(),
            news: News::default(),
            is_empty: false,
            not_before: Instant::now(),
        };
        unfold(watched, Watched::next)
    }

    fn refusal_of_plain_text(&self) -> Option<Status> {
        let Self {
            registry, service, ..
        } = self;
        registry.needs_tls().then(|| {
            Status::unauthenticated(format!(
                "anybody near can write to {registry:?}, so what it says of `{service}` is \
                 believed with TLS only: use `Channel::with_tls`, or a registry that allows plain \
                 text"
            ))
        })
    }

    fn metrics(&self) -> Vec<Metric> {
        self.counts.iter().collect()
    }
}

struct Watched {
    watch: Watch,
    roster: Roster,
    resolver: RegistryResolver,
    news: News,
    /// The last word was that there are no instances.
    is_empty: bool,
    not_before: Instant,
}

impl Watched {
    async fn next(mut self) -> (Result<Vec<Endpoint>>, Self) {
        loop {
            sleep_until(self.not_before).await;
            let due = self.roster.due();
            tokio::select! {
                listed = self.watch.next() => match listed {
                    Ok(listing) => self.roster.take(&listing, Instant::now()),
                    Err(status) => match self.failed(status) {
                        Some(told) => return (told, self),
                        None => continue,
                    },
                },
                () = sleep_until(due.unwrap_or(self.not_before)), if due.is_some() => {}
            }
            let now = Instant::now();
            self.not_before = now + PAUSE;
            let endpoints = self.roster.endpoints(now);
            if endpoints.is_empty() {
                if !std::mem::replace(&mut self.is_empty, true) {
                    self.news.forget();
                    // Nor are they there for a channel that finds the registry away.
                    self.last().clear();
                    return (Err(self.nowhere()), self);
                }
                continue;
            }
            self.is_empty = false;
            if let Some(endpoints) = self.news.of(endpoints) {
                self.last().clone_from(&endpoints);
                return (Ok(endpoints), self);
            }
        }
    }

    fn last(&self) -> MutexGuard<'_, Vec<Endpoint>> {
        let last = self.resolver.last.lock();
        last.unwrap_or_else(PoisonError::into_inner)
    }

    /// What to tell of a watch that failed: nothing, if there is a list.
    fn failed(&mut self, status: Status) -> Option<Result<Vec<Endpoint>>> {
        let was_there = self.resolver.counts.failed();
        if self.roster.is_empty() {
            self.is_empty = false;
            let last = self.last().clone();
            return match last.is_empty() {
                true => Some(Err(status)),
                // Once, until there is another.
                false => self.news.of(last).map(Ok),
            };
        }
        match was_there {
            true => tracing::warn!(%status, "the registry is away; its last list stays"),
            false => tracing::debug!(%status, "the registry is still away"),
        }
        None
    }

    fn nowhere(&self) -> Status {
        let RegistryResolver {
            registry, service, ..
        } = &self.resolver;
        Status::unavailable(format!("no instance of `{service}` is in {registry:?}"))
    }
}
