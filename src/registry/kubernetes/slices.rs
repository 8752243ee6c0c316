//! What Kubernetes writes: the EndpointSlices of a Service.

use super::follow::{Book, OBJECTS_MAX};
use crate::{Address, Instance, Listing};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::time::Instant;

/// Bytes of an id; names of pods may have more.
const ID_BYTES_MAX: usize = 128;

/// What the slices of a Service are found by.
pub(super) fn selector(service: &str) -> String {
    format!("kubernetes.io/service-name={service}")
}

/// The EndpointSlices of one Service, as one watch has read them so far, by name.
pub(super) struct Slices {
    /// What its pods are instances of.
    service: String,
    /// The name or the number of a port; empty for the only one.
    port: String,
    known: BTreeMap<String, Vec<Read>>,
}

/// An endpoint, or why it is none.
type Read = Result<Arc<Instance>, String>;

impl Slices {
    pub(super) fn new(service: &str, port: &str) -> Self {
        Self {
            service: service.to_owned(),
            port: port.to_owned(),
            known: BTreeMap::new(),
        }
    }

    fn read(&self, slice: EndpointSlice) -> Vec<Read> {
        let ports = slice.ports.unwrap_or_default();
        let endpoints = all(slice.endpoints);
        if endpoints.is_empty() {
            // It has no ports then, either.
            return Vec::new();
        }
        if !matches!(&*slice.address_type, "IPv4" | "IPv6") {
            let kind = slice.address_type.escape_debug();
            return vec![Err(format!("its addresses are `{kind}`, and none of IP"))];
        }
        let port = match self.port_of(&ports) {
            Ok(port) => port,
            Err(why) => return vec![Err(why)],
        };
        endpoints
            .iter()
            .filter_map(|endpoint| self.instance(endpoint, port).transpose())
            .map(|read| read.map(Arc::new))
            .collect()
    }

    fn port_of(&self, ports: &[EndpointPort]) -> Result<u16, String> {
        let tcp = ports
            .iter()
            .filter(|port| port.protocol.as_deref().unwrap_or("TCP") == "TCP");
        let tcp: Vec<_> = tcp
            .filter_map(|port| Some((port.name.as_deref().unwrap_or(""), port.port?)))
            .collect();
        let number: Option<i32> = self.port.parse().ok();
        let found = match (&*self.port, number, &*tcp) {
            // None is said: any is meant.
            (_, Some(number), []) => Some(number),
            (_, Some(number), tcp) => tcp
                .iter()
                .map(|(_, port)| *port)
                .find(|port| *port == number),
            ("", None, [(_, only)]) => Some(*only),
            ("", None, _) => None,
            (name, None, tcp) => tcp
                .iter()
                .find(|(named, _)| *named == name)
                .map(|(_, port)| *port),
        };
        found
            .and_then(|port| u16::try_from(port).ok())
            .ok_or_else(|| {
                let has: Vec<_> = tcp.iter().map(|(n, p)| format!("`{n}` {p}")).collect();
                format!(
                    "`{}` is none of its TCP ports: {}",
                    self.port,
                    has.join(", ")
                )
            })
    }

    /// The instance that an endpoint is; none if it takes no calls.
    fn instance(&self, endpoint: &Endpoint, port: u16) -> Result<Option<Instance>, String> {
        let conditions = endpoint.conditions.as_ref();
        // What is not said is as good as said.
        let is_ready = conditions.and_then(|said| said.ready).unwrap_or(true);
        let serves = conditions.and_then(|said| said.serving).unwrap_or(is_ready);
        if !is_ready && !serves {
            return Ok(None);
        }
        // Those behind the first have no meaning.
        let address = endpoint.addresses.first().ok_or("it has no address")?;
        let ip: IpAddr = address
            .parse()
            .map_err(|_| format!("`{}` is no IP address", address.escape_debug()))?;
        let address = Address::Tcp(SocketAddr::new(ip, port));
        let mut instance = Instance::new(&*self.service, id_of(endpoint, ip, port), address);
        instance.zone.clone_from(&endpoint.zone);
        // It serves on while it terminates, for those who find nobody else.
        instance.healthy = is_ready;
        Ok(Some(instance))
    }
}

/// They may be left out, say some versions of the API, and some say nothing.
fn all(endpoints: impl Into<Option<Vec<Endpoint>>>) -> Vec<Endpoint> {
    endpoints.into().unwrap_or_default()
}

/// The name of the pod, if an id may be so; its address otherwise.
fn id_of(endpoint: &Endpoint, ip: IpAddr, port: u16) -> String {
    let target = endpoint.target_ref.as_ref();
    let pod = target.filter(|target| target.kind.as_deref() == Some("Pod"));
    match pod.and_then(|pod| pod.name.as_ref()) {
        Some(name) if (1..=ID_BYTES_MAX).contains(&name.len()) => name.clone(),
        _ => format!("{ip}-{port}").replace(':', "-"),
    }
}

/// Which of two of one id is called: while slices change it may be in two of them, and with
/// two families of addresses it is.
fn is_better(one: &Instance, than: &Instance) -> bool {
    let rank = |of: &Instance| {
        let is_v4 = matches!(of.address, Address::Tcp(SocketAddr::V4(_)));
        (of.healthy, is_v4)
    };
    rank(one) > rank(than)
}

impl Book<EndpointSlice> for Slices {
    fn put(&mut self, name: String, slice: EndpointSlice, _is_news: bool) -> bool {
        let mut read = self.read(slice);
        if let Some(known) = self.known.get(&name) {
            if *known == read {
                return false;
            }
            let known: BTreeMap<_, _> = known.iter().flatten().map(|one| (&one.id, one)).collect();
            for one in read.iter_mut().flatten() {
                if let Some(same) = known.get(&one.id).filter(|known| ***known == *one) {
                    *one = Arc::clone(same);
                }
            }
        }
        let is_empty = read.is_empty();
        let before = self.known.insert(name, read);
        if self.known.len() > OBJECTS_MAX {
            self.known.pop_last();
        }
        !is_empty || before.is_some_and(|before| !before.is_empty())
    }

    fn remove(&mut self, name: &str) -> bool {
        let before = self.known.remove(name);
        before.is_some_and(|before| !before.is_empty())
    }

    fn settle(&mut self, seen: &BTreeSet<String>, _asked: Instant) -> bool {
        let mut changed = false;
        self.known.retain(|name, read| {
            let stays = seen.contains(name);
            changed |= !stays && !read.is_empty();
            stays
        });
        changed
    }

    fn due(&mut self) -> Option<Instant> {
        None
    }

    fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        let mut found: BTreeMap<&str, &Arc<Instance>> = BTreeMap::new();
        for (name, read) in &self.known {
            for read in read {
                match read {
                    Ok(instance) => {
                        let known = found.entry(&instance.id).or_insert(instance);
                        if is_better(instance, known) {
                            *known = instance;
                        }
                    }
                    Err(why) => listing.skip(format_args!("EndpointSlice `{name}`: {why}")),
                }
            }
        }
        found.values().for_each(|one| listing.add(Arc::clone(one)));
        listing
    }
}
