use super::*;
use crate::{registry::Listing, reply::BoxStream};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Fails some times before it does what it is asked.
#[derive(Debug, Default)]
struct Fails {
    panics: u32,
    registered: AtomicU32,
    refusals: u32,
    deregistered: AtomicU32,
}

impl Registry for Fails {
    fn register<'a>(&'a self, _: &'a Instance, _: Duration) -> RegistryFuture<'a> {
        let before = self.registered.fetch_add(1, Relaxed);
        Box::pin(async move {
            assert!(before >= self.panics, "it panics in this test");
            Ok(())
        })
    }

    fn deregister<'a>(&'a self, _: &'a Instance) -> RegistryFuture<'a> {
        let before = self.deregistered.fetch_add(1, Relaxed);
        Box::pin(async move {
            match before >= self.refusals {
                true => Ok(()),
                false => Err(Status::unavailable("it refuses")),
            }
        })
    }

    fn watch(&self, _: &str) -> BoxStream<Listing> {
        Box::pin(tokio_stream::pending())
    }
}

fn start(registry: &Arc<Fails>, health: Option<Health>) -> (Jobs, Metrics) {
    let address = "10.0.0.7:80".parse().expect("an address");
    let plan = Planned {
        registry: registry.clone(),
        instances: vec![Instance::new("a.v1.B", "one", address)],
        lease: Duration::from_secs(3600),
        health,
    };
    let metrics = Metrics::default();
    (Jobs::start(vec![plan], &metrics), metrics)
}

async fn registered(metrics: &Metrics) {
    while metrics.services_registered() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_panics_is_asked_again() {
    let registry = Arc::new(Fails {
        panics: 2,
        ..Fails::default()
    });
    let (jobs, metrics) = start(&registry, None);
    registered(&metrics).await;
    assert_eq!(metrics.registrations_failed(), 2);
    jobs.stop().await;
    assert_eq!(registry.deregistered.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_deregistered_is_tried_again() {
    let registry = Arc::new(Fails {
        refusals: 2,
        ..Fails::default()
    });
    let (jobs, metrics) = start(&registry, None);
    registered(&metrics).await;
    jobs.stop().await;
    assert_eq!(registry.deregistered.load(Relaxed), 3);
    assert_eq!(metrics.services_registered(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_takes_nothing_back_holds_up_a_stop_for_seconds() {
    let registry = Arc::new(Fails {
        refusals: u32::MAX,
        ..Fails::default()
    });
    let (jobs, metrics) = start(&registry, None);
    registered(&metrics).await;
    let begun = Instant::now();
    jobs.stop().await;
    assert!(begun.elapsed() <= STOP_TIMEOUT + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn whoever_never_says_that_it_is_healthy_is_not_registered() {
    let registry = Arc::new(Fails::default());
    let said = tokio_stream::iter([false, false]);
    let (jobs, metrics) = start(&registry, Some(Box::pin(said)));
    sleep(Duration::from_secs(60)).await;
    jobs.stop().await;
    assert_eq!(registry.registered.load(Relaxed), 0);
    assert_eq!(metrics.registrations_failed(), 0);
}

#[tokio::test(start_paused = true)]
async fn health_that_is_said_again_is_no_news() {
    let registry = Arc::new(Fails::default());
    let each_second =
        tokio_stream::iter([true, true, true, false, false, true]).throttle(Duration::from_secs(1));
    let (jobs, _metrics) = start(&registry, Some(Box::pin(each_second)));
    sleep(Duration::from_secs(60)).await;
    assert_eq!(registry.registered.load(Relaxed), 3);
    jobs.stop().await;
}
