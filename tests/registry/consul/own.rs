//! What only Consul can do.

use super::{Consul, ROOT, arguments, ids, registered};
use crate::{
    process::Process,
    support::{LONG, SERVICE, instance, until},
};
use cordial::{Channel, Code, Watch, open_registry};
use registry_contract::Harness;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};
use tokio::time::{Instant, timeout};
use tokio_stream::StreamExt;

/// What Consul itself lists, to whoever knows nothing of this library.
fn listed(consul: &Consul) -> Value {
    let path = format!("/v1/health/service/{SERVICE}?passing");
    serde_json::from_str(&consul.ask("GET", &path, "")).unwrap()
}

#[tokio::test]
async fn everybody_sees_a_service_and_a_renewal_writes_nothing() {
    let consul = Consul::start().await;
    let registry = consul.open();
    let mut one = instance("one");
    one.zone = Some("eu-1a".to_owned());
    one.weight = 3;
    one.metadata.insert("version".to_owned(), "1.2".to_owned());
    one.metadata
        .insert("no key".to_owned(), "of Consul's".to_owned());
    registry.register(&one, LONG).await.unwrap();
    until(&mut Watch::new(consul.open(), SERVICE), |list| {
        ids(list) == ["one"]
    })
    .await;
    let first = listed(&consul);
    let service = &first[0]["Service"];
    assert_eq!(service["ID"], "orders.v1.~Orders:one");
    assert_eq!(service["Service"], SERVICE);
    assert_eq!(service["Address"], "10.0.0.7");
    assert_eq!(service["Port"], 50051);
    assert_eq!(service["Weights"]["Passing"], 3);
    assert_eq!(service["Meta"], json!({"version": "1.2", "zone": "eu-1a"}));
    for _ in 0..3 {
        registry.register(&one, LONG).await.unwrap();
    }
    // Nor does another who knows nothing of the first.
    consul.open().register(&one, LONG).await.unwrap();
    assert_eq!(listed(&consul), first);
    one.healthy = false;
    registry.register(&one, LONG).await.unwrap();
    let mut watch = Watch::new(consul.open(), SERVICE);
    until(&mut watch, |list| !list.instances()[0].healthy).await;
    assert_eq!(listed(&consul), json!([]), "DNS prefers others to it");
}

#[tokio::test]
async fn services_of_others_are_found() {
    let consul = Consul::start().await;
    let register = |id: &str, status: &str| {
        let service = json!({
            "ID": id, "Name": SERVICE, "Address": "10.0.0.8", "Port": 80,
            "Check": { "CheckID": id, "TTL": "1h", "Status": status },
        });
        consul.ask("PUT", "/v1/agent/service/register", &service.to_string());
    };
    register("up:1", "passing");
    register("slow:1", "warning");
    register("down:1", "critical");
    let mut watch = Watch::new(consul.open(), SERVICE);
    let listing = until(&mut watch, |list| list.instances().len() == 2).await;
    let mut found: Vec<_> = listing.instances().iter().collect();
    found.sort_by_key(|one| !one.healthy);
    assert!(found[0].id.ends_with(".up_1"), "{listing:?}");
    assert!(found[1].id.ends_with(".slow_1") && !found[1].healthy);
    assert!(
        found
            .iter()
            .all(|one| one.address.to_string() == "10.0.0.8:80")
    );
    let path = "/v1/agent/service/maintenance/up:1?enable=true";
    consul.ask("PUT", path, "");
    until(&mut watch, |list| list.instances().len() == 1).await;
    consul.ask("PUT", "/v1/agent/check/pass/down:1", "");
    until(&mut watch, |list| list.instances().len() == 2).await;
}

/// Consul does not tell them apart.
#[tokio::test]
async fn capital_letters_count() {
    let consul = Consul::start().await;
    let registry = consul.open();
    let mut other = instance("one");
    other.service = SERVICE.to_ascii_lowercase();
    for one in [&instance("one"), &instance("ONE"), &other] {
        registry.register(one, LONG).await.unwrap();
    }
    let mut watch = Watch::new(consul.open(), SERVICE);
    until(&mut watch, |list| ids(list) == ["ONE", "one"]).await;
    let mut of_other = Watch::new(consul.open(), &other.service);
    let listing = until(&mut of_other, |list| !list.instances().is_empty()).await;
    assert_eq!(*listing.instances()[0], other);
    registry.deregister(&instance("ONE")).await.unwrap();
    until(&mut watch, |list| ids(list) == ["one"]).await;
}

#[tokio::test]
async fn what_expired_is_soon_forgotten_and_can_come_back() {
    let consul = Consul::start().await;
    let registry = consul.open();
    let mut watch = Watch::new(consul.open(), SERVICE);
    registry
        .register(&instance("one"), Consul::LEASE)
        .await
        .unwrap();
    until(&mut watch, |list| ids(list) == ["one"]).await;
    until(&mut watch, |list| list.instances().is_empty()).await;
    // It is there, and said to be critical.
    let agent = consul.ask("GET", "/v1/agent/services", "");
    assert_eq!(registered(&agent).len(), 1);
    let check = consul.ask("GET", "/v1/agent/checks", "");
    assert!(
        check.contains("critical") && check.contains("TTL expired"),
        "{check}"
    );
    let mut changed = instance("one");
    changed.weight = 7;
    registry.register(&changed, LONG).await.unwrap();
    until(&mut watch, |list| ids(list) == ["one"]).await;
}

#[tokio::test]
async fn the_next_host_is_asked_when_one_is_away() {
    let consul = Consul::start().await;
    let away = Process::start("true", "NOTHING", |_, _| Vec::new());
    let hosts = format!(
        "consul://127.0.0.1:{},127.0.0.1:{}",
        away.port, consul.0.port
    );
    let registry = open_registry(&hosts).unwrap();
    let refused = registry.register(&instance("one"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(
        refused.message().contains(&away.port.to_string()),
        "{refused}"
    );
    registry.register(&instance("one"), LONG).await.unwrap();
    let mut watch = Watch::new(open_registry(&hosts).unwrap(), SERVICE);
    until(&mut watch, |list| ids(list) == ["one"]).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed() {
    let consul = Consul::start().await;
    let registry = consul.open();
    registry.register(&instance("one"), LONG).await.unwrap();
    let mut lists = registry.watch(SERVICE);
    assert!(lists.next().await.unwrap().is_ok());
    consul.0.signal("STOP");
    let begun = Instant::now();
    let refused = consul.open().register(&instance("two"), LONG).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(7), "{took:?}");
    let told = async { while lists.next().await.unwrap().is_ok() {} };
    let told = timeout(Duration::from_secs(30), told).await;
    told.expect("it is noticed");
    consul.0.signal("CONT");
    registry.register(&instance("one"), LONG).await.unwrap();
}

fn with_tokens(directory: &Path, port: u16) -> Vec<String> {
    let mut arguments = arguments(directory, port);
    arguments.push(format!(
        "-hcl=acl {{ enabled = true default_policy = \"deny\" tokens {{ \
         initial_management = \"{ROOT}\" agent = \"{ROOT}\" }} }}"
    ));
    arguments
}

#[tokio::test]
async fn tokens_are_those_of_the_url() {
    const NOBODY: &str = "11111111-2222-3333-4444-555555555555";
    let consul = Consul::begin(with_tokens).await;
    let port = consul.0.port;
    let at = |who: &str| {
        let url = format!("consul://{who}127.0.0.1:{port}");
        let registry = open_registry(&url).unwrap();
        let shown = format!("{registry:?}");
        assert_eq!(shown, format!("consul://127.0.0.1:{port}"));
        registry
    };
    let root = at(&format!("{ROOT}@"));
    root.register(&instance("one"), LONG).await.unwrap();
    until(&mut Watch::new(root, SERVICE), |list| ids(list) == ["one"]).await;

    let unknown = at(&format!("{NOBODY}@"));
    let refused = unknown.register(&instance("two"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("ACL not found"), "{refused}");
    let refused = unknown.watch(SERVICE).next().await.unwrap().unwrap_err();
    assert!(refused.message().contains("ACL not found"), "{refused}");

    // One that may do nothing is told that there is something it may not see.
    let token = json!({ "SecretID": NOBODY }).to_string();
    consul.ask("PUT", "/v1/acl/token", &token);
    let known = at(&format!("{NOBODY}@"));
    let refused = known.register(&instance("two"), LONG).await.unwrap_err();
    assert!(refused.message().contains("Permission denied"), "{refused}");
    let refused = known.watch(SERVICE).next().await.unwrap().unwrap_err();
    assert!(refused.message().contains("not whole"), "{refused}");

    // Without a token nobody is told even that.
    let anonymous = at("");
    let refused = anonymous
        .register(&instance("two"), LONG)
        .await
        .unwrap_err();
    assert!(refused.message().contains("Permission denied"), "{refused}");
    let listed = anonymous.watch(SERVICE).next().await.unwrap().unwrap();
    assert!(listed.instances().is_empty());
}

#[tokio::test]
async fn servers_register_in_their_own_datacenter() {
    let consul = Consul::start().await;
    let at = |place: &str| {
        let url = format!("consul://127.0.0.1:{}/{place}", consul.0.port);
        open_registry(&url).unwrap()
    };
    at("dc1").register(&instance("one"), LONG).await.unwrap();
    until(&mut Watch::new(at("dc1"), SERVICE), |list| {
        ids(list) == ["one"]
    })
    .await;
    let refused = at("dc2")
        .register(&instance("two"), LONG)
        .await
        .unwrap_err();
    assert!(
        refused.message().contains("of datacenter `dc1`"),
        "{refused}"
    );
    let refused = at("dc2").watch(SERVICE).next().await.unwrap().unwrap_err();
    assert!(
        refused.message().contains("No path to datacenter"),
        "{refused}"
    );
    let agent = consul.ask("GET", "/v1/agent/services", "");
    assert_eq!(registered(&agent).len(), 1, "the other is not left behind");
}

/// Over TLS, with a certificate of `localhost` that only a process trusts which is told so.
fn with_tls(directory: &Path, port: u16) -> Vec<String> {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (certificate(directory), directory.join("key.pem"));
    std::fs::write(&cert, certified.cert.pem()).unwrap();
    std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    let mut arguments = arguments(directory, port);
    arguments.push(format!("-https-port={}", port + TLS_PORT));
    arguments.push(format!(
        "-hcl=tls {{ https {{ cert_file = {cert:?} key_file = {key:?} }} }}"
    ));
    arguments
}

fn certificate(directory: &Path) -> std::path::PathBuf {
    directory.join("certificate.pem")
}

/// What is added to its port for that.
const TLS_PORT: u16 = 10_000;

/// Names the server to the process that trusts it.
const TRUSTED: &str = "CONSUL_TRUSTED_AT";

#[tokio::test]
async fn tls_is_for_whom_this_machine_trusts() {
    let name = "consul::own::tls_is_for_whom_this_machine_trusts";
    if let Ok(at) = std::env::var(TRUSTED) {
        let registry = open_registry(&format!("consuls://{at}")).unwrap();
        assert_eq!(format!("{registry:?}"), format!("consuls://{at}"));
        registry.register(&instance("one"), LONG).await.unwrap();
        until(&mut Watch::new(registry, SERVICE), |list| {
            ids(list) == ["one"]
        })
        .await;
        let (_, port) = at.split_once(':').unwrap();
        let other = open_registry(&format!("consuls://127.0.0.1:{port}")).unwrap();
        let refused = other.register(&instance("one"), LONG).await.unwrap_err();
        assert!(refused.message().contains("certificate"), "{refused}");
        return;
    }
    let consul = Consul::begin(with_tls).await;
    let at = format!("localhost:{}", consul.0.port + TLS_PORT);
    let registry = open_registry(&format!("consuls://{at}")).unwrap();
    let refused = registry.register(&instance("one"), LONG).await.unwrap_err();
    assert!(refused.message().contains("certificate"), "{refused}");
    let trusting = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("SSL_CERT_FILE", certificate(&consul.0.directory))
        .env(TRUSTED, at)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&trusting.stdout);
    assert!(
        trusting.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

/// A registry outlives the runtime it was first used on.
#[test]
fn a_runtime_that_ended_takes_no_connection_along() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.enable_all().build().unwrap()
    };
    let outer = runtime();
    let consul = outer.block_on(Consul::start());
    let registry = consul.open();
    for id in ["one", "two"] {
        let inner = runtime();
        inner.block_on(async {
            registry.register(&instance(id), LONG).await.unwrap();
            assert!(registry.watch(SERVICE).next().await.unwrap().is_ok());
        });
    }
}

#[test]
fn urls_lead_to_consul_or_say_why_not() {
    assert!(Channel::to("consul://one:8500,two/dc1/orders.v1.Orders").is_ok());
    assert!(Channel::to("consul://token@one/orders.v1.Orders").is_ok());
    for url in [
        "consul://",
        "consul://user:password@host",
        "consul://a%0Ab@host",
        "consul://host:0",
        "consul://host/a.b",
        "consul://host/a/b",
    ] {
        let error = open_registry(url).unwrap_err();
        assert!(error.to_string().contains("write "), "{error}");
    }
}
