//! The contract over Kubernetes, and what only Kubernetes can do.
//!
//! The API server is one of ours, which does what the documentation of Kubernetes says, or
//! with `KUBE_APISERVER=/path/to/kube-apiserver` and `ETCD` a real one.

mod cluster;
mod server;
mod slices;
mod store;

use self::cluster::{Cluster, NAMESPACE};
use crate::support::{LONG, SERVICE, instance, until};
use cordial::{
    Channel, Code, Instance, KubernetesRegistry, Listing, Registry, Watch, open_registry,
};
use k8s_openapi::{
    api::coordination::v1::Lease, apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp,
};
use kube::{
    Api,
    api::{DeleteParams, ListParams, PostParams},
};
use registry_contract::Harness;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::StreamExt;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Harness for Cluster {
    const LEASE: Duration = Duration::from_secs(2);
    const SLACK: Duration = Duration::from_secs(3);

    async fn start() -> Self {
        Self::begin().await
    }

    fn client(&self) -> Arc<dyn Registry> {
        Arc::new(self.registry())
    }

    async fn wipe(&self) {
        let leases = self.leases().await;
        let (parameters, all) = (DeleteParams::default(), ListParams::default());
        leases.delete_collection(&parameters, &all).await.unwrap();
    }

    async fn cut(&self) {
        self.kill().await;
    }

    async fn mend(&self) {
        self.run().await;
    }

    async fn restart_empty(&self) {
        self.kill().await;
        self.forget_data();
        self.run().await;
    }

    async fn write_rubbish(&self, service: &str) -> bool {
        let mut rubbish = lease_of("rubbish", &instance("rubbish"), SystemTime::now());
        let labels = rubbish.metadata.labels.as_mut().unwrap();
        labels.insert("cordial/service".to_owned(), service.to_owned());
        annotate(&mut rubbish, "{nope");
        self.put(rubbish).await;
        true
    }
}

registry_contract::suite!(Cluster);

/// What a server that registers `instance` for two seconds writes, by somebody else.
fn lease_of(name: &str, instance: &Instance, renewed: SystemTime) -> Lease {
    let record = serde_json::json!({
        "service": instance.service,
        "id": instance.id,
        "address": instance.address.to_string(),
    });
    let mut lease = Lease::default();
    lease.metadata.name = Some(name.to_owned());
    let labels = [
        ("cordial/service", &*instance.service),
        ("app.kubernetes.io/managed-by", "cordial"),
    ];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    lease.metadata.labels = Some(labels.into());
    annotate(&mut lease, &record.to_string());
    let spec = lease.spec.get_or_insert_default();
    spec.lease_duration_seconds = Some(2);
    renew(&mut lease, renewed);
    lease
}

fn annotate(lease: &mut Lease, record: &str) {
    let record = ("cordial/record".to_owned(), record.to_owned());
    lease.metadata.annotations = Some([record].into());
}

fn renew(lease: &mut Lease, now: SystemTime) {
    let spec = lease.spec.as_mut().unwrap();
    spec.renew_time = Some(MicroTime(Timestamp::try_from(now).unwrap()));
}

impl Cluster {
    async fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.administrator().await, NAMESPACE)
    }

    async fn put(&self, lease: Lease) {
        let leases = self.leases().await;
        leases.create(&PostParams::default(), &lease).await.unwrap();
    }

    async fn only_lease(&self) -> Lease {
        let leases = self.leases().await.list(&ListParams::default()).await;
        let mut leases = leases.unwrap().items;
        assert_eq!(leases.len(), 1, "{leases:?}");
        leases.remove(0)
    }

    /// Says that the only Lease was renewed at that time.
    async fn renew_at(&self, time: SystemTime) {
        let mut lease = self.only_lease().await;
        renew(&mut lease, time);
        let name = lease.metadata.name.clone().unwrap();
        let parameters = PostParams::default();
        let replaced = self
            .leases()
            .await
            .replace(&name, &parameters, &lease)
            .await;
        replaced.unwrap();
    }
}

fn ids(listing: &Listing) -> Vec<&str> {
    let mut ids: Vec<_> = listing.instances().iter().map(|one| &*one.id).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn a_lease_says_what_it_is() {
    let cluster = Cluster::begin().await;
    let registry = cluster.registry();
    let lasts = Duration::from_millis(1_500);
    registry.register(&instance("one"), lasts).await.unwrap();
    let lease = cluster.only_lease().await;
    // The same in all versions, or they would not take each other's place.
    let name = "cordial-a3b18f392f91a418df15dbb519ab7a19";
    assert_eq!(lease.metadata.name.unwrap(), name);
    let record = &lease.metadata.annotations.unwrap()["cordial/record"];
    assert!(record.contains(r#""address":"10.0.0.7:50051""#), "{record}");
    assert_eq!(lease.metadata.labels.unwrap()["cordial/service"], SERVICE);
    let spec = lease.spec.unwrap();
    assert_eq!(spec.lease_duration_seconds, Some(2));
    assert_eq!(spec.holder_identity.unwrap(), "orders.v1.Orders/one");
}

/// By the clocks of the one that renews and of the one that reads, which may differ.
#[tokio::test]
async fn whoever_renews_lives_whatever_the_clocks_say() {
    let cluster = Cluster::begin().await;
    let lasts = Duration::from_secs(2);
    let registry = cluster.registry();
    registry.register(&instance("one"), lasts).await.unwrap();
    let behind = SystemTime::now() - HOUR;
    let ahead = SystemTime::now() + HOUR;
    for clock in [behind, ahead] {
        cluster.renew_at(clock).await;
        let mut watch = Watch::new(cluster.registry(), SERVICE);
        let first = watch.next().await.unwrap();
        // One that was never seen to renew has died, by the clocks.
        assert_eq!(ids(&first).is_empty(), clock == behind, "{first:?}");
        // Whoever renews lives on, for longer than the lease.
        for step in 1..=4 {
            cluster.renew_at(clock + Duration::from_secs(step)).await;
            let here = |listing: &Listing| ids(listing) == ["one"];
            if step == 1 && clock == behind {
                until(&mut watch, here).await;
            }
            let told = timeout(Duration::from_secs(1), watch.next()).await;
            assert!(told.is_err(), "{told:?}");
        }
        cluster.renew_at(clock + HOUR / 2).await;
        let renewed = Instant::now();
        until(&mut watch, |listing| ids(listing).is_empty()).await;
        let listed = renewed.elapsed();
        let is_right = listed > Duration::from_millis(1_500) && listed < lasts * 3;
        assert!(is_right, "{listed:?}");
    }
}

#[tokio::test]
async fn what_ended_long_ago_is_removed_by_the_next() {
    let cluster = Cluster::begin().await;
    let now = SystemTime::now();
    cluster
        .put(lease_of("long-ago", &instance("a"), now - DAY * 2))
        .await;
    cluster
        .put(lease_of("lately", &instance("b"), now - DAY / 2))
        .await;
    let registry = cluster.registry();
    registry.register(&instance("one"), LONG).await.unwrap();
    let leases = cluster.leases().await;
    let removed = timeout(Duration::from_secs(20), async {
        while leases.get_opt("long-ago").await.unwrap().is_some() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    removed.await.expect("it is removed");
    assert!(leases.get_opt("lately").await.unwrap().is_some());
}

#[tokio::test]
async fn leases_that_are_no_records_are_skipped() {
    let cluster = Cluster::begin().await;
    let now = SystemTime::now();
    cluster
        .put(lease_of("of-another-name", &instance("a"), now))
        .await;
    let mut endless = lease_of("endless", &instance("b"), now);
    endless.spec = None;
    cluster.put(endless).await;
    let mut bare = lease_of("bare", &instance("c"), now);
    bare.metadata.annotations = None;
    cluster.put(bare).await;
    let registry = cluster.registry();
    registry.register(&instance("one"), LONG).await.unwrap();
    let first = registry.watch(SERVICE).next().await.unwrap().unwrap();
    assert_eq!((ids(&first), first.skipped()), (vec!["one"], 3));
}

#[tokio::test]
async fn services_that_no_label_holds_are_found() {
    let cluster = Cluster::begin().await;
    let registry = cluster.registry();
    let long = format!("{}.v1.Orders", "a".repeat(150));
    for service in [&*long, "_hidden", "hidden_"] {
        let address = "10.0.0.7:50051".parse().unwrap();
        let instance = Instance::new(service, "one", address);
        registry.register(&instance, LONG).await.unwrap();
        let first = registry.watch(service).next().await.unwrap().unwrap();
        assert_eq!(ids(&first), ["one"], "{service}");
    }
}

#[tokio::test]
async fn a_list_is_read_by_pages() {
    let cluster = Cluster::begin().await;
    let registry = cluster.registry();
    for number in 0..450 {
        let instance = instance(&number.to_string());
        registry.register(&instance, LONG).await.unwrap();
    }
    let first = cluster.registry().watch(SERVICE).next().await.unwrap();
    assert_eq!(first.unwrap().instances().len(), 450);
    if let Some(server) = cluster.ours() {
        // And one list of what to remove.
        assert_eq!(server.asked().0, 3 + 1);
    }
}

#[tokio::test]
async fn users_are_those_of_the_kubeconfig() {
    let cluster = Cluster::begin().await;
    let kubeconfig = cluster.kubeconfig("stranger", "wrong");
    let registry = KubernetesRegistry::new(NAMESPACE).with_kubeconfig(&kubeconfig);
    let refused = registry.register(&instance("one"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("401 Unauthorized"), "{refused}");
    // It is read again when it did not do.
    cluster.kubeconfig("stranger", server::TOKEN);
    registry.register(&instance("one"), LONG).await.unwrap();
    // Without a namespace it is that of the file.
    let registry = KubernetesRegistry::new("").with_kubeconfig(&kubeconfig);
    let first = registry.watch(SERVICE).next().await.unwrap().unwrap();
    assert_eq!(ids(&first), ["one"]);
    let nowhere = KubernetesRegistry::new("").with_kubeconfig("/nowhere/kubeconfig");
    let refused = nowhere.register(&instance("one"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(
        refused.message().contains("/nowhere/kubeconfig"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_is_forbidden_is_said() {
    let cluster = Cluster::begin().await;
    let Some(server) = cluster.ours() else { return };
    let registry = cluster.registry();
    registry.register(&instance("one"), LONG).await.unwrap();
    server.forbid("leases");
    let refused = registry.register(&instance("one"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("403 Forbidden"), "{refused}");
    assert!(
        refused.message().contains(r#"resource "leases""#),
        "{refused}"
    );
    let mut lists = registry.watch(SERVICE);
    let refused = lists.next().await.unwrap().unwrap_err();
    assert!(refused.message().contains("403 Forbidden"), "{refused}");
    assert!(lists.next().await.is_none());
}

#[tokio::test]
async fn answers_that_are_none_are_an_error() {
    let cluster = Cluster::begin().await;
    let Some(server) = cluster.ours() else { return };
    let registry = cluster.registry();
    for answer in [
        "",
        "{nope",
        "[]",
        "{}",
        r#"{"kind": "List", "items": []}"#,
        r#"{"kind": "List", "metadata": {"resourceVersion": "1"}, "items": [7]}"#,
        r#"{"kind": "LeaseList", "apiVersion": "v1", "metadata": {}, "items": []}"#,
    ] {
        server.say(Some(answer));
        let listed = registry.watch(SERVICE).next().await.unwrap();
        let refused = listed.expect_err(answer);
        assert_eq!(refused.code(), Code::Unavailable);
    }
    server.say(None);
    registry.register(&instance("one"), LONG).await.unwrap();
    let first = registry.watch(SERVICE).next().await.unwrap().unwrap();
    assert_eq!(ids(&first), ["one"]);
}

/// A watch outlives the events that its server ends.
#[tokio::test]
async fn a_watch_goes_on_where_its_events_ended() {
    let cluster = Cluster::begin().await;
    let Some(server) = cluster.ours() else { return };
    let registry = cluster.registry();
    let mut lists = registry.watch(SERVICE);
    lists.next().await.unwrap().unwrap();
    for (number, id) in ["a", "b", "c"].into_iter().enumerate() {
        server.end_watches();
        let other = cluster.registry();
        other.register(&instance(id), LONG).await.unwrap();
        let listing = lists.next().await.unwrap().unwrap();
        assert_eq!(listing.instances().len(), number + 1);
    }
    let (_, watches) = server.asked();
    assert!(watches >= 3, "{watches}");
}

/// `410 Gone`: what comes after a revision is known no longer.
#[tokio::test]
async fn what_is_gone_is_read_anew() {
    let cluster = Cluster::begin().await;
    let Some(server) = cluster.ours() else { return };
    let registry = cluster.registry();
    let mut lists = registry.watch(SERVICE);
    lists.next().await.unwrap().unwrap();
    for (number, id) in ["a", "b", "c"].into_iter().enumerate() {
        // Those that follow at once are not what this is about.
        sleep(Duration::from_millis(600)).await;
        server.compact();
        registry.register(&instance(id), LONG).await.unwrap();
        let listing = lists.next().await.unwrap().unwrap();
        assert_eq!(listing.instances().len(), number + 1);
    }
    // One that never knows what it has just listed is not asked for ever.
    let forgets = async {
        loop {
            server.compact();
            sleep(Duration::from_millis(1)).await;
        }
    };
    let ended = async { while lists.next().await.unwrap().is_ok() {} };
    tokio::select! {
        () = forgets => unreachable!("it does not end"),
        ended = timeout(Duration::from_secs(30), ended) => ended.expect("it ends"),
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed() {
    let cluster = Cluster::begin().await;
    let registry = cluster.registry();
    registry.register(&instance("one"), HOUR).await.unwrap();
    let mut lists = registry.watch(SERVICE);
    assert!(lists.next().await.unwrap().is_ok());
    cluster.hang();
    let begun = Instant::now();
    let refused = cluster.registry().register(&instance("two"), LONG).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(7), "{took:?}");
    let told = timeout(Duration::from_secs(30), lists.next()).await;
    assert!(told.expect("it is noticed").unwrap().is_err());
}

/// Silence of the server is not the death of all who are registered there.
#[tokio::test]
async fn a_server_that_hangs_ends_no_lease() {
    let cluster = Cluster::begin().await;
    let registry = cluster.registry();
    registry
        .register(&instance("one"), Duration::from_secs(1))
        .await
        .unwrap();
    let mut lists = registry.watch(SERVICE);
    assert_eq!(ids(&lists.next().await.unwrap().unwrap()), ["one"]);
    cluster.hang();
    let told = timeout(Duration::from_secs(30), lists.next()).await;
    assert!(told.expect("it is noticed").unwrap().is_err());
}

/// A registry outlives the runtime it was first used on.
#[test]
fn a_runtime_that_ended_takes_no_connection_along() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let outer = runtime();
    let cluster = outer.block_on(Cluster::begin());
    let registry = cluster.registry();
    for id in ["one", "two"] {
        let inner = runtime();
        inner.block_on(async {
            registry.register(&instance(id), LONG).await.unwrap();
            assert!(registry.watch(SERVICE).next().await.unwrap().is_ok());
        });
    }
}

#[test]
fn urls_lead_to_kubernetes_or_say_why_not() {
    for url in [
        "kubernetes://",
        "kubernetes://shop",
        "kubernetes:///orders:grpc",
        "kubernetes://shop/orders:50051",
        "kubernetes://shop/orders",
    ] {
        assert_eq!(format!("{:?}", open_registry(url).unwrap()), url);
        assert!(open_registry(&format!("{url}/")).is_ok());
        assert!(
            Channel::to(format!("{url}/orders.v1.Orders")).is_ok(),
            "{url}"
        );
    }
    for url in [
        "kubernetes://Shop",
        "kubernetes://shop:443",
        "kubernetes://-shop",
        "kubernetes://shop/orders/grpc",
        "kubernetes://shop/:grpc",
        "kubernetes://shop/..",
        "kubernetes://ada:secret@shop",
    ] {
        let error = open_registry(url).unwrap_err().to_string();
        assert!(error.contains("Kubernetes"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
