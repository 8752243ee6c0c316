//! What a call hands on to the calls made while it is answered.

use crate::{
    deadline::{self, Deadline},
    message::Request,
    priority::Priority,
};
use std::sync::Arc;
use tonic::metadata::{KeyAndValueRef, MetadataMap};

tokio::task_local! {
    static CURRENT: Context;
}

/// What a call hands on to the calls made while it is answered: how much time is
/// left, how much it matters, that it is a retry, and the metadata that the
/// server was told to [propagate](crate::Server::propagate).
///
/// Calls made in a handler, and in the stream it returns, have it by themselves;
/// [`Call::detached`](crate::Call::detached) is the way out. A task that a handler
/// spawns has none unless it is given one:
///
/// ```
/// use cordial_runtime::Context;
///
/// # async fn later() {}
/// # async fn handler() {
/// tokio::spawn(Context::current().scope(later()));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Context {
    deadline: Option<Deadline>,
    priority: Priority,
    is_of_retry: bool,
    carried: Option<Arc<MetadataMap>>,
}

impl Context {
    /// That of the call that is being answered here; an empty one elsewhere.
    pub fn current() -> Self {
        CURRENT.try_with(Self::clone).unwrap_or_default()
    }

    /// Runs `future` with it.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Runs `run` with it.
    pub(crate) fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), run)
    }

    /// Until when whoever waits for the call that is being answered does.
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// How much that call matters.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Whether that call exists because another failed, or was slow: calls made for
    /// it are not retried in their turn.
    pub fn is_of_retry(&self) -> bool {
        self.is_of_retry
    }

    /// The same for a call that was made because another failed.
    pub(crate) fn of_retry(mut self, is_of_retry: bool) -> Self {
        self.is_of_retry = is_of_retry;
        self
    }

    /// That of a call of this `priority` which is about to be answered.
    pub(crate) fn of<T>(request: &Request<T>, priority: Priority, keys: &[Box<str>]) -> Self {
        let carried = match keys {
            [] => None,
            keys => carried(request.metadata(), keys),
        };
        Self {
            deadline: request.deadline(),
            priority,
            is_of_retry: false,
            carried,
        }
    }

    /// Adds to a request what it does not say itself, but for the deadline:
    /// that is the earlier of both. `priority` is that of its method.
    pub(crate) fn apply<T>(&self, request: &mut Request<T>, priority: Option<Priority>) {
        request.set_deadline(deadline::earlier(request.deadline(), self.deadline));
        let metadata = request.metadata_mut();
        let priority = priority.unwrap_or(self.priority);
        if priority != Priority::default() && !metadata.contains_key(Priority::KEY) {
            priority.insert(metadata);
        }
        if let Some(carried) = &self.carried {
            let missing = |key: &str| !metadata.contains_key(key);
            let missing: Vec<bool> = carried.iter().map(|entry| missing(key(&entry))).collect();
            for (entry, _) in carried.iter().zip(missing).filter(|(_, missing)| *missing) {
                add(metadata, &entry);
            }
        }
    }
}

/// The entries of `metadata` under `keys`, if there are any.
fn carried(metadata: &MetadataMap, keys: &[Box<str>]) -> Option<Arc<MetadataMap>> {
    let mut carried = MetadataMap::new();
    for entry in metadata.iter() {
        if keys.iter().any(|known| **known == *key(&entry)) {
            add(&mut carried, &entry);
        }
    }
    (!carried.is_empty()).then(|| Arc::new(carried))
}

fn key<'a>(entry: &KeyAndValueRef<'a>) -> &'a str {
    match entry {
        KeyAndValueRef::Ascii(key, _) => key.as_str(),
        KeyAndValueRef::Binary(key, _) => key.as_str(),
    }
}

fn add(metadata: &mut MetadataMap, entry: &KeyAndValueRef<'_>) {
    match entry {
        KeyAndValueRef::Ascii(key, value) => {
            metadata.append((*key).clone(), (*value).clone());
        }
        KeyAndValueRef::Binary(key, value) => {
            metadata.append_bin((*key).clone(), (*value).clone());
        }
    }
}
