//! What a server says of itself in a registry.

use super::{Instance, Registry};
use crate::{
    endpoint::Address,
    engine::{Error, ErrorKind},
    field_hash,
    method::Method,
};
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, SocketAddr, UdpSocket},
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio_stream::Stream;

/// How long a server that died is listed.
const LEASE: Duration = Duration::from_secs(10);
/// Shorter ones would expire between two renewals of a busy machine.
const LEASE_MIN: Duration = Duration::from_millis(300);
const LEASE_MAX: Duration = Duration::from_secs(3600);

/// Services of gRPC itself, which every server has and nobody looks for.
const OF_GRPC: &str = "grpc.";

/// Where a server registers its services, and what it says of itself there.
///
/// ```no_run
/// # fn with(registry: cordial_runtime::MemoryRegistry) -> cordial_runtime::Server {
/// use cordial_runtime::{Registration, Server};
///
/// Server::new().register(Registration::new(registry).with_zone("eu-1a").with_weight(2))
/// # }
/// ```
pub struct Registration {
    registry: Arc<dyn Registry>,
    id: Option<String>,
    address: Option<String>,
    zone: Option<String>,
    weight: u32,
    identity: Option<String>,
    metadata: BTreeMap<String, String>,
    lease: Duration,
    health: Option<Health>,
}

pub(super) type Health = Pin<Box<dyn Stream<Item = bool> + Send>>;

/// What a server is to register.
pub(crate) struct Planned {
    pub(super) registry: Arc<dyn Registry>,
    pub(super) instances: Vec<Instance>,
    pub(super) lease: Duration,
    pub(super) health: Option<Health>,
}

impl Registration {
    /// In `registry`, for 10 s at a time, at the address that the server listens on.
    pub fn new(registry: impl Registry) -> Self {
        Self {
            registry: Arc::new(registry),
            id: None,
            address: None,
            zone: None,
            weight: 1,
            identity: None,
            metadata: BTreeMap::new(),
            lease: LEASE,
            health: None,
        }
    }

    /// Is called `id`, which no other running instance may be. Default the name of
    /// the host, the number of the process and a random number.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Is called at this address, `10.0.0.7:50051` or `unix:/path`. Default the first
    /// that the server listens on; for `0.0.0.0` and `[::]` the address of this machine
    /// that its default route leaves from.
    #[must_use]
    pub fn with_address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// Runs in this zone.
    #[must_use]
    pub fn with_zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Wants so many times the calls of a server of weight 1, up to 65,535. Default 1.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Proves over TLS to be `identity`, a URI or a DNS name in its certificate: channels
    /// that call it over TLS see to it, so that nobody else of its name can have its calls.
    /// Default the SPIFFE ID of a server with TLS whose certificate is a workload's.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// Tells this, too.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Is forgotten so long after its last sign of life, of which there are three in
    /// that time. Default 10 s, from 300 ms to 1 h.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease.clamp(LEASE_MIN, LEASE_MAX);
        self
    }

    /// Registers when `health` first says `true`, and is listed as healthy or not as
    /// it says from then on; of that kind others are called if there are any. Default
    /// healthy as soon as the server serves.
    #[must_use]
    pub fn with_health(mut self, health: impl Stream<Item = bool> + Send + 'static) -> Self {
        self.health = Some(Box::pin(health));
        self
    }

    /// The same of a server that proves to be `identity` if nobody said otherwise.
    pub(crate) fn proving(mut self, identity: Option<String>) -> Self {
        self.identity = self.identity.or(identity);
        self
    }

    /// What that comes to for a server that listens on `addresses`.
    pub(crate) fn plan(
        self,
        addresses: &[String],
        services: &BTreeMap<&'static str, Vec<Method>>,
    ) -> Result<Planned, Error> {
        let address = match &self.address {
            Some(address) => read(address)?,
            None => default_address(addresses)?,
        };
        if matches!(address, Address::Unix(_)) && !self.registry.is_local() {
            return Err(refused(format!(
                "`{address}` is a socket of this machine, and nobody believes what {:?} says of \
                 those, since others can write to it",
                self.registry
            )));
        }
        let id = self.id.unwrap_or_else(default_id);
        let started = SystemTime::now().duration_since(UNIX_EPOCH);
        let started_millis = started.map_or(0, |since| since.as_millis() as u64);
        let mut instances = Vec::new();
        for (service, methods) in services {
            if service.starts_with(OF_GRPC) {
                continue;
            }
            let mut instance = Instance::new(*service, &id, address.clone());
            instance.zone = self.zone.clone();
            instance.weight = self.weight;
            instance.identity = self.identity.clone();
            instance.metadata = self.metadata.clone();
            instance.started_millis = started_millis;
            instance.methods = methods.iter().map(|one| one.name().to_owned()).collect();
            instance.descriptor_hash = descriptor_hash(methods);
            instance
                .check()
                .map_err(|status| refused(status.message()))?;
            instances.push(instance);
        }
        Ok(Planned {
            registry: self.registry,
            instances,
            lease: self.lease,
            health: self.health,
        })
    }
}

impl<R: Registry> From<R> for Registration {
    fn from(registry: R) -> Self {
        Self::new(registry)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("registry", &self.registry)
            .field("id", &self.id)
            .field("address", &self.address)
            .field("zone", &self.zone)
            .field("weight", &self.weight)
            .field("identity", &self.identity)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.instances).finish()
    }
}

/// The hash of what the .proto says of `methods`; `None` for a service whose methods
/// are not known.
fn descriptor_hash(methods: &[Method]) -> Option<u64> {
    let mut described: Vec<_> = methods
        .iter()
        .map(|method| {
            let mut described = Vec::new();
            let kinds = format!("{:?} {:?}", method.kind(), method.idempotency());
            for part in [
                method.path().as_bytes(),
                kinds.as_bytes(),
                method.encoded_options(),
                method.encoded_service_options(),
            ] {
                described.extend((part.len() as u64).to_le_bytes());
                described.extend(part);
            }
            described
        })
        .collect();
    described.sort();
    (!described.is_empty()).then(|| field_hash::hash(&described.concat()))
}

fn refused(why: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::Address,
        format!("the server cannot be registered: {why}"),
    )
}

fn read(address: &str) -> Result<Address, Error> {
    address.parse().map_err(|_| {
        refused(format!(
            "`{address}` is no address: write `1.2.3.4:50051`, `[2001:db8::1]:50051` or `unix:/path`"
        ))
    })
}

/// Where others reach what listens on the first of `addresses`.
fn default_address(addresses: &[String]) -> Result<Address, Error> {
    let first = addresses.first().map_or("nothing", String::as_str);
    let cure = "say where others reach it with `Registration::with_address`";
    let address = first.parse().map_err(|_| {
        refused(format!(
            "it listens on `{first}`, which nobody can call; {cure}"
        ))
    })?;
    match address {
        Address::Tcp(bound) if bound.ip().is_unspecified() => {
            let ip = own_ip(bound.ip())
                .ok_or_else(|| refused(format!("this machine has no default route; {cure}")))?;
            let address = SocketAddr::new(ip, bound.port());
            tracing::info!(%address, "registers the address of the default route");
            Ok(Address::Tcp(address))
        }
        address => Ok(address),
    }
}

/// The address from which this machine would send to others. Nothing is sent.
fn own_ip(bound: IpAddr) -> Option<IpAddr> {
    let toward = |here: &str, there: &str| {
        let socket = UdpSocket::bind(here).ok()?;
        // Addresses for documentation (RFC 5737, RFC 3849).
        socket.connect(there).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
    };
    // What listens on `[::]` is reached by IPv4, too.
    toward("0.0.0.0:0", "192.0.2.1:9")
        .or_else(|| toward("[::]:0", "[2001:db8::1]:9").filter(|_| bound.is_ipv6()))
}

/// What a person finds the process by, and no other process has.
fn default_id() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let known = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let host: String = host.chars().filter(known).take(64).collect();
    let (process, random) = (std::process::id(), fastrand::u32(..));
    match host.is_empty() {
        true => format!("process-{process}-{random:08x}"),
        false => format!("{host}-{process}-{random:08x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        registry::{Listing, MemoryRegistry, RegistryFuture},
        reply::BoxStream,
    };
    use std::collections::BTreeSet;

    const GET: Method = Method::unary("/orders.v1.Orders/Get");
    const PUT: Method = Method::unary("/orders.v1.Orders/Put");

    fn plan(registration: Registration, addresses: &[&str]) -> Result<Vec<Instance>, Error> {
        let addresses: Vec<_> = addresses.iter().map(|one| (*one).to_owned()).collect();
        let services = BTreeMap::from([
            (
                "grpc.health.v1.Health",
                vec![Method::unary("/grpc.health.v1.Health/Check")],
            ),
            ("orders.v1.Orders", vec![GET, PUT]),
            ("stock.v1.Tonic", vec![]),
        ]);
        Ok(registration.plan(&addresses, &services)?.instances)
    }

    fn anew() -> Registration {
        Registration::new(MemoryRegistry::new())
    }

    /// A registry that other machines can write to.
    #[derive(Debug)]
    struct Far;

    impl Registry for Far {
        fn register<'a>(&'a self, _: &'a Instance, _: Duration) -> RegistryFuture<'a> {
            Box::pin(async { Ok(()) })
        }

        fn deregister<'a>(&'a self, _: &'a Instance) -> RegistryFuture<'a> {
            Box::pin(async { Ok(()) })
        }

        fn watch(&self, _: &str) -> BoxStream<Listing> {
            Box::pin(tokio_stream::pending())
        }
    }

    #[test]
    fn services_are_registered_with_their_methods_and_those_of_grpc_are_not() {
        let planned = plan(anew().with_zone("a"), &["127.0.0.1:7"]).unwrap();
        let names: Vec<_> = planned.iter().map(|one| &*one.service).collect();
        assert_eq!(names, ["orders.v1.Orders", "stock.v1.Tonic"]);
        let orders = &planned[0];
        assert_eq!(orders.methods, BTreeSet::from(["Get".into(), "Put".into()]));
        assert_eq!(orders.zone.as_deref(), Some("a"));
        assert_eq!(orders.address, "127.0.0.1:7".parse().unwrap());
        assert!(orders.started_millis > 1_700_000_000_000);
        assert!(planned[1].methods.is_empty() && planned[1].descriptor_hash.is_none());
        assert_eq!(orders.id, planned[1].id);
    }

    #[test]
    fn the_hash_is_of_what_the_proto_says() {
        let hash = descriptor_hash(&[GET, PUT]);
        assert_eq!(hash, descriptor_hash(&[PUT, GET]));
        assert_ne!(hash, descriptor_hash(&[GET]));
        assert_ne!(hash, descriptor_hash(&[GET, PUT.idempotent()]));
        assert_ne!(hash, descriptor_hash(&[GET, PUT.options(b"x")]));
    }

    #[test]
    fn what_nobody_could_call_is_refused() {
        let refused = |registration, addresses: &[&str], why: &str| {
            let error = plan(registration, addresses).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Address);
            assert!(error.to_string().contains(why), "{error}");
        };
        refused(anew(), &["own"], "`Registration::with_address`");
        refused(
            anew().with_address("localhost:1"),
            &["127.0.0.1:7"],
            "`localhost:1` is no address",
        );
        refused(
            anew().with_address("10.0.0.1:0"),
            &["127.0.0.1:7"],
            "port 0",
        );
        refused(anew().with_id("a/b"), &["127.0.0.1:7"], "`a/b` is no id");
        refused(anew().with_weight(0), &["127.0.0.1:7"], "weight 0");
        refused(Registration::new(Far), &["unix:/a"], "is a socket of this");
        assert!(plan(anew(), &["unix:/a"]).is_ok());
        assert!(plan(Registration::new(Far), &["127.0.0.1:7"]).is_ok());
    }

    #[test]
    fn a_server_on_every_address_is_at_one_of_them() {
        // A machine without a network has none, and says so.
        match plan(anew(), &["0.0.0.0:7"]) {
            Ok(planned) => {
                let Address::Tcp(address) = planned[0].address else {
                    panic!("{:?}", planned[0]);
                };
                assert_eq!(address.port(), 7);
                assert!(!address.ip().is_unspecified());
            }
            Err(error) => assert!(error.to_string().contains("default route"), "{error}"),
        }
    }

    #[test]
    fn ids_are_ids_and_differ() {
        let one = default_id();
        assert_ne!(one, default_id());
        let instance = Instance::new("a.B", one, "127.0.0.1:1".parse().unwrap());
        assert!(instance.check().is_ok(), "{instance:?}");
    }
}
