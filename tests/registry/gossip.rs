//! The contract over a cluster of processes, and what only clusters do.

mod wire;

use self::wire::{Cut, LIAR, Liar, Network, Wire, answer, entry, header};
use crate::{
    port::free_port,
    support::{LONG, SERVICE, instance, until},
};
use cordial::{Channel, Code, GossipRegistry, Instance, Listing, Registry, Watch, open_registry};
use registry_contract::Harness;
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_stream::StreamExt;

const CLUSTER: &str = "contract";
const SHORT: Duration = Duration::from_secs(1);
const HERE: [u8; 4] = [127, 0, 0, 1];
const THERE: [u8; 4] = [127, 0, 0, 2];

/// A cluster with one seed. Each client is a process of its own, which others reach
/// through the network only.
struct Gossip {
    network: Network,
    seed: Mutex<Option<GossipRegistry>>,
    to_seed: Wire,
    wires: Mutex<Vec<Wire>>,
}

impl Gossip {
    fn new() -> Self {
        let network = Network::new();
        let to_seed = Wire::new(&network, unused(HERE));
        let gossip = Self {
            network,
            seed: Mutex::default(),
            to_seed,
            wires: Mutex::default(),
        };
        gossip.start_seed();
        gossip
    }

    fn start_seed(&self) {
        let listener = *self.to_seed.target.lock().unwrap();
        let seed = GossipRegistry::new(CLUSTER, self.seeds())
            .listening_on(listener)
            .advertised_at(self.to_seed.address);
        drop(seed.watch(SERVICE));
        *self.seed.lock().unwrap() = Some(seed);
    }

    fn seeds(&self) -> [String; 1] {
        [self.to_seed.address.to_string()]
    }

    fn process(&self, ip: [u8; 4]) -> GossipRegistry {
        process(&self.network, &self.wires, ip, self.seeds())
    }
}

/// Another process, at that address.
fn process<const N: usize>(
    network: &Network,
    wires: &Mutex<Vec<Wire>>,
    ip: [u8; 4],
    seeds: [String; N],
) -> GossipRegistry {
    let listener = unused(ip);
    let wire = Wire::new(network, listener);
    let registry = GossipRegistry::new(CLUSTER, seeds)
        .listening_on(listener)
        .advertised_at(wire.address);
    wires.lock().unwrap().push(wire);
    registry
}

fn unused(ip: [u8; 4]) -> SocketAddr {
    SocketAddr::new(IpAddr::from(ip), free_port())
}

impl Harness for Gossip {
    const LEASE: Duration = Duration::from_secs(2);
    const SLACK: Duration = Duration::from_secs(1);

    async fn start() -> Self {
        Self::new()
    }

    fn client(&self) -> Arc<dyn Registry> {
        Arc::new(self.process(HERE))
    }

    async fn wipe(&self) {
        let client = self.client();
        let mut lists = client.watch("contract.v1.Echo");
        let listing = lists.next().await.unwrap().unwrap();
        for instance in listing.instances() {
            client.deregister(instance).await.unwrap();
        }
    }

    async fn cut(&self) {
        self.network.set(Cut::All);
    }

    async fn mend(&self) {
        self.network.set(Cut::Whole);
    }

    /// There is no server: the seed, whom all others ask, is killed and starts anew.
    async fn restart_empty(&self) {
        self.seed.lock().unwrap().take();
        *self.to_seed.target.lock().unwrap() = unused(HERE);
        self.start_seed();
    }

    async fn write_rubbish(&self, service: &str) -> bool {
        let service = service.to_owned();
        let liar = Liar::new(CLUSTER, |address| {
            answer(&entry(LIAR, 1, 1, address), &service, "rubbish", b"{nope")
        });
        let seed = self.to_seed.address;
        tokio::spawn(async move {
            for heartbeat in 1..100 {
                liar.tell(seed, heartbeat, 1).await;
                sleep(Duration::from_millis(100)).await;
            }
        });
        true
    }
}

registry_contract::suite!(Gossip);

fn at(id: &str, address: &str) -> Instance {
    Instance::new(SERVICE, id, address.parse().unwrap())
}

fn ids(listing: &Listing) -> Vec<&str> {
    listing.instances().iter().map(|one| &*one.id).collect()
}

/// Registers again and again, as a server does.
fn keep(registry: GossipRegistry, instance: Instance) -> JoinSet<()> {
    let mut keeps = JoinSet::new();
    keeps.spawn(async move {
        loop {
            let _ = registry.register(&instance, SHORT).await;
            sleep(SHORT / 3).await;
        }
    });
    keeps
}

#[tokio::test]
async fn a_process_that_starts_again_takes_its_own_place() {
    let gossip = Gossip::new();
    let mut watch = Watch::new(gossip.process(HERE), SERVICE);
    for start in 1..=3 {
        let address = format!("10.0.0.{start}:1");
        let registry = gossip.process(HERE);
        registry.register(&at("one", &address), LONG).await.unwrap();
        let is_there = |listing: &Listing| {
            ids(listing) == ["one"] && listing.instances()[0].address.to_string() == address
        };
        until(&mut watch, is_there).await;
        // It is killed, and what it said lasts for two minutes.
        drop(registry);
    }
}

#[tokio::test]
async fn a_cluster_that_was_parted_lists_its_own_and_is_one_again() {
    let network = Network::new();
    let wires = Mutex::default();
    let to_seeds = [HERE, THERE].map(|ip| Wire::new(&network, unused(ip)));
    let seeds = to_seeds.each_ref().map(|wire| wire.address.to_string());
    let start = |wire: &Wire| {
        let seed = GossipRegistry::new(CLUSTER, seeds.clone())
            .listening_on(*wire.target.lock().unwrap())
            .advertised_at(wire.address);
        drop(seed.watch(SERVICE));
        seed
    };
    let _seeds = to_seeds.each_ref().map(start);
    let half = |ip, id| {
        let server = process(&network, &wires, ip, seeds.clone());
        let client = process(&network, &wires, ip, seeds.clone());
        (keep(server, instance(id)), Watch::new(client, SERVICE))
    };
    let (_here, mut here) = half(HERE, "here");
    let (_there, mut there) = half(THERE, "there");
    let both = |listing: &Listing| ids(listing) == ["here", "there"];
    for _ in 0..2 {
        until(&mut here, both).await;
        until(&mut there, both).await;
        network.set(Cut::Halves);
        let cut = Instant::now();
        until(&mut here, |listing| ids(listing) == ["here"]).await;
        until(&mut there, |listing| ids(listing) == ["there"]).await;
        assert!(cut.elapsed() < SHORT * 3, "{:?}", cut.elapsed());
        network.set(Cut::Whole);
    }
    until(&mut here, both).await;
    until(&mut there, both).await;
    let longest = network.longest.load(Relaxed);
    assert!(
        (100..=1_200).contains(&longest),
        "{longest} bytes in a packet"
    );
}

#[tokio::test]
async fn clusters_are_apart() {
    let gossip = Gossip::new();
    let registry = gossip.process(HERE);
    registry.register(&instance("one"), LONG).await.unwrap();
    let other = GossipRegistry::new("other", gossip.seeds()).listening_on(unused(HERE));
    let refused = other.register(&instance("two"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("cluster `other`"), "{refused}");
    let mut watch = Watch::new(gossip.process(HERE), SERVICE);
    let listing = until(&mut watch, |_| true).await;
    assert_eq!(ids(&listing), ["one"]);
}

#[tokio::test]
async fn whoever_finds_no_seed_says_so() {
    let nobody = GossipRegistry::new(CLUSTER, [unused(HERE).to_string()]);
    let listed = nobody.watch(SERVICE).next().await.unwrap();
    assert_eq!(listed.unwrap_err().code(), Code::Unavailable);
    let refused = nobody.register(&instance("one"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    // One that is where others look for it begins without them.
    let own = unused(HERE);
    let first = GossipRegistry::new(CLUSTER, [own.to_string()]).listening_on(own);
    first.register(&instance("one"), LONG).await.unwrap();
    let listed = first.watch(SERVICE).next().await.unwrap();
    assert_eq!(ids(&listed.unwrap()), ["one"]);
}

#[tokio::test]
async fn junk_is_passed_over() {
    let gossip = Gossip::new();
    let registry = gossip.process(HERE);
    registry.register(&instance("one"), LONG).await.unwrap();
    let seed = *gossip.to_seed.target.lock().unwrap();
    let liar = Liar::new(CLUSTER, |_| b"\xff\xff\xff\xff nothing".to_vec());
    let good = [&header(CLUSTER)[..], &[0, 1], &entry(9, 1, 1, seed)].concat();
    for length in 0..good.len() {
        liar.send(seed, &good[..length]).await;
        let mut stream = TcpStream::connect(seed).await.unwrap();
        let _ = stream.write_all(&good[..length]).await;
    }
    liar.send(seed, &[0xff; 1_201]).await;
    liar.send(seed, &[0xff; 65_000]).await;
    // Whoever claims to know too much, or to be elsewhere, is hung up on.
    for (cluster, count) in [(CLUSTER, u32::MAX), ("other", 0)] {
        let mut stream = TcpStream::connect(seed).await.unwrap();
        let request = [&header(cluster)[..], &count.to_be_bytes()].concat();
        stream.write_all(&request).await.unwrap();
        let mut told = Vec::new();
        let _ = stream.read_to_end(&mut told).await;
        assert!(told.is_empty(), "{told:?}");
    }
    // It has something new, and then has not.
    liar.tell(seed, 1, 1).await;
    let mut watch = Watch::new(gossip.process(HERE), SERVICE);
    until(&mut watch, |listing| ids(listing) == ["one"]).await;
    registry.deregister(&instance("one")).await.unwrap();
    until(&mut watch, |listing| ids(listing).is_empty()).await;
}

#[tokio::test]
async fn whoever_is_lied_about_is_there_again_at_once() {
    let gossip = Gossip::new();
    let registry = gossip.process(HERE);
    let _kept = keep(registry, instance("one"));
    let mut watch = Watch::new(gossip.process(HERE), SERVICE);
    until(&mut watch, |listing| ids(listing) == ["one"]).await;
    let seed = gossip.to_seed.address;
    let liar = Liar::new(CLUSTER, |address| {
        answer(&entry(LIAR, 1, 1, address), SERVICE, "two", b"{nope")
    });
    liar.tell(seed, 1, 1).await;
    until(&mut watch, |listing| listing.skipped() == 1).await;
    // The first of a packet's entries is the sender's.
    let packet = liar.heard().await;
    let first = header(CLUSTER).len() + 2;
    let id = packet[first..first + 8].try_into().unwrap();
    let lie = entry(u64::from_be_bytes(id), u64::MAX, u64::MAX, seed);
    let of_liar = entry(LIAR, 2, 1, seed);
    let lies = [&header(CLUSTER)[..], &[0, 2], &of_liar, &lie].concat();
    let everybody: Vec<_> = {
        let wires = gossip.wires.lock().unwrap();
        wires.iter().map(|wire| wire.address).collect()
    };
    for process in everybody {
        liar.send(process, &lies).await;
    }
    liar.send(seed, &lies).await;
    let mut late = Watch::new(gossip.process(HERE), SERVICE);
    until(&mut late, |listing| ids(listing) == ["one"]).await;
}

#[tokio::test]
async fn one_process_is_in_its_cluster_once() {
    let seed = unused(HERE);
    let url = format!("gossip://{seed}@{seed}/once");
    let registry = open_registry(&url).unwrap();
    registry.register(&instance("one"), LONG).await.unwrap();
    // A second one could not listen there.
    let listed = open_registry(&url)
        .unwrap()
        .watch(SERVICE)
        .next()
        .await
        .unwrap();
    assert_eq!(ids(&listed.unwrap()), ["one"]);
    let taken = GossipRegistry::new("once", [seed.to_string()]).listening_on(seed);
    let refused = taken.register(&instance("two"), LONG).await.unwrap_err();
    assert!(refused.message().contains("cannot listen"), "{refused}");
}

/// A registry outlives the runtime it was first used on.
#[test]
fn a_runtime_that_ended_takes_no_process_along() {
    let seed = unused(HERE);
    let registry = GossipRegistry::new(CLUSTER, [seed.to_string()]).listening_on(seed);
    for id in ["one", "two"] {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(async {
            registry.register(&instance(id), LONG).await.unwrap();
            let mut watch = Watch::new(registry.clone(), SERVICE);
            until(&mut watch, |listing| ids(listing).contains(&id)).await;
        });
    }
}

#[test]
fn urls_lead_to_clusters_or_say_why_not() {
    assert!(Channel::to("gossip://one:7946,two/shop/orders.v1.Orders").is_ok());
    assert!(Channel::to("gossip://:7946@one,two/orders.v1.Orders").is_ok());
    assert!(open_registry("gossip://[::]:7946@[2001:db8::1]").is_ok());
    for url in [
        "gossip://",
        "gossip://host:0",
        "gossip://host/a/b",
        "gossip://host/a%20b",
        "gossip://here@host",
        "gossip://0.0.0.0:1@a:b@host",
        "gossip://a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
    ] {
        let error = open_registry(url).unwrap_err();
        assert!(error.to_string().contains("write "), "{error}");
    }
}
