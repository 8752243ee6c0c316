//! The contract over NATS, and what only NATS can do. `tests/registries` finds it.

use crate::{
    process::Process,
    support::{LONG, SERVICE, instance, until},
};
use async_nats::{ConnectOptions, jetstream};
use cordial::{Channel, Code, Registry, Watch, open_registry};
use registry_contract::Harness;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::StreamExt;

/// A NATS of its own.
struct Nats(Process);

fn arguments(directory: &Path, port: u16) -> Vec<String> {
    let data = directory.join("data").display().to_string();
    let port = port.to_string();
    ["-a", "127.0.0.1", "-p", &port, "-js", "-sd", &data]
        .map(str::to_owned)
        .into()
}

fn with_user(directory: &Path, port: u16) -> Vec<String> {
    let mut arguments = arguments(directory, port);
    arguments.extend(["--user", "ada", "--pass", "a:b@c"].map(str::to_owned));
    arguments
}

impl Nats {
    async fn begin(arguments: fn(&Path, u16) -> Vec<String>) -> Self {
        let nats = Self(Process::start("nats-server", "NATS_SERVER", arguments));
        nats.ready().await;
        nats
    }

    async fn ready(&self) {
        let ready = async {
            loop {
                let options = ConnectOptions::new()
                    .connection_timeout(Duration::from_secs(2))
                    .user_and_password("ada".to_owned(), "a:b@c".to_owned());
                let connected = options.connect(format!("127.0.0.1:{}", self.0.port));
                if let Ok(client) = connected.await
                    && jetstream::new(client).query_account().await.is_ok()
                {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let became = timeout(Duration::from_secs(40), ready).await;
        assert!(became.is_ok(), "NATS does not answer:\n{}", self.0.log());
    }

    async fn administrator(&self) -> jetstream::Context {
        let options = ConnectOptions::new();
        let client = options.connect(format!("127.0.0.1:{}", self.0.port)).await;
        jetstream::new(client.unwrap())
    }

    fn open(&self) -> Arc<dyn Registry> {
        open_registry(&format!("nats://127.0.0.1:{}", self.0.port)).unwrap()
    }
}

impl Harness for Nats {
    const LEASE: Duration = Duration::from_secs(2);
    const SLACK: Duration = Duration::from_secs(3);

    async fn start() -> Self {
        Self::begin(arguments).await
    }

    fn client(&self) -> Arc<dyn Registry> {
        self.open()
    }

    async fn wipe(&self) {
        let stream = self.administrator().await.get_stream("KV_cordial").await;
        stream.unwrap().purge().await.unwrap();
    }

    async fn cut(&self) {
        self.0.kill();
    }

    async fn mend(&self) {
        self.0.run();
        self.ready().await;
    }

    async fn restart_empty(&self) {
        self.0.kill();
        self.0.forget_data();
        self.mend().await;
    }

    async fn write_rubbish(&self, service: &str) -> bool {
        let subject = format!("$KV.cordial.{}.rubbish", service.replace('.', "/"));
        let context = self.administrator().await;
        let written = context.publish(subject, "{nope".into()).await.unwrap();
        written.await.unwrap();
        true
    }
}

registry_contract::suite!(Nats);

#[tokio::test]
async fn the_tools_of_nats_show_what_is_registered() {
    let nats = Nats::start().await;
    let registry = nats.open();
    registry.register(&instance("one.a"), LONG).await.unwrap();
    let stream = nats
        .administrator()
        .await
        .get_stream("KV_cordial")
        .await
        .unwrap();
    let subject = "$KV.cordial.orders/v1/Orders.one/a";
    let last = stream
        .get_last_raw_message_by_subject(subject)
        .await
        .unwrap();
    let text = std::str::from_utf8(&last.payload).unwrap();
    assert!(text.contains(r#""address":"10.0.0.7:50051""#), "{text}");
    registry.deregister(&instance("one.a")).await.unwrap();
    let last = stream
        .get_last_raw_message_by_subject(subject)
        .await
        .unwrap();
    assert_eq!(last.headers.get("KV-Operation").unwrap().as_str(), "DEL");
}

#[tokio::test]
async fn buckets_are_apart() {
    let nats = Nats::start().await;
    let shop = open_registry(&format!("nats://127.0.0.1:{}/shop-1", nats.0.port)).unwrap();
    shop.register(&instance("one"), LONG).await.unwrap();
    nats.open().register(&instance("two"), LONG).await.unwrap();
    for (registry, id) in [(shop, "one"), (nats.open(), "two")] {
        let listing = until(&mut Watch::new(registry, SERVICE), |_| true).await;
        assert_eq!(listing.instances().len(), 1);
        assert_eq!(listing.instances()[0].id, id);
    }
}

#[tokio::test]
async fn a_bucket_that_was_deleted_is_made_again() {
    let nats = Nats::start().await;
    let registry = nats.open();
    registry.register(&instance("one"), LONG).await.unwrap();
    let mut watch = Watch::new(nats.open(), SERVICE);
    until(&mut watch, |listing| listing.instances().len() == 1).await;
    nats.administrator()
        .await
        .delete_stream("KV_cordial")
        .await
        .unwrap();
    let refused = registry.register(&instance("two"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    registry.register(&instance("two"), LONG).await.unwrap();
    until(&mut watch, |listing| {
        listing.instances().iter().map(|one| &*one.id).eq(["two"])
    })
    .await;
}

/// A bucket that somebody made, and whose records would never end.
#[tokio::test]
async fn a_bucket_that_cannot_end_leases_is_refused() {
    let nats = Nats::start().await;
    let config = jetstream::stream::Config {
        name: "KV_cordial".to_owned(),
        subjects: vec!["$KV.cordial.>".to_owned()],
        max_messages_per_subject: 1,
        ..Default::default()
    };
    nats.administrator()
        .await
        .create_stream(config)
        .await
        .unwrap();
    let refused = nats
        .open()
        .register(&instance("one"), LONG)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("allow_msg_ttl"), "{refused}");
}

#[tokio::test]
async fn the_next_host_is_asked_when_one_is_away() {
    let nats = Nats::start().await;
    let away = Process::start("true", "NOTHING", |_, _| Vec::new());
    let hosts = format!("nats://127.0.0.1:{},127.0.0.1:{}", away.port, nats.0.port);
    let registry = open_registry(&hosts).unwrap();
    registry.register(&instance("one"), LONG).await.unwrap();
    let mut watch = Watch::new(open_registry(&hosts).unwrap(), SERVICE);
    until(&mut watch, |listing| listing.instances().len() == 1).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed() {
    let nats = Nats::start().await;
    let registry = nats.open();
    registry.register(&instance("one"), LONG).await.unwrap();
    let mut lists = registry.watch(SERVICE);
    assert!(lists.next().await.unwrap().is_ok());
    nats.0.signal("STOP");
    let begun = Instant::now();
    let refused = nats.open().register(&instance("two"), LONG).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    assert!(
        begun.elapsed() < Duration::from_secs(7),
        "{:?}",
        begun.elapsed()
    );
    let told = timeout(Duration::from_secs(30), lists.next()).await;
    assert!(told.expect("it is noticed").unwrap().is_err());
    nats.0.signal("CONT");
    registry.register(&instance("one"), LONG).await.unwrap();
}

#[tokio::test]
async fn users_are_those_of_the_url() {
    let nats = Nats::begin(with_user).await;
    let port = nats.0.port;
    for (url, passes) in [
        (format!("nats://ada:a%3Ab%40c@127.0.0.1:{port}"), true),
        (format!("nats://ada:wrong@127.0.0.1:{port}"), false),
        (format!("nats://127.0.0.1:{port}"), false),
        // It speaks no TLS, and must not be told a password without it.
        (format!("natss://ada:a%3Ab%40c@127.0.0.1:{port}"), false),
    ] {
        let registry = open_registry(&url).unwrap();
        let shown = format!("{registry:?}");
        assert!(
            shown.ends_with(&format!("://127.0.0.1:{port}/cordial")),
            "{shown}"
        );
        let registered = registry.register(&instance("one"), LONG).await;
        assert_eq!(registered.is_ok(), passes, "{url}: {registered:?}");
        let listed = registry.watch(SERVICE).next().await.unwrap();
        assert_eq!(listed.is_ok(), passes, "{url}: {listed:?}");
    }
}

/// A registry outlives the runtime it was first used on.
#[test]
fn a_runtime_that_ended_takes_no_connection_along() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.enable_all().build().unwrap()
    };
    let outer = runtime();
    let nats = outer.block_on(Nats::start());
    let registry = nats.open();
    for id in ["one", "two"] {
        let inner = runtime();
        inner.block_on(async {
            registry.register(&instance(id), LONG).await.unwrap();
            assert!(registry.watch(SERVICE).next().await.unwrap().is_ok());
        });
    }
}

#[test]
fn urls_lead_to_nats_or_say_why_not() {
    assert!(Channel::to("nats://one:4222,two/shop/orders.v1.Orders").is_ok());
    for url in [
        "nats://",
        "nats://user@host",
        "nats://host:0",
        "nats://host/a.b",
        "nats://host/a/b",
    ] {
        let error = open_registry(url).unwrap_err();
        assert!(error.to_string().contains("write "), "{error}");
    }
}
