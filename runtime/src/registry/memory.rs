//! Adapter: a registry in this process.

use super::{Instance, Listing, Registry, RegistryFuture, check_service};
use crate::{
    reply::BoxStream,
    status::{Result, Status},
    unfold::unfold,
};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

/// Records of all services.
const RECORDS_MAX: usize = 100_000;

/// A registry in this process: for tests, and for one binary with many services.
/// Clones are the same registry.
///
/// ```
/// use cordial_runtime::{Channel, MemoryRegistry, Server};
///
/// let registry = MemoryRegistry::new();
/// let server = Server::new().register(registry.clone());
/// let channel = Channel::registered_in("orders.v1.Orders", registry);
/// ```
#[derive(Clone)]
pub struct MemoryRegistry(Arc<State>);

struct State {
    services: Mutex<Services>,
    /// Tells that something may have changed.
    changed: watch::Sender<()>,
}

type Services = HashMap<String, BTreeMap<String, Record>>;

struct Record {
    instance: Arc<Instance>,
    until: Instant,
}

impl MemoryRegistry {
    /// An empty registry.
    pub fn new() -> Self {
        Self(Arc::new(State {
            services: Mutex::default(),
            changed: watch::Sender::new(()),
        }))
    }

    /// The registry that this process calls `name`, as `memory://name/…` does. It
    /// lives as long as somebody has it.
    pub fn named(name: &str) -> Self {
        static NAMED: LazyLock<Mutex<HashMap<String, Weak<State>>>> = LazyLock::new(Mutex::default);
        let mut named = lock(&NAMED);
        if let Some(state) = named.get(name).and_then(Weak::upgrade) {
            return Self(state);
        }
        named.retain(|_, state| state.strong_count() > 0);
        let new = Self::new();
        named.insert(name.to_owned(), Arc::downgrade(&new.0));
        new
    }

    /// Forgets everything, as a registry that restarts without its data.
    pub fn clear(&self) {
        lock(&self.0.services).clear();
        self.0.changed.send_replace(());
    }

    fn put(&self, instance: &Instance, lease: Duration) -> Result<()> {
        instance.check()?;
        let now = Instant::now();
        let mut services = lock(&self.0.services);
        if services.values().map(BTreeMap::len).sum::<usize>() >= RECORDS_MAX {
            services.values_mut().for_each(|records| {
                records.retain(|_, record| record.until > now);
            });
            if services.values().map(BTreeMap::len).sum::<usize>() >= RECORDS_MAX {
                let why = format!("{self:?} holds {RECORDS_MAX} instances already");
                return Err(Status::resource_exhausted(why));
            }
        }
        let records = services.entry(instance.service.clone()).or_default();
        let until = now + lease;
        let known = records.get_mut(&instance.id);
        let known = known.filter(|record| *record.instance == *instance && record.until > now);
        if let Some(record) = known {
            record.until = until;
            return Ok(());
        }
        let instance = Arc::new(instance.clone());
        records.insert(instance.id.clone(), Record { instance, until });
        drop(services);
        self.0.changed.send_replace(());
        Ok(())
    }

    fn remove(&self, instance: &Instance) {
        let mut services = lock(&self.0.services);
        if let Some(records) = services.get_mut(&instance.service) {
            records.remove(&instance.id);
            if records.is_empty() {
                services.remove(&instance.service);
            }
        }
        drop(services);
        self.0.changed.send_replace(());
    }

    /// Those whose leases have not passed, and when the next one does.
    fn live(&self, service: &str) -> (Vec<Arc<Instance>>, Option<Instant>) {
        let mut services = lock(&self.0.services);
        let Some(records) = services.get_mut(service) else {
            return Default::default();
        };
        let now = Instant::now();
        records.retain(|_, record| record.until > now);
        if records.is_empty() {
            services.remove(service);
            return Default::default();
        }
        let next = records.values().map(|record| record.until).min();
        let instances = records.values().map(|record| record.instance.clone());
        (instances.collect(), next)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry for MemoryRegistry {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        Box::pin(async move { self.put(instance, lease) })
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async move {
            self.remove(instance);
            Ok(())
        })
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        if let Err(status) = check_service(service) {
            return Box::pin(tokio_stream::once(Err(status)));
        }
        let watched = Watched {
            registry: self.clone(),
            changed: self.0.changed.subscribe(),
            service: service.to_owned(),
            told: None,
        };
        unfold(watched, Watched::next)
    }

    fn is_local(&self) -> bool {
        true
    }
}

impl Default for MemoryRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the registry in this process")
    }
}

struct Watched {
    registry: MemoryRegistry,
    changed: watch::Receiver<()>,
    service: String,
    told: Option<Vec<Arc<Instance>>>,
}

impl Watched {
    async fn next(mut self) -> (Result<Listing>, Self) {
        loop {
            self.changed.mark_unchanged();
            let (live, next) = self.registry.live(&self.service);
            let same = |told: &Vec<Arc<Instance>>| {
                let both = told.iter().zip(&live);
                told.len() == live.len()
                    && both.into_iter().all(|(one, other)| Arc::ptr_eq(one, other))
            };
            if !self.told.as_ref().is_some_and(same) {
                self.told = Some(live.clone());
                return (Ok(live.into_iter().collect()), self);
            }
            tokio::select! {
                // The sender is in the registry, which this holds.
                _ = self.changed.changed() => {}
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
    }
}
