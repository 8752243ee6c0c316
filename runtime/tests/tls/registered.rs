//! Servers that a registry lists: each proves to be the one that its record says.

use crate::{
    Authority, call,
    common::{probe::SERVICE, *},
    identity::{dns, uri},
    proves, trusts,
};
use cordial_runtime::{
    Channel, Code, Instance, MemoryRegistry, Registration, Registry, Server, ServerTls,
};
use std::time::Duration;
use tokio_stream::StreamExt;

const LEASE: Duration = Duration::from_secs(60);
const ONE: &str = "spiffe://example.org/orders/one";
const TWO: &str = "spiffe://example.org/orders/two";

/// Speaks for the service, and is the workload of this id.
fn workload(authority: &Authority, id: &str) -> ServerTls {
    proves(&authority.server_with(vec![dns(SERVICE), dns("Node-7.local"), uri(id)]))
}

fn echo(tls: ServerTls) -> Server {
    Server::new().tls(tls).add(Probe::echo().routes())
}

fn channel(authority: &Authority, registry: &MemoryRegistry) -> Channel {
    let channel = Channel::registered_in(SERVICE, registry.clone()).unwrap();
    channel.with_tls(trusts(authority))
}

async fn says(registry: &MemoryRegistry, serving: &Serving, identity: &str) {
    let mut record = Instance::new(SERVICE, "one", serving.address().parse().unwrap());
    record.identity = Some(identity.to_owned());
    registry.register(&record, LEASE).await.unwrap();
}

/// Calls until one ends as wanted: what was just listed takes a moment to be known.
async fn ends(channel: &Channel, wanted: Result<&str, &[&str]>) {
    let is_wanted = |ended: Result<String, cordial_runtime::Status>| match (ended, wanted) {
        (Ok(text), Ok(wanted)) => text == wanted,
        (Err(status), Err(words)) => {
            status.code() == Code::Unavailable
                && words.iter().all(|word| status.message().contains(word))
        }
        _ => false,
    };
    let ending = async {
        while !is_wanted(call(channel).await) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    within(ending).await;
}

async fn listed(registry: &MemoryRegistry) -> Instance {
    let mut lists = registry.watch(SERVICE);
    let first = async {
        loop {
            let list = lists.next().await.unwrap().unwrap();
            if let Some(first) = list.instances().first() {
                return (**first).clone();
            }
        }
    };
    within(first).await
}

#[tokio::test]
async fn a_workload_is_listed_by_its_id_and_called() {
    let (authority, registry) = (Authority::new(), MemoryRegistry::new());
    let server = echo(workload(&authority, ONE)).register(registry.clone());
    let _serving = Serving::start(server).await;
    assert_eq!(listed(&registry).await.identity.as_deref(), Some(ONE));
    ends(&channel(&authority, &registry), Ok("safe")).await;
}

#[tokio::test]
async fn a_server_says_which_of_its_names_counts() {
    let (authority, registry) = (Authority::new(), MemoryRegistry::new());
    let registration = Registration::new(registry.clone()).with_identity("node-7.local");
    let server = echo(workload(&authority, ONE)).register(registration);
    let _serving = Serving::start(server).await;
    let record = listed(&registry).await;
    assert_eq!(record.identity.as_deref(), Some("node-7.local"));
    ends(&channel(&authority, &registry), Ok("safe")).await;
}

#[tokio::test]
async fn somebody_else_of_the_name_is_not_called() {
    let (authority, registry) = (Authority::new(), MemoryRegistry::new());
    let serving = Serving::start(echo(workload(&authority, TWO))).await;
    says(&registry, &serving, ONE).await;
    let channel = channel(&authority, &registry);
    ends(&channel, Err(&[ONE, TWO])).await;
    // The record was wrong, and is right now.
    says(&registry, &serving, TWO).await;
    ends(&channel, Ok("safe")).await;
    // What is open proved to be somebody else.
    says(&registry, &serving, ONE).await;
    ends(&channel, Err(&[ONE, TWO])).await;
}

#[tokio::test]
async fn a_star_is_nobody() {
    let (authority, registry) = (Authority::new(), MemoryRegistry::new());
    let names = vec![dns(SERVICE), dns("*.local")];
    let serving = Serving::start(echo(proves(&authority.server_with(names)))).await;
    says(&registry, &serving, "node-7.local").await;
    let channel = channel(&authority, &registry);
    ends(&channel, Err(&["node-7.local", "*.local"])).await;
}

#[tokio::test]
async fn the_name_of_the_service_counts_as_well() {
    let (authority, registry) = (Authority::new(), MemoryRegistry::new());
    let names = vec![dns("other.v1.Service"), uri(ONE)];
    let serving = Serving::start(echo(proves(&authority.server_with(names)))).await;
    says(&registry, &serving, ONE).await;
    let channel = channel(&authority, &registry);
    ends(&channel, Err(&[SERVICE])).await;
}
