//! A configuration that is made again when what it was made from has changed.

use super::{Error, Pem};
use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Time between two looks at the files.
pub(super) const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// What a configuration is made from.
pub(super) trait Plan: Send + Sync + 'static {
    type Config: Send + Sync + 'static;

    fn pems(&self) -> Vec<&Pem>;

    /// `texts` are those of `pems`, in their order.
    fn build(&self, texts: &[Vec<u8>]) -> Result<Self::Config, Error>;

    /// Whether `texts`, which build, are good enough to take the place of others.
    fn check(&self, _texts: &[Vec<u8>]) -> Result<(), Error> {
        Ok(())
    }
}

/// The configuration in force, and the plan that it follows.
pub(super) struct Reloading<P: Plan> {
    current: RwLock<Current<P>>,
    reloads: AtomicU64,
    failures: AtomicU64,
}

struct Current<P: Plan> {
    plan: Arc<P>,
    config: Arc<P::Config>,
    /// What was read last, or why it was not: what is bad is said once.
    seen: Result<Vec<Vec<u8>>, String>,
    looked: Instant,
}

impl<P: Plan> Clone for Current<P> {
    fn clone(&self) -> Self {
        Self {
            plan: self.plan.clone(),
            config: self.config.clone(),
            seen: self.seen.clone(),
            looked: self.looked,
        }
    }
}

fn read<P: Plan>(plan: &P) -> Result<Vec<Vec<u8>>, Error> {
    plan.pems().into_iter().map(Pem::read).collect()
}

impl<P: Plan> Reloading<P> {
    pub(super) fn new(plan: P) -> Result<Self, Error> {
        let texts = read(&plan)?;
        let config = Arc::new(plan.build(&texts)?);
        Ok(Self {
            current: RwLock::new(Current {
                plan: Arc::new(plan),
                config,
                seen: Ok(texts),
                looked: Instant::now(),
            }),
            reloads: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        })
    }

    pub(super) fn config(&self) -> Arc<P::Config> {
        self.lock().config.clone()
    }

    pub(super) fn plan(&self) -> Arc<P> {
        self.lock().plan.clone()
    }

    /// From now on what `other` is.
    pub(super) fn replace(&self, other: &Self) {
        let other = other.lock().clone();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = other;
        self.reloads.fetch_add(1, Relaxed);
        tracing::info!("TLS replaced");
    }

    /// How often another configuration came into force.
    pub(super) fn reloads(&self) -> u64 {
        self.reloads.load(Relaxed)
    }

    /// How often what was read could not be used.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// Whether there are files that nobody has looked at for `interval`.
    pub(super) fn is_due(&self, interval: Duration) -> bool {
        let current = self.lock();
        current.looked.elapsed() >= interval && current.plan.pems().into_iter().any(Pem::is_file)
    }

    /// Reads the files again, off the threads that serve.
    pub(super) async fn look(self: &Arc<Self>) {
        let this = self.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || this.look_now()).await {
            tracing::error!(%error, "the TLS files were not read");
        }
    }

    fn look_now(&self) {
        let (plan, seen) = {
            let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
            current.looked = Instant::now();
            (current.plan.clone(), current.seen.clone())
        };
        let texts = read(&*plan);
        let now_seen = match &texts {
            Ok(texts) => Ok(texts.clone()),
            Err(error) => Err(error.to_string()),
        };
        if now_seen == seen {
            return;
        }
        let built = texts.and_then(|texts| {
            let config = plan.build(&texts)?;
            plan.check(&texts)?;
            Ok(config)
        });

        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody has replaced it meanwhile, by something newer.
        if !Arc::ptr_eq(&current.plan, &plan) {
            return;
        }
        current.seen = now_seen;
        match built {
            Ok(config) => {
                current.config = Arc::new(config);
                self.reloads.fetch_add(1, Relaxed);
                tracing::info!("TLS files reloaded");
            }
            Err(error) => {
                self.failures.fetch_add(1, Relaxed);
                tracing::error!(%error, "new TLS files do not serve: the ones before stay in force");
            }
        }
    }

    fn lock(&self) -> RwLockReadGuard<'_, Current<P>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Plan + fmt::Debug> fmt::Debug for Reloading<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading")
            .field("plan", &self.plan())
            .field("reloads", &self.reloads())
            .field("failures", &self.failures())
            .finish()
    }
}
