//! The tasks that keep a server registered.

use super::{
    Instance, Registry, RegistryFuture,
    registration::{Health, Planned},
    watch::backoff,
};
use crate::{
    contain::contain,
    metrics::{Counted, Gauge, Metrics},
    status::{Result, Status},
};
use std::{
    future::{pending, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_stream::StreamExt;

/// One attempt has as long as there is between two renewals, so that others follow within
/// the lease; not less than a registry needs that is well, if the lease is not shorter.
const ATTEMPT_MIN: Duration = Duration::from_secs(1);
const ATTEMPT_MAX: Duration = Duration::from_secs(5);

/// For all services to be deregistered: a server that is asked to stop does so.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Signs of life in the time of a lease: two may be lost.
const RENEWALS_PER_LEASE: u32 = 3;

/// Keeps the services of a server registered until it is stopped, or dropped: then
/// their leases end it.
pub(crate) struct Jobs {
    tasks: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

impl Jobs {
    /// Begins to register what is planned, as soon as it is healthy.
    pub(crate) fn start(planned: Vec<Planned>, metrics: &Metrics) -> Self {
        let stop = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        for plan in planned {
            let (health, healthy) = watch::channel(plan.health.is_none());
            if let Some(said) = plan.health {
                tasks.spawn(follow(said, health, stop.subscribe()));
            }
            for instance in plan.instances {
                let job = Job {
                    registry: plan.registry.clone(),
                    instance,
                    lease: plan.lease,
                    healthy: healthy.clone(),
                    stop: stop.subscribe(),
                    metrics: metrics.clone(),
                };
                tasks.spawn(job.run());
            }
        }
        let tasks = Mutex::new(tasks);
        Self { tasks, stop }
    }

    /// Deregisters everything, as far as the registries answer in time.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let mut tasks = self.tasks.lock().await;
        let ended = async { while tasks.join_next().await.is_some() {} };
        if timeout(STOP_TIMEOUT, ended).await.is_err() {
            tracing::warn!("not deregistered within {STOP_TIMEOUT:?}: leases will end it");
            tasks.shutdown().await;
        }
    }
}

/// Passes on what is said of the server's health.
async fn follow(mut said: Health, health: watch::Sender<bool>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            said = said.next() => match said {
                // Said again, it is no reason to register again.
                Some(said) => {
                    health.send_if_modified(|now| std::mem::replace(now, said) != said);
                }
                None => return,
            },
            () = stopped(&mut stop) => return,
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Dropped unused, it asks for nothing.
    if stop.wait_for(|stop| *stop).await.is_err() {
        pending().await
    }
}

async fn changed<T>(value: &mut watch::Receiver<T>) {
    if value.changed().await.is_err() {
        pending().await
    }
}

/// Keeps one service registered.
struct Job {
    registry: Arc<dyn Registry>,
    instance: Instance,
    lease: Duration,
    healthy: watch::Receiver<bool>,
    stop: watch::Receiver<bool>,
    metrics: Metrics,
}

/// How far a job has come.
#[derive(Default)]
struct Progress {
    failures: u32,
    /// The last time it went well,
    renewed: Option<Instant>,
    /// and the mark of it, as long as the lease lasts.
    registered: Option<Counted>,
}

impl Job {
    async fn run(mut self) {
        tokio::select! {
            biased;
            () = stopped(&mut self.stop) => return,
            // Whoever never says that it is healthy never is.
            Ok(_) = self.healthy.wait_for(|healthy| *healthy) => {}
        }
        let mut progress = Progress::default();
        loop {
            self.instance.healthy = *self.healthy.borrow_and_update();
            // To its end: whatever is under way when it is dropped could come true
            // after the record was removed.
            let register = || self.registry.register(&self.instance, self.lease);
            let ended = self.attempt(register).await;
            let pause = self.after(ended, &mut progress);
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => break,
                () = changed(&mut self.healthy) => {}
                () = sleep(pause) => {}
            }
        }
        self.deregister(&progress).await;
    }

    /// Tries on, for as long as [`Jobs::stop`] lets it, if the instance may be listed.
    async fn deregister(&self, progress: &Progress) {
        let mut failures = 0;
        loop {
            let deregister = || self.registry.deregister(&self.instance);
            let Err(status) = self.attempt(deregister).await else {
                return;
            };
            let (registry, service) = (&self.registry, &self.instance.service);
            if progress.registered.is_none() {
                tracing::warn!(%status, ?registry, service, "not deregistered: its lease will end it");
                return;
            }
            tracing::warn!(%status, ?registry, service, "not deregistered; tries on");
            sleep(backoff(failures, fastrand::f64())).await;
            failures += 1;
        }
    }

    /// What `ask` asks of the registry ends with, in time. A panic is UNAVAILABLE.
    async fn attempt<'a>(&'a self, ask: impl FnOnce() -> RegistryFuture<'a>) -> Result<()> {
        let limit = (self.lease / RENEWALS_PER_LEASE).clamp(ATTEMPT_MIN, ATTEMPT_MAX);
        let limit = limit.min(self.lease);
        let mut asked = contain("registry", ask)?;
        let ended = poll_fn(|cx| match contain("registry", || asked.as_mut().poll(cx)) {
            Ok(polled) => polled,
            Err(status) => Poll::Ready(Err(status)),
        });
        match timeout(limit, ended).await {
            Ok(ended) => ended,
            Err(_) => Err(Status::unavailable(format!("no answer within {limit:?}"))),
        }
    }

    /// How long to wait after an attempt that ended so.
    fn after(&self, ended: Result<()>, progress: &mut Progress) -> Duration {
        let Self {
            registry,
            instance,
            lease,
            ..
        } = self;
        let (service, id) = (&instance.service, &instance.id);
        match ended {
            Ok(()) => {
                if progress.registered.is_none() || progress.failures > 0 {
                    tracing::info!(service, id, ?registry, "registered");
                }
                progress.failures = 0;
                progress.renewed = Some(Instant::now());
                let counted = || self.metrics.count(Gauge::ServicesRegistered);
                progress.registered.get_or_insert_with(counted);
                // Servers that began together do not come together.
                let jitter = 0.9 + 0.2 * fastrand::f64();
                (*lease / RENEWALS_PER_LEASE).mul_f64(jitter)
            }
            Err(status) => {
                self.metrics.registration_failed();
                match progress.failures {
                    0 => {
                        tracing::warn!(%status, service, id, ?registry, "not registered; tries on")
                    }
                    _ => tracing::debug!(%status, service, id, ?registry, "not registered"),
                }
                if progress.renewed.is_some_and(|at| at.elapsed() >= *lease) {
                    progress.registered = None;
                }
                let pause = backoff(progress.failures, fastrand::f64());
                progress.failures = progress.failures.saturating_add(1);
                pause.min(*lease / 2)
            }
        }
    }
}

#[cfg(test)]
mod tests;
