//! Adapter: multicast DNS, for one network and nothing installed.

mod daemon;
mod state;
mod txt;

use self::{
    daemon::{Daemon, Shared, random},
    state::{Read, State},
};
use crate::{
    Address, BoxStream, Instance, Listing, Registry, RegistryFuture, Result, Status, check_service,
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::sleep_until};

pub(super) const FORM: &str = "`mdns://local/package.Service` (hosts of this network)";

/// The domain of multicast DNS.
const DOMAIN: &str = "local";

/// What a URL says that believes whoever is there.
const ALLOW_PLAIN_TEXT: &str = "allow-plain-text";

/// A registry that is nowhere: hosts of one network ask each other by multicast DNS
/// (RFC 6762, RFC 6763), and whoever has what is looked for answers. Every host of the
/// network, and every process of it, can say anything of anybody: a channel believes none
/// of them without TLS, unless it [allows plain text](Self::allow_plain_text).
///
/// All instances are of the DNS service type `_cordial._tcp`, one each, with what they say
/// of themselves in their TXT record. That has room for 850 bytes: methods that do not fit
/// are left out, so that calls of all methods may go there, and metadata that does not is
/// an error. Addresses of this link only (169.254.0.0/16, fe80::/10) are not called without
/// [`allow_link_local`](crate::RegistryResolver::allow_link_local).
///
/// ```
/// use cordial::{Channel, MdnsRegistry, Server};
///
/// let server = Server::new().register(MdnsRegistry::new());
/// // Calls need `with_tls`.
/// let channel = Channel::to("mdns://local/orders.v1.Orders");
/// // Believes everybody.
/// let channel = Channel::to("mdns://local/allow-plain-text/orders.v1.Orders");
/// ```
#[derive(Clone)]
pub struct MdnsRegistry(Arc<Joined>);

struct Joined {
    settings: Settings,
    daemon: Mutex<Option<Daemon>>,
}

#[derive(Clone)]
struct Settings {
    /// Names of those that it is on; empty, on all.
    interfaces: Vec<String>,
    port: u16,
    allows_plain_text: bool,
}

/// `mdns://local`, or with `/allow-plain-text`. One process asks and answers once,
/// however many channels it has.
pub(super) fn open(authority: &str, path: &str) -> Result<Arc<dyn Registry>, String> {
    static OPENED: LazyLock<Mutex<HashMap<bool, Weak<Joined>>>> = LazyLock::new(Mutex::default);
    if authority != DOMAIN {
        let authority = authority.escape_debug();
        return Err(format!(
            "multicast DNS has one domain, and `{authority}` is another: write `mdns://{DOMAIN}`"
        ));
    }
    let allows_plain_text = match path.trim_matches('/') {
        "" => false,
        ALLOW_PLAIN_TEXT => true,
        path => {
            let path = path.escape_debug();
            return Err(format!(
                "`{path}` is nothing that it could do: write nothing, or `{ALLOW_PLAIN_TEXT}`"
            ));
        }
    };
    let mut opened = lock(&OPENED);
    if let Some(joined) = opened.get(&allows_plain_text).and_then(Weak::upgrade) {
        return Ok(Arc::new(MdnsRegistry(joined)));
    }
    let registry = match allows_plain_text {
        true => MdnsRegistry::new().allow_plain_text(),
        false => MdnsRegistry::new(),
    };
    opened.insert(allows_plain_text, Arc::downgrade(&registry.0));
    Ok(Arc::new(registry))
}

impl MdnsRegistry {
    /// The hosts of all networks that this one is in.
    pub fn new() -> Self {
        Self::with(Settings {
            interfaces: Vec::new(),
            port: mdns_sd::MDNS_PORT,
            allows_plain_text: false,
        })
    }

    fn with(settings: Settings) -> Self {
        Self(Arc::new(Joined {
            settings,
            daemon: Mutex::default(),
        }))
    }

    /// Is on this network interface, `eth0` say, and others that are named so, only.
    #[must_use]
    pub fn on_interface(self, name: impl Into<String>) -> Self {
        let mut settings = self.0.settings.clone();
        settings.interfaces.push(name.into());
        Self::with(settings)
    }

    /// Asks and answers at this UDP port. Default 5353; whoever is at another is apart.
    #[must_use]
    pub fn at_port(self, port: u16) -> Self {
        let mut settings = self.0.settings.clone();
        settings.port = port;
        Self::with(settings)
    }

    /// Lets channels without TLS call whoever says that he serves. Anybody in the network
    /// can then have their calls.
    #[must_use]
    pub fn allow_plain_text(self) -> Self {
        let mut settings = self.0.settings.clone();
        settings.allows_plain_text = true;
        Self::with(settings)
    }

    /// What asks and answers, begun at the first use.
    fn shared(&self) -> Result<Arc<Shared>> {
        let Joined { settings, daemon } = &*self.0;
        let mut daemon = lock(daemon);
        if let Some(daemon) = daemon.as_ref().filter(|daemon| !daemon.is_over()) {
            return Ok(daemon.shared.clone());
        }
        let started = Daemon::start(settings)
            .map_err(|error| Status::unavailable(format!("{self:?}: {error}")))?;
        Ok(daemon.insert(started).shared.clone())
    }
}

impl Default for MdnsRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry for MdnsRegistry {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        Box::pin(async move {
            let port = port(instance)?;
            let shared = self.shared()?;
            let own = {
                let mut state = shared.state();
                let own = state.put(instance, port, lease, Instant::now(), random)?;
                shared.announce(&own)?;
                own
            };
            shared.echo(&own, false).await
        })
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async move {
            let port = port(instance)?;
            let shared = self.shared()?;
            // Who has just begun has to hear first what there is to take out.
            shared.asked(|state| state.has(instance)).await;
            let (own, was_last) = {
                let mut state = shared.state();
                let removed = state.remove(instance, port, Instant::now(), random);
                let Some((own, was_last)) = removed else {
                    return Ok(());
                };
                // A goodbye takes a second to be believed, and this does not.
                shared.announce(&own)?;
                if was_last {
                    shared.say_goodbye(&own.name);
                }
                (own, was_last)
            };
            shared.echo(&own, was_last).await
        })
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        if let Err(status) = check_service(service) {
            return Box::pin(tokio_stream::once(Err(status)));
        }
        let follow = match self.shared() {
            Ok(shared) => Follow {
                news: shared.news.subscribe(),
                shared,
                _registry: self.clone(),
                service: service.to_owned(),
                told: None,
            },
            Err(status) => return Box::pin(tokio_stream::once(Err(status))),
        };
        Box::pin(futures_util::stream::unfold(Some(follow), |follow| async {
            let mut follow = follow?;
            Some(match follow.next().await {
                Ok(listing) => (Ok(listing), Some(follow)),
                Err(status) => (Err(status), None),
            })
        }))
    }

    fn needs_tls(&self) -> bool {
        !self.0.settings.allows_plain_text
    }
}

impl fmt::Debug for MdnsRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mdns://{DOMAIN}")?;
        match self.0.settings.allows_plain_text {
            true => write!(f, "/{ALLOW_PLAIN_TEXT}"),
            false => Ok(()),
        }
    }
}

/// Of an instance that passes the checks, and that other hosts could reach.
fn port(instance: &Instance) -> Result<u16> {
    instance.check()?;
    match instance.address {
        Address::Tcp(address) => Ok(address.port()),
        Address::Unix(_) => Err(Status::invalid_argument(format!(
            "`{}` is a socket of this machine, which no other host can reach",
            instance.address
        ))),
    }
}

/// One service, followed.
struct Follow {
    shared: Arc<Shared>,
    news: watch::Receiver<bool>,
    /// It goes on for as long as somebody watches.
    _registry: MdnsRegistry,
    service: String,
    /// What was told last.
    told: Option<Vec<(String, Read)>>,
}

impl Follow {
    async fn next(&mut self) -> Result<Listing> {
        if self.told.is_none() {
            let is_there = |state: &State| !state.live(&self.service, Instant::now()).0.is_empty();
            self.shared.asked(is_there).await;
        }
        loop {
            if *self.news.borrow_and_update() {
                return Err(self.shared.failed(&"nothing is heard any more"));
            }
            let (live, next) = self.shared.state().live(&self.service, Instant::now());
            if self.told.as_ref() != Some(&live) {
                let listing = listing(&live);
                self.told = Some(live);
                return Ok(listing);
            }
            let due = next.unwrap_or_else(Instant::now);
            tokio::select! {
                // The sender is in `shared`.
                _ = self.news.changed() => {}
                () = sleep_until(due.into()), if next.is_some() => {}
            }
        }
    }
}

fn listing(live: &[(String, Read)]) -> Listing {
    let mut listing = Listing::new();
    for (id, read) in live {
        match read {
            Ok(instance) => listing.add(instance.clone()),
            Err(why) => listing.skip(format_args!("record `{}`: {why}", id.escape_debug())),
        }
    }
    listing
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
