//! The EndpointSlices of a Service, as instances.

use super::{
    cluster::{Cluster, NAMESPACE},
    ids,
};
use crate::support::{SERVICE, instance, until};
use cordial::{Code, Instance, KubernetesRegistry, Listing, Registry, Watch};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{Api, api::PostParams};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_stream::StreamExt;

impl Cluster {
    fn of_service(&self, port: &str) -> KubernetesRegistry {
        self.registry().with_service("orders", port)
    }

    async fn slices(&self) -> Api<EndpointSlice> {
        Api::namespaced(self.administrator().await, NAMESPACE)
    }

    /// Makes a slice, or takes the place of the one of its name.
    async fn put_slice(&self, slice: Value) {
        let slices = self.slices().await;
        let mut slice: EndpointSlice = serde_json::from_value(slice).unwrap();
        let name = slice.metadata.name.clone().unwrap();
        let parameters = PostParams::default();
        match slices.get_opt(&name).await.unwrap() {
            None => slices.create(&parameters, &slice).await.unwrap(),
            Some(known) => {
                slice.metadata.resource_version = known.metadata.resource_version;
                slices.replace(&name, &parameters, &slice).await.unwrap()
            }
        };
    }

    async fn delete_slice(&self, name: &str) {
        let slices = self.slices().await;
        slices.delete(name, &Default::default()).await.unwrap();
    }

    async fn first(&self, port: &str) -> Listing {
        let mut lists = self.of_service(port).watch(SERVICE);
        lists.next().await.unwrap().unwrap()
    }
}

fn slice(name: &str, endpoints: Value) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": "orders"}},
        "addressType": "IPv4",
        "ports": [
            {"name": "metrics", "port": 9090, "protocol": "TCP"},
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "grpc", "port": 50051, "protocol": "TCP"},
        ],
        "endpoints": endpoints,
    })
}

fn pod(name: &str, address: &str) -> Value {
    json!({
        "addresses": [address],
        "conditions": {"ready": true, "serving": true, "terminating": false},
        "targetRef": {"kind": "Pod", "name": name, "namespace": NAMESPACE},
        "zone": "zone-1",
    })
}

#[tokio::test]
async fn a_service_is_what_all_its_slices_list() {
    let cluster = Cluster::begin().await;
    let mut watch = Watch::new(cluster.of_service("grpc"), SERVICE);
    assert!(watch.next().await.unwrap().instances().is_empty());
    let nameless = json!({"addresses": ["10.0.0.9"]});
    cluster
        .put_slice(slice("one", json!([pod("a", "10.0.0.7"), nameless])))
        .await;
    cluster
        .put_slice(slice("two", json!([pod("b", "10.0.0.8")])))
        .await;
    let mut other = slice("other", json!([pod("c", "10.0.0.10")]));
    other["metadata"]["labels"] = json!({"kubernetes.io/service-name": "orders-other"});
    cluster.put_slice(other).await;
    let all = ["10.0.0.9-50051", "a", "b"];
    let listing = until(&mut watch, |listing| ids(listing) == all).await;
    assert_eq!(listing.skipped(), 0);
    let mut wanted = Instance::new(SERVICE, "a", "10.0.0.7:50051".parse().unwrap());
    wanted.zone = Some("zone-1".to_owned());
    assert_eq!(*listing.instances()[1], wanted);

    // From one slice to the other, and then there is one only.
    cluster
        .put_slice(slice(
            "two",
            json!([pod("b", "10.0.0.8"), pod("a", "10.0.0.7")]),
        ))
        .await;
    cluster.delete_slice("one").await;
    let listing = until(&mut watch, |listing| ids(listing) == ["a", "b"]).await;
    assert_eq!(*listing.instances()[0], wanted);
    cluster.put_slice(slice("two", json!([]))).await;
    until(&mut watch, |listing| ids(listing).is_empty()).await;
}

#[tokio::test]
async fn conditions_say_who_is_called() {
    let cluster = Cluster::begin().await;
    let with = |name: &str, conditions: Value| {
        let number = name.bytes().last().unwrap();
        let mut pod = pod(name, &format!("10.0.0.{number}"));
        pod["conditions"] = conditions;
        pod
    };
    cluster
        .put_slice(slice(
            "one",
            json!([
                with("ready-a", json!({})),
                with("ready-b", json!({"ready": true})),
                with(
                    "ready-c",
                    json!({"ready": true, "serving": true, "terminating": true})
                ),
                with(
                    "ends-d",
                    json!({"ready": false, "serving": true, "terminating": true})
                ),
                with(
                    "gone-e",
                    json!({"ready": false, "serving": false, "terminating": true})
                ),
                with("starts-f", json!({"ready": false, "serving": false})),
                with("starts-g", json!({"ready": false})),
            ]),
        ))
        .await;
    let listing = cluster.first("grpc").await;
    let healths: Vec<_> = listing
        .instances()
        .iter()
        .map(|one| (&*one.id, one.healthy))
        .collect();
    let wanted = [
        ("ends-d", false),
        ("ready-a", true),
        ("ready-b", true),
        ("ready-c", true),
    ];
    assert_eq!(healths, wanted);
}

#[tokio::test]
async fn a_pod_with_addresses_of_both_families_is_one_instance() {
    let cluster = Cluster::begin().await;
    cluster
        .put_slice(slice("four", json!([pod("a", "10.0.0.7")])))
        .await;
    let mut six = slice("six", json!([pod("a", "fd00::7"), pod("b", "fd00::8")]));
    six["addressType"] = json!("IPv6");
    cluster.put_slice(six).await;
    let listing = cluster.first("grpc").await;
    let called: Vec<_> = listing
        .instances()
        .iter()
        .map(|one| one.address.to_string())
        .collect();
    assert_eq!(called, ["10.0.0.7:50051", "[fd00::8]:50051"]);
}

#[tokio::test]
async fn ports_are_found_by_name_and_by_number() {
    let cluster = Cluster::begin().await;
    cluster
        .put_slice(slice("one", json!([pod("a", "10.0.0.7")])))
        .await;
    for (port, called) in [
        ("grpc", Some("10.0.0.7:50051")),
        ("metrics", Some("10.0.0.7:9090")),
        ("50051", Some("10.0.0.7:50051")),
        ("9090", Some("10.0.0.7:9090")),
        ("80", None),
        ("http", None),
        ("53", None),
        ("dns", None),
        // There is more than one.
        ("", None),
    ] {
        let listing = cluster.first(port).await;
        let first = listing.instances().first();
        let address = first.map(|one| one.address.to_string());
        assert_eq!(address.as_deref(), called, "`{port}`");
        assert_eq!(listing.skipped() > 0, called.is_none(), "`{port}`");
    }
    let mut single = slice("one", json!([pod("a", "10.0.0.7")]));
    single["ports"] = json!([{"name": "", "port": 8080}]);
    cluster.put_slice(single).await;
    let listing = cluster.first("").await;
    assert_eq!(listing.instances()[0].address.to_string(), "10.0.0.7:8080");
}

/// An API server refuses most of it; one that does not leads to no panic.
#[tokio::test]
async fn endpoints_that_are_none_are_skipped() {
    let cluster = Cluster::begin().await;
    if cluster.ours().is_none() {
        return;
    }
    let mut named = slice("named", json!([{"addresses": ["orders.example"]}]));
    named["addressType"] = json!("FQDN");
    cluster.put_slice(named).await;
    let bad = json!([
        pod("a", "10.0.0.7"),
        pod("b", "10.0.0"),
        {"addresses": []},
        {"addresses": ["\u{1b}[31m"]},
    ]);
    cluster.put_slice(slice("one", bad)).await;
    let mut far = slice("far", json!([pod("c", "10.0.0.8")]));
    far["ports"] = json!([{"name": "grpc", "port": 70_000}]);
    cluster.put_slice(far).await;
    let mut portless = slice("portless", json!([pod("d", "10.0.0.9")]));
    portless["ports"] = Value::Null;
    cluster.put_slice(portless).await;
    let listing = cluster.first("grpc").await;
    assert_eq!((ids(&listing), listing.skipped()), (vec!["a"], 6));
}

#[tokio::test]
async fn nobody_registers_what_kubernetes_registers() {
    let cluster = Cluster::begin().await;
    let registry = cluster.of_service("grpc");
    let refused = registry
        .register(&instance("one"), Duration::from_secs(9))
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("`orders:grpc`"), "{refused}");
    assert!(registry.deregister(&instance("one")).await.is_err());
}
