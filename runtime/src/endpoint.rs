//! Where one copy of a service runs.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::{
    collections::BTreeSet,
    fmt,
    net::{AddrParseError, SocketAddr},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    str::FromStr,
    sync::Arc,
};

/// What a URI may hold as it is, as far as names of sockets are concerned.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b'_')
    .remove(b'~');

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A Unix socket: a path, or after a zero byte the name of an abstract one.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => match path.as_os_str().as_bytes().strip_prefix(b"\0") {
                Some(name) => write!(f, "unix-abstract:{}", percent_encode(name, ESCAPED)),
                None => write!(f, "unix:{}", path.display()),
            },
        }
    }
}

/// `1.2.3.4:80`, `[::1]:80` or `unix:/path`, as it is [displayed](fmt::Display). Abstract
/// sockets are not read.
impl FromStr for Address {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some(path) => Ok(Self::Unix(path.into())),
            None => Ok(Self::Tcp(text.parse()?)),
        }
    }
}

/// One running copy of a service: its address, and what a
/// [`Balancer`](crate::Balancer) may want to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    address: Address,
    weight: u32,
    zone: Option<Arc<str>>,
    methods: Option<Arc<BTreeSet<String>>>,
    identity: Option<Arc<str>>,
    started_millis: u64,
}

impl Endpoint {
    /// The copy at `address`, of weight 1, in no zone.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            weight: 1,
            zone: None,
            methods: None,
            identity: None,
            started_millis: 0,
        }
    }

    /// Wants so many times the calls of a copy of weight 1; 0 counts as 1.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight.max(1);
        self
    }

    /// Runs in this zone: calls from the same zone prefer it.
    #[must_use]
    pub fn with_zone(mut self, zone: impl Into<Arc<str>>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Serves these methods, `/package.Service/Method`. While others serve methods that
    /// are not among them, calls of those go to the others: an upgrade that adds a
    /// method has no call end with UNIMPLEMENTED. Endpoints of one version should have
    /// clones of one set. Without it calls of every method go to it.
    #[must_use]
    pub fn with_methods(mut self, methods: impl Into<Arc<BTreeSet<String>>>) -> Self {
        self.methods = Some(methods.into());
        self
    }

    /// Must prove over TLS that it is `identity`: that is a URI, a SPIFFE ID say, or a
    /// DNS name in its certificate, letter for letter, besides the name of the service.
    /// Plain text proves nothing, and is not asked to.
    #[must_use]
    pub fn with_identity(mut self, identity: impl Into<Arc<str>>) -> Self {
        self.identity = Some(identity.into());
        self
    }

    /// The one that was started then: what was found of others at its address says
    /// nothing of it.
    pub(crate) fn started(mut self, millis: u64) -> Self {
        self.started_millis = millis;
        self
    }

    /// Where to connect to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// How many calls it wants, compared with the others; at least 1.
    pub fn weight(&self) -> u32 {
        self.weight
    }

    /// The methods that it serves, if they are known.
    pub fn methods(&self) -> Option<&Arc<BTreeSet<String>>> {
        self.methods.as_ref()
    }

    /// Whether a call of the method at `path` may go to it.
    pub(crate) fn serves(&self, path: &str) -> bool {
        let methods = self.methods.as_ref();
        methods.is_none_or(|methods| methods.contains(path))
    }

    /// Who it must prove to be, if that is known.
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// Whether a connection to one is a connection to the other.
    pub(crate) fn is_same_peer(&self, other: &Self) -> bool {
        self.address == other.address && self.identity == other.identity
    }

    /// Whether a failure to connect to one is one to connect to the other.
    pub(crate) fn is_same_start(&self, other: &Self) -> bool {
        self.is_same_peer(other) && self.started_millis == other.started_millis
    }

    /// The zone it runs in, if that is known.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::new(Address::Tcp(address))
    }
}
