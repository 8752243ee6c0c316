//! What a channel hears of a registry that fails, lies, or is not there.

use crate::common::*;
use cordial_runtime::{
    BoxStream, Channel, Code, ErrorKind, Instance, Listing, MemoryRegistry, Metric, Registry,
    RegistryFuture, RegistryResolver, Server, Status, open_registry,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_stream::StreamExt;

const SERVICE: &str = "probe.v1.Probe";
const LEASE: Duration = Duration::from_secs(60);

/// Says what the test says.
#[derive(Debug)]
struct FromTest(watch::Receiver<Result<Vec<Instance>, Status>>);

impl Registry for FromTest {
    fn register<'a>(&'a self, _: &'a Instance, _: Duration) -> RegistryFuture<'a> {
        Box::pin(async { Err(Status::unavailable("it takes nothing")) })
    }

    fn deregister<'a>(&'a self, _: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async { Err(Status::unavailable("it takes nothing")) })
    }

    fn watch(&self, _: &str) -> BoxStream<Listing> {
        let mut told = self.0.clone();
        told.mark_changed();
        let lists = futures_util::stream::unfold(told, |mut told| async {
            told.changed().await.ok()?;
            let said = told.borrow_and_update().clone();
            Some((said, told))
        });
        Box::pin(lists.map(|said| Ok(said?.into_iter().map(Arc::new).collect())))
    }
}

fn at(serving: &Serving, id: &str) -> Instance {
    Instance::new(SERVICE, id, serving.address().parse().unwrap())
}

async fn named(name: &'static str) -> Serving {
    let probe = Probe::echo().unary(move |_| async move { Ok(note(name).into()) });
    Serving::start(Server::new().add(probe.routes())).await
}

async fn call(channel: &Channel) -> Result<String, Status> {
    let reply = within(channel.unary(UNARY, note("")).into_future()).await;
    reply.map(|reply| reply.into_inner().text)
}

fn metric(channel: &Channel, name: &str, label: Option<&str>) -> u64 {
    let is = |metric: &Metric| metric.name == name && metric.label.map(|(_, value)| value) == label;
    let metrics = channel.metrics();
    metrics.into_iter().find(is).expect("a metric").value
}

#[tokio::test]
async fn calls_follow_the_lists_and_outlast_the_registry() {
    let (one, other) = (named("one").await, named("other").await);
    let (tell, told) = watch::channel(Ok(vec![at(&one, "one")]));
    let channel = Channel::registered_in(SERVICE, FromTest(told)).unwrap();
    assert_eq!(call(&channel).await.unwrap(), "one");

    tell.send(Err(Status::unavailable("gone"))).unwrap();
    let noticed = async {
        while metric(&channel, "registry_failures_total", None) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(noticed).await;
    for _ in 0..20 {
        assert_eq!(call(&channel).await.unwrap(), "one");
    }

    tell.send(Ok(vec![at(&one, "one"), at(&other, "other")]))
        .unwrap();
    let both = async { while call(&channel).await.unwrap() != "other" {} };
    within(both).await;
    assert_eq!(metric(&channel, "registry_away_seconds", None), 0);
    assert_eq!(metric(&channel, "registry_instances_listed", None), 2);
}

#[tokio::test]
async fn a_channel_that_was_idle_has_the_last_list_when_the_registry_is_away() {
    let one = named("one").await;
    let (tell, told) = watch::channel(Ok(vec![at(&one, "one")]));
    let idle =
        cordial_runtime::Limits::default().with_channel_idle_timeout(Duration::from_millis(50));
    let channel = Channel::registered_in(SERVICE, FromTest(told)).unwrap();
    let channel = channel.with_limits(idle);
    assert_eq!(call(&channel).await.unwrap(), "one");
    let watched = async {
        while tell.receiver_count() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(watched).await;
    tell.send(Err(Status::unavailable("gone"))).unwrap();
    assert_eq!(call(&channel).await.unwrap(), "one");
}

#[tokio::test]
async fn an_empty_list_of_a_registry_that_had_one_changes_nothing_yet() {
    let one = named("one").await;
    let (tell, told) = watch::channel(Ok(vec![at(&one, "one")]));
    let channel = Channel::registered_in(SERVICE, FromTest(told)).unwrap();
    assert_eq!(call(&channel).await.unwrap(), "one");
    tell.send(Ok(vec![])).unwrap();
    let noticed = async {
        while metric(&channel, "registry_instances_kept", None) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(noticed).await;
    assert_eq!(call(&channel).await.unwrap(), "one");
}

#[tokio::test]
async fn addresses_nobody_should_call_are_not_called() {
    let one = named("one").await;
    let lies = |id: &str, address: &str| Instance::new(SERVICE, id, address.parse().unwrap());
    let listed = vec![
        lies("a", "169.254.169.254:80"),
        lies("b", "unix:/var/run/docker.sock"),
        at(&one, "one"),
    ];
    let (_tell, told) = watch::channel(Ok(listed));
    let channel = Channel::registered_in(SERVICE, FromTest(told.clone())).unwrap();
    assert_eq!(call(&channel).await.unwrap(), "one");
    let skipped = "registry_records_skipped_total";
    assert_eq!(metric(&channel, skipped, Some("address")), 2);

    let allows = RegistryResolver::new(SERVICE, FromTest(told)).allow_link_local();
    let channel = Channel::resolved_by(SERVICE, allows).unwrap();
    assert_eq!(call(&channel).await.unwrap(), "one");
    assert_eq!(metric(&channel, skipped, Some("address")), 1);
}

/// What anybody can write to.
#[derive(Debug)]
struct Open(FromTest);

impl Registry for Open {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        self.0.register(instance, lease)
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        self.0.deregister(instance)
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        self.0.watch(service)
    }

    fn needs_tls(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn what_anybody_can_write_to_is_not_believed_in_plain_text() {
    let one = named("one").await;
    let (_tell, told) = watch::channel(Ok(vec![at(&one, "one")]));
    let open = || Open(FromTest(told.clone()));
    let resolver = RegistryResolver::new(SERVICE, open());
    for channel in [
        Channel::registered_in(SERVICE, open()).unwrap(),
        Channel::registered_in(SERVICE, Arc::new(open())).unwrap(),
        Channel::resolved_by("name-of-mine", resolver).unwrap(),
    ] {
        // Nor would it be of use to wait.
        let waits = channel.unary(UNARY, note("")).wait_for_ready();
        let waited = within(waits.into_future()).await.map(drop);
        for refused in [call(&channel).await.map(drop), waited] {
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), Code::Unauthenticated);
            assert!(
                refused.message().contains("`Channel::with_tls`"),
                "{refused}"
            );
        }
    }
}

#[tokio::test]
async fn callers_hear_why_there_is_nobody() {
    let registry = MemoryRegistry::new();
    let channel = Channel::registered_in(SERVICE, registry.clone()).unwrap();
    let status = call(&channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status.message().contains("no instance of `probe.v1.Probe`"),
        "{status}"
    );

    // Who waits is answered as soon as somebody is there.
    let one = named("one").await;
    let waits = channel.unary(UNARY, note("")).wait_for_ready();
    let waits = tokio::spawn(waits.into_future());
    registry.register(&at(&one, "one"), LEASE).await.unwrap();
    assert_eq!(
        within(waits).await.unwrap().unwrap().into_inner().text,
        "one"
    );

    let (_tell, told) = watch::channel(Err(Status::unavailable("asked 1.2.3.4: refused")));
    let channel = Channel::registered_in(SERVICE, FromTest(told)).unwrap();
    let status = call(&channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status.message().contains("asked 1.2.3.4: refused"),
        "{status}"
    );
}

#[tokio::test]
async fn a_url_leads_to_a_service_in_a_registry() {
    let one = named("one").await;
    let registry = open_registry("memory://by-url").unwrap();
    registry.register(&at(&one, "one"), LEASE).await.unwrap();
    let channel = Channel::to("memory://by-url/probe.v1.Probe").unwrap();
    assert_eq!(call(&channel).await.unwrap(), "one");

    for (uri, why) in [
        ("memory://by-url", "it names no service"),
        ("memory:probe.v1.Probe", "it names no service"),
        ("memory://by-url/", "`` is no full name of a service"),
        ("memory://by-url/../x", "has no path"),
        ("memory://by-url/a b", "`a b` is no full name"),
        ("memory://ada:sec/ret@by-url", "an `@` behind a `/`"),
        ("etcetera://a/b.C", "`etcetera` is no scheme known here"),
    ] {
        let error = Channel::to(uri).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Address);
        let said = error.to_string();
        assert!(
            said.contains(why) && said.contains("`memory://name/package.Service`"),
            "{said}"
        );
        assert!(!said.contains("ada:") && !said.contains("ret@"), "{said}");
    }
}
