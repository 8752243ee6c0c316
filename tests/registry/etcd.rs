//! The contract over etcd, and what only etcd can do. `tests/registries` finds it.

use crate::{
    process::Process,
    support::{LONG, SERVICE, instance, until},
};
use cordial::{Channel, Code, Registry, Watch, open_registry};
use etcd_client::{Client, CompactionOptions, ConnectOptions, DeleteOptions};
use registry_contract::Harness;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::StreamExt;

/// An etcd of its own.
struct Etcd(Process);

/// It knows no shorter lease than one and a half of its elections.
fn arguments(directory: &Path, port: u16) -> Vec<String> {
    let url = format!("http://127.0.0.1:{port}");
    let data = directory.join("data").display().to_string();
    [
        ("data-dir", &*data),
        ("listen-client-urls", &url),
        ("advertise-client-urls", &url),
        ("listen-peer-urls", "http://127.0.0.1:0"),
        ("heartbeat-interval", "50"),
        ("election-timeout", "500"),
        ("logger", "zap"),
        ("log-level", "warn"),
    ]
    .map(|(flag, value)| format!("--{flag}={value}"))
    .into()
}

impl Etcd {
    async fn ready(&self) {
        let ready = async {
            loop {
                let mut client = self.administrator().await;
                let got = client.get("any", None);
                if matches!(timeout(Duration::from_secs(2), got).await, Ok(Ok(_))) {
                    return;
                }
                sleep(Duration::from_millis(30)).await;
            }
        };
        let became = timeout(Duration::from_secs(40), ready).await;
        assert!(became.is_ok(), "etcd does not answer:\n{}", self.0.log());
    }

    async fn administrator(&self) -> Client {
        Client::connect([format!("127.0.0.1:{}", self.0.port)], None)
            .await
            .unwrap()
    }

    fn open(&self) -> Arc<dyn Registry> {
        open_registry(&format!("etcd://127.0.0.1:{}", self.0.port)).unwrap()
    }
}

impl Harness for Etcd {
    const LEASE: Duration = Duration::from_secs(2);
    const SLACK: Duration = Duration::from_secs(3);

    async fn start() -> Self {
        let etcd = Self(Process::start("etcd", "ETCD", arguments));
        etcd.ready().await;
        etcd
    }

    fn client(&self) -> Arc<dyn Registry> {
        self.open()
    }

    async fn wipe(&self) {
        let all = DeleteOptions::new().with_all_keys();
        let mut client = self.administrator().await;
        client.delete("", Some(all)).await.unwrap();
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
        let mut client = self.administrator().await;
        let key = format!("cordial/{service}/rubbish");
        client.put(key, "{nope", None).await.unwrap();
        true
    }
}

registry_contract::suite!(Etcd);

#[tokio::test]
async fn a_renewal_writes_nothing() {
    let etcd = Etcd::start().await;
    let registry = etcd.open();
    let mut client = etcd.administrator().await;
    registry.register(&instance("one"), LONG).await.unwrap();
    let key = format!("cordial/{SERVICE}/one");
    let first = client.get(&*key, None).await.unwrap();
    for _ in 0..3 {
        registry.register(&instance("one"), LONG).await.unwrap();
    }
    let last = client.get(&*key, None).await.unwrap();
    let revision = |got: &etcd_client::GetResponse| got.header().unwrap().revision();
    assert_eq!(revision(&first), revision(&last));
    assert_eq!(first.kvs()[0].lease(), last.kvs()[0].lease());
    let text = first.kvs()[0].value_str().unwrap();
    assert!(text.contains(r#""address":"10.0.0.7:50051""#), "{text}");
}

#[tokio::test]
async fn prefixes_are_apart() {
    let etcd = Etcd::start().await;
    let url = format!("etcd://127.0.0.1:{}", etcd.0.port);
    let shop = open_registry(&format!("{url}/shop/a%20b/")).unwrap();
    shop.register(&instance("one"), LONG).await.unwrap();
    etcd.open().register(&instance("two"), LONG).await.unwrap();
    let mut client = etcd.administrator().await;
    let key = format!("shop/a b/{SERVICE}/one");
    assert_eq!(client.get(key, None).await.unwrap().kvs().len(), 1);
    for (registry, id) in [(shop, "one"), (etcd.open(), "two")] {
        let listing = until(&mut Watch::new(registry, SERVICE), |_| true).await;
        assert_eq!(listing.instances().len(), 1);
        assert_eq!(listing.instances()[0].id, id);
    }
}

#[tokio::test]
async fn the_next_host_is_asked_when_one_is_away() {
    let etcd = Etcd::start().await;
    let away = Process::start("true", "NOTHING", |_, _| Vec::new());
    let hosts = format!("etcd://127.0.0.1:{},127.0.0.1:{}", away.port, etcd.0.port);
    let registry = open_registry(&hosts).unwrap();
    let refused = registry.register(&instance("one"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(
        refused.message().contains(&away.port.to_string()),
        "{refused}"
    );
    registry.register(&instance("one"), LONG).await.unwrap();
    let mut watch = Watch::new(open_registry(&hosts).unwrap(), SERVICE);
    until(&mut watch, |listing| listing.instances().len() == 1).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed() {
    let etcd = Etcd::start().await;
    let registry = etcd.open();
    registry.register(&instance("one"), LONG).await.unwrap();
    let mut lists = registry.watch(SERVICE);
    assert!(lists.next().await.unwrap().is_ok());
    etcd.0.signal("STOP");
    let begun = Instant::now();
    let refused = etcd.open().register(&instance("two"), LONG).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    assert!(
        begun.elapsed() < Duration::from_secs(7),
        "{:?}",
        begun.elapsed()
    );
    let told = timeout(Duration::from_secs(30), lists.next()).await;
    assert!(told.expect("it is noticed").unwrap().is_err());
    etcd.0.signal("CONT");
    registry.register(&instance("one"), LONG).await.unwrap();
}

/// Compaction ends a watch that has not read what was compacted, and the next one
/// begins with what is there now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_compacted_is_read_anew() {
    const CHANGES: u32 = 3_000;
    let etcd = Etcd::start().await;
    let registry = etcd.open();
    let mut lists = registry.watch(SERVICE);
    assert!(lists.next().await.unwrap().is_ok());
    let other = etcd.open();
    let mut large = instance("one");
    large.metadata.insert("large".to_owned(), "x".repeat(8_000));
    for weight in 1..=CHANGES {
        large.weight = weight;
        other.register(&large, LONG).await.unwrap();
    }
    let mut client = etcd.administrator().await;
    let revision = client.get("any", None).await.unwrap();
    let revision = revision.header().unwrap().revision();
    let now = CompactionOptions::new().with_physical();
    client.compact(revision, Some(now)).await.unwrap();
    let ended = timeout(Duration::from_secs(60), async {
        loop {
            match lists.next().await {
                Some(Ok(_)) => {}
                ended => return ended,
            }
        }
    });
    let ended = ended.await.expect("it ends");
    let said = ended.expect("it says why").unwrap_err().to_string();
    assert!(said.contains("compacted"), "{said}");
    let listing = until(&mut Watch::new(registry, SERVICE), |_| true).await;
    assert_eq!(listing.instances()[0].weight, CHANGES);
}

#[tokio::test]
async fn users_are_those_of_the_url() {
    let etcd = Etcd::start().await;
    let mut client = etcd.administrator().await;
    client.user_add("root", "a:b@c", None).await.unwrap();
    client.user_grant_role("root", "root").await.unwrap();
    client.auth_enable().await.unwrap();
    let port = etcd.0.port;
    for (url, passes) in [
        (format!("etcd://root:a%3Ab%40c@127.0.0.1:{port}"), true),
        (format!("etcd://root:wrong@127.0.0.1:{port}"), false),
        (format!("etcd://127.0.0.1:{port}"), false),
    ] {
        let registry = open_registry(&url).unwrap();
        assert_eq!(
            format!("{registry:?}"),
            format!("etcd://127.0.0.1:{port}/cordial")
        );
        let registered = registry.register(&instance("one"), LONG).await;
        assert_eq!(registered.is_ok(), passes, "{url}: {registered:?}");
        let listed = registry.watch(SERVICE).next().await.unwrap();
        assert_eq!(listed.is_ok(), passes, "{url}: {listed:?}");
    }
    // Or it could not be wiped.
    let root = ConnectOptions::new().with_user("root", "a:b@c");
    let client = Client::connect([format!("127.0.0.1:{port}")], Some(root)).await;
    client.unwrap().auth_disable().await.unwrap();
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
    let etcd = outer.block_on(Etcd::start());
    let registry = etcd.open();
    for id in ["one", "two"] {
        let inner = runtime();
        inner.block_on(async {
            registry.register(&instance(id), LONG).await.unwrap();
            assert!(registry.watch(SERVICE).next().await.unwrap().is_ok());
        });
    }
}

#[test]
fn urls_lead_to_etcd_or_say_why_not() {
    assert!(Channel::to("etcd://one:2379,two/shop/orders.v1.Orders").is_ok());
    assert!(Channel::to("etcd://orders.v1.Orders").is_err());
    for url in ["etcd://", "etcd://user@host", "etcd://host:0", "etcd://a b"] {
        let error = open_registry(url).unwrap_err();
        assert!(error.to_string().contains("write `"), "{error}");
    }
}
