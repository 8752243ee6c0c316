//! Adapter: no server, but processes that tell each other.

mod cluster;
mod member;
mod node;
mod talk;
mod wire;

use self::node::{Node, Settings, Shared};
use super::place::Place;
use crate::{
    BoxStream, Instance, Listing, Registry, RegistryFuture, Result, Status, check_service,
};
use std::{
    collections::HashMap,
    fmt,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::sleep_until};

pub(super) const FORM: &str =
    "`gossip://seed:7946,seed:7946/package.Service` (processes that tell each other)";

const PORT: u16 = 7946;

/// The cluster of a URL without a path.
const CLUSTER: &str = "cordial";
const CLUSTER_BYTES_MAX: usize = 64;

/// Names of processes that everybody asks first.
const SEEDS_MAX: usize = 16;

/// A registry that is no server: the processes that register and those that watch are a
/// cluster, and tell each other who is there. A few of them, the seeds, are where those
/// that come find the others; when all of these are away the rest go on.
///
/// Nothing of it is encrypted, and whoever reaches the port can join and say anything of
/// anybody: let only the cluster's own hosts reach it, over TCP and UDP, and have TLS
/// between services. It is for some hundreds of processes; of more than 1,000 the rest
/// are passed over.
///
/// ```
/// use cordial::{Channel, GossipRegistry, Server};
///
/// // On 10.0.0.1, which is a seed, and elsewhere.
/// let seeds = ["10.0.0.1:7946", "10.0.0.2:7946"];
/// let seed = GossipRegistry::new("shop", seeds).listening_on(([0, 0, 0, 0], 7946));
/// let registry = GossipRegistry::new("shop", seeds);
/// let server = Server::new().register(registry);
/// let channel = Channel::to("gossip://10.0.0.1,10.0.0.2/shop/orders.v1.Orders");
/// ```
#[derive(Clone)]
pub struct GossipRegistry(Arc<Joined>);

struct Joined {
    settings: Settings,
    node: Mutex<Option<Node>>,
}

/// `gossip://seed:7946,seed:7946/cluster`, or with what it listens on before an `@`. One
/// process has one place in a cluster, however many channels it has.
pub(super) fn open(authority: &str, path: &str) -> Result<Arc<dyn Registry>, String> {
    static OPENED: LazyLock<Mutex<HashMap<String, Weak<Joined>>>> = LazyLock::new(Mutex::default);
    let name = format!("{authority}/{path}");
    let mut opened = lock(&OPENED);
    if let Some(joined) = opened.get(&name).and_then(Weak::upgrade) {
        return Ok(Arc::new(GossipRegistry(joined)));
    }
    let registry = of_url(authority, path)?;
    opened.retain(|_, joined| joined.strong_count() > 0);
    opened.insert(name, Arc::downgrade(&registry.0));
    Ok(Arc::new(registry))
}

fn of_url(authority: &str, path: &str) -> Result<GossipRegistry, String> {
    let cluster = match path.trim_matches('/') {
        "" => CLUSTER,
        path => path,
    };
    let (listener, seeds) = match authority.split_once('@') {
        Some((listener, seeds)) => (Some(listener), seeds),
        None => (None, authority),
    };
    let Place { user, hosts: seeds } = Place::parse(seeds, PORT)?;
    if user.is_some() {
        return Err("it has two `@`, and a cluster has no users: write \
                    `gossip://0.0.0.0:7946@seed:7946`"
            .to_owned());
    }
    check(cluster, seeds.len())?;
    let registry = GossipRegistry::new(cluster, seeds);
    let Some(listener) = listener else {
        return Ok(registry);
    };
    let listener = match listener.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => listener.to_owned(),
    };
    let wrong =
        || "what it listens on is no address: write `gossip://0.0.0.0:7946@seed:7946`".to_owned();
    let listener: SocketAddr = listener.parse().map_err(|_| wrong())?;
    Ok(registry.listening_on(listener))
}

fn check(cluster: &str, seeds: usize) -> Result<(), String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if cluster.is_empty() || cluster.len() > CLUSTER_BYTES_MAX || !cluster.bytes().all(known) {
        let cluster = cluster.escape_debug();
        return Err(format!(
            "`{cluster}` is no name of a cluster: write {CLUSTER_BYTES_MAX} letters, digits, `-`, \
             `_` and `.` at most"
        ));
    }
    match seeds {
        1..=SEEDS_MAX => Ok(()),
        _ => Err(format!(
            "it has {seeds} seeds: write 1 to {SEEDS_MAX} hosts that are always there"
        )),
    }
}

impl GossipRegistry {
    /// The cluster of that name, which is to be found at any of `seeds`, `host:port` each.
    /// A process that listens where one of these leads is a seed itself, and begins a
    /// cluster if there is none.
    pub fn new(
        cluster: impl Into<String>,
        seeds: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let seeds: Vec<_> = seeds.into_iter().map(Into::into).collect();
        let is_v6 = |seed: &String| seed.parse::<SocketAddrV6>().is_ok();
        let listener = match seeds.iter().all(is_v6) {
            true => (Ipv6Addr::UNSPECIFIED, 0).into(),
            false => (Ipv4Addr::UNSPECIFIED, 0).into(),
        };
        Self::with(Settings {
            seeds,
            cluster: cluster.into(),
            listener,
            advertised: None,
        })
    }

    fn with(settings: Settings) -> Self {
        Self(Arc::new(Joined {
            settings,
            node: Mutex::default(),
        }))
    }

    /// Listens there, over TCP and UDP. Default any free port of all addresses.
    #[must_use]
    pub fn listening_on(self, address: impl Into<SocketAddr>) -> Self {
        let mut settings = self.0.settings.clone();
        settings.listener = address.into();
        Self::with(settings)
    }

    /// Tells others that they reach it there, where that is not where it listens: behind a
    /// NAT, or in a container with mapped ports. Default the address that its packets come
    /// from.
    #[must_use]
    pub fn advertised_at(self, address: impl Into<SocketAddr>) -> Self {
        let mut settings = self.0.settings.clone();
        settings.advertised = Some(address.into());
        Self::with(settings)
    }

    /// Its place in the cluster, which it joins at the first use.
    fn shared(&self) -> Result<Arc<Shared>> {
        let Joined { settings, node } = &*self.0;
        let mut node = lock(node);
        if let Some(node) = node.as_ref().filter(|node| !node.is_over()) {
            return Ok(node.shared.clone());
        }
        check(&settings.cluster, settings.seeds.len()).map_err(Status::invalid_argument)?;
        let failed = |error| {
            let listener = settings.listener;
            Status::unavailable(format!("{self:?}: cannot listen on `{listener}`: {error}"))
        };
        let started = Node::start(settings).map_err(failed)?;
        Ok(node.insert(started).shared.clone())
    }
}

impl Registry for GossipRegistry {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let shared = self.shared()?;
            let now = Instant::now();
            let (changed, heartbeat, version) = {
                let mut cluster = shared.cluster();
                let changed = cluster.put(instance, lease, now)?;
                (changed, cluster.beat(now), cluster.own().version)
            };
            if changed {
                shared.lists.send_replace(());
            }
            shared.confirm(heartbeat, version).await
        })
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let shared = self.shared()?;
            // Who has just joined may have to be told what to take out.
            shared.joined().await?;
            let now = Instant::now();
            let (changed, heartbeat, version) = {
                let mut cluster = shared.cluster();
                let changed = cluster.remove(instance, now);
                (changed, cluster.beat(now), cluster.own().version)
            };
            if changed {
                shared.lists.send_replace(());
            }
            shared.confirm(heartbeat, version).await
        })
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        if let Err(status) = check_service(service) {
            return Box::pin(tokio_stream::once(Err(status)));
        }
        let begun = match self.shared() {
            Ok(shared) => Stage::Begun(Follow {
                changed: shared.lists.subscribe(),
                shared,
                _registry: self.clone(),
                service: service.to_owned(),
                told: Vec::new(),
            }),
            Err(status) => return Box::pin(tokio_stream::once(Err(status))),
        };
        Box::pin(futures_util::stream::unfold(begun, Stage::next))
    }
}

impl fmt::Debug for GossipRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { seeds, cluster, .. } = &self.0.settings;
        write!(f, "gossip://{}/{cluster}", seeds.join(","))
    }
}

/// How far a watch has come.
enum Stage {
    Begun(Follow),
    Follows(Follow),
    Failed,
}

impl Stage {
    async fn next(self) -> Option<(Result<Listing>, Self)> {
        let listed = match self {
            Self::Begun(mut follow) => {
                let joined = follow.shared.joined().await;
                joined.map(|()| {
                    follow.look();
                    (follow.listing(), follow)
                })
            }
            Self::Follows(mut follow) => follow.next().await.map(|listing| (listing, follow)),
            Self::Failed => return None,
        };
        Some(match listed {
            Ok((listing, follow)) => (Ok(listing), Self::Follows(follow)),
            Err(status) => (Err(status), Self::Failed),
        })
    }
}

/// One service, followed.
struct Follow {
    shared: Arc<Shared>,
    changed: watch::Receiver<()>,
    /// It is there for as long as somebody watches.
    _registry: GossipRegistry,
    service: String,
    /// What was told last.
    told: Vec<(String, Result<Arc<Instance>, String>)>,
}

impl Follow {
    /// Looks at the list: whether it is another than the last, and when it may be again.
    fn look(&mut self) -> (bool, Option<Instant>) {
        self.changed.mark_unchanged();
        let (live, next) = {
            let cluster = self.shared.cluster();
            let (live, next) = cluster.live(&self.service, Instant::now());
            let live = live.into_iter();
            let live = live.map(|(key, record)| (key.id.clone(), record.read(key).clone()));
            (live.collect::<Vec<_>>(), next)
        };
        let is_new = live != self.told;
        self.told = live;
        (is_new, next)
    }

    fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        for (id, read) in &self.told {
            match read {
                Ok(instance) => listing.add(instance.clone()),
                Err(why) => listing.skip(format_args!("record `{}`: {why}", id.escape_debug())),
            }
        }
        listing
    }

    async fn next(&mut self) -> Result<Listing> {
        loop {
            let (is_new, next) = self.look();
            if is_new {
                return Ok(self.listing());
            }
            let next_due = next.unwrap_or_else(Instant::now);
            tokio::select! {
                // The sender is in `shared`.
                _ = self.changed.changed() => {}
                () = sleep_until(next_due.into()), if next.is_some() => {}
                status = self.shared.alone() => return Err(status),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
