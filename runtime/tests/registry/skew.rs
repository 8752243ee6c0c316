//! Servers of two versions: who is called for what only one of them serves.

use crate::common::*;
use cordial_runtime::{
    Channel, Code, Instance, MemoryRegistry, Method, Metric, OutlierDetection, Registration,
    Registry, Request, Response, Result, Routes, Server, Status,
};
use std::time::Duration;
use tokio::task::JoinSet;

const SERVICE: &str = "skew.v1.Service";
const OLD: Method<String, String> = Method::unary("/skew.v1.Service/Old").idempotent();
const NEW: Method<String, String> = Method::unary("/skew.v1.Service/New").idempotent();
const OTHER: Method<String, String> = Method::unary("/other.v1.Service/New").idempotent();

struct Name(&'static str);

async fn say(name: &Name, _: Request<String>) -> Result<Response<String>> {
    Ok(name.0.to_owned().into())
}

async fn refuse(_: &Name, _: Request<String>) -> Result<Response<String>> {
    Err(Status::unavailable("refused"))
}

fn server(
    registry: &MemoryRegistry,
    name: &'static str,
    methods: &[Method<String, String>],
) -> Server {
    let routes = Routes::new(SERVICE, Name(name));
    let add = |routes: Routes<Name>, method: &Method<String, String>| routes.unary(*method, say);
    let other = Routes::new("other.v1.Service", Name(name)).unary(OTHER, say);
    let registration = Registration::new(registry.clone()).with_id(name);
    Server::new()
        .add(methods.iter().fold(routes, add))
        .add(other)
        .register(registration)
}

async fn old(registry: &MemoryRegistry, name: &'static str) -> Serving {
    Serving::start(server(registry, name, &[OLD])).await
}

async fn new(registry: &MemoryRegistry, name: &'static str) -> Serving {
    Serving::start(server(registry, name, &[OLD, NEW])).await
}

async fn call(channel: &Channel, method: Method<String, String>) -> Result<String> {
    let reply = channel.unary(method, String::new()).wait_for_ready();
    Ok(within(reply.into_future()).await?.into_inner())
}

/// Waits until calls of the method have reached all of these.
async fn reaches(channel: &Channel, method: Method<String, String>, names: &[&str]) {
    let mut missing = names.to_vec();
    let all = async {
        while !missing.is_empty() {
            let name = call(channel, method).await.unwrap();
            missing.retain(|missed| *missed != name);
        }
    };
    within(all).await;
}

#[tokio::test]
async fn calls_go_to_those_who_serve_their_method() {
    let registry = MemoryRegistry::new();
    let _servers = (
        old(&registry, "old-1").await,
        old(&registry, "old-2").await,
        new(&registry, "new-1").await,
        new(&registry, "new-2").await,
    );
    let channel = Channel::registered_in(SERVICE, registry).unwrap();
    let all = ["old-1", "old-2", "new-1", "new-2"];
    reaches(&channel, OLD, &all).await;
    for _ in 0..100 {
        let name = call(&channel, NEW).await.unwrap();
        assert!(name.starts_with("new"), "{name}");
    }
    reaches(&channel, NEW, &["new-1", "new-2"]).await;
    reaches(&channel, OLD, &all).await;
    // Of other services they have said nothing here.
    reaches(&channel, OTHER, &all).await;
}

#[tokio::test]
async fn a_rolling_upgrade_answers_nobody_unimplemented() {
    let registry = MemoryRegistry::new();
    let mut servers = Vec::new();
    for name in ["old-1", "old-2", "old-3"] {
        servers.push(old(&registry, name).await);
    }
    let channel = Channel::registered_in(SERVICE, registry.clone()).unwrap();
    reaches(&channel, OLD, &["old-1", "old-2", "old-3"]).await;
    servers.push(new(&registry, "new-0").await);
    reaches(&channel, OLD, &["new-0"]).await;

    let mut load = JoinSet::new();
    for method in [OLD, NEW, OLD, NEW] {
        let channel = channel.clone();
        load.spawn(async move {
            loop {
                call(&channel, method).await.unwrap();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    for name in ["new-1", "new-2", "new-3"] {
        let mut oldest = servers.remove(0);
        oldest.ask_to_stop();
        servers.push(new(&registry, name).await);
        oldest.stopped().await;
        reaches(&channel, NEW, &[name]).await;
    }
    // A call that failed has ended its task.
    assert!(load.try_join_next().is_none());
    load.shutdown().await;
}

#[tokio::test]
async fn who_serves_it_and_is_not_there_is_waited_for_or_told() {
    let registry = MemoryRegistry::new();
    let _old = old(&registry, "old").await;
    let channel = Channel::registered_in(SERVICE, registry.clone()).unwrap();
    reaches(&channel, OLD, &["old"]).await;
    // Nobody says that he serves it: whoever is asked says so.
    let status = call(&channel, NEW).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented, "{status}");

    // Somebody does, and nobody is there yet.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut listed = Instance::new(SERVICE, "new", address.to_string().parse().unwrap());
    listed.methods = ["Old", "New"].map(str::to_owned).into();
    let lease = Duration::from_secs(60);
    registry.register(&listed, lease).await.unwrap();
    let refused = async {
        loop {
            let ended = channel.unary(NEW, String::new()).await;
            let status = ended.unwrap_err();
            if status.code() == Code::Unavailable {
                return status;
            }
        }
    };
    let status = within(refused).await;
    assert!(status.message().contains(&address.to_string()), "{status}");
    reaches(&channel, OLD, &["old"]).await;

    let waits = tokio::spawn({
        let channel = channel.clone();
        async move { call(&channel, NEW).await }
    });
    let new = server(&MemoryRegistry::new(), "new", &[OLD, NEW]);
    let _new = Serving::start_at(new, address.to_string()).await;
    assert_eq!(within(waits).await.unwrap().unwrap(), "new");
}

#[tokio::test]
async fn who_alone_serves_it_and_is_left_alone_is_not_waited_for_once_it_is_gone() {
    let registry = MemoryRegistry::new();
    let _old = old(&registry, "old").await;
    let routes = Routes::new(SERVICE, Name("new"))
        .unary(OLD, say)
        .unary(NEW, refuse);
    let mut new = Serving::start(Server::new().add(routes)).await;
    // Listed by somebody else, it stays so.
    let address = new.address().to_owned();
    let mut listed = Instance::new(SERVICE, "new", address.parse().unwrap());
    listed.methods = ["Old", "New"].map(str::to_owned).into();
    let lease = Duration::from_secs(600);
    registry.register(&listed, lease).await.unwrap();

    let alone = OutlierDetection::new()
        .with_consecutive_failures(3)
        .with_short_ejection_time(Duration::from_secs(600));
    let channel = Channel::registered_in(SERVICE, registry).unwrap();
    let channel = channel.with_outlier_detection(alone);
    reaches(&channel, OLD, &["old", "new"]).await;
    let ejected = |metric: &Metric| metric.name == "addresses_ejected" && metric.value == 1;
    let ejection = async {
        while !channel.metrics().iter().any(ejected) {
            let status = channel.unary(NEW, String::new()).await.unwrap_err();
            assert!(status.message().contains("refused"), "{status}");
        }
    };
    within(ejection).await;

    new.ask_to_stop();
    new.stopped().await;
    let told = async {
        loop {
            let call = channel.unary(NEW, String::new());
            let status = call.timeout(Duration::from_secs(30)).await.unwrap_err();
            assert_eq!(status.code(), Code::Unavailable, "{status}");
            if status.message().contains(&address) {
                return;
            }
        }
    };
    within(told).await;
    reaches(&channel, OLD, &["old"]).await;
}

#[tokio::test]
async fn who_says_no_methods_may_be_called_for_all() {
    let registry = MemoryRegistry::new();
    let silent = MemoryRegistry::new();
    let _old = old(&registry, "old").await;
    let _new = new(&registry, "new").await;
    let said_nothing = new(&silent, "silent").await;
    let address = said_nothing.address().parse().unwrap();
    let listed = Instance::new(SERVICE, "silent", address);
    let lease = Duration::from_secs(60);
    registry.register(&listed, lease).await.unwrap();
    let channel = Channel::registered_in(SERVICE, registry).unwrap();
    reaches(&channel, OLD, &["old", "new", "silent"]).await;
    reaches(&channel, NEW, &["new", "silent"]).await;
    for _ in 0..50 {
        assert_ne!(call(&channel, NEW).await.unwrap(), "old");
    }
}
