use std::{fmt, net::SocketAddr, sync::Arc};

/// Who is at the other end of a connection: where it calls from, and what it
/// proved to be. A clone is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    address: PeerAddress,
    #[cfg(feature = "tls")]
    identity: Option<Arc<super::PeerIdentity>>,
}

/// Where a peer calls from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddress {
    /// A TCP socket with this address.
    Tcp(SocketAddr),
    /// A process on this machine, by a Unix socket.
    Unix,
    /// This very process.
    InProcess,
    /// A connection that its listener calls by this name.
    Named(Arc<str>),
}

impl Peer {
    /// At `address`, with nothing proved.
    pub(crate) fn at(address: PeerAddress) -> Self {
        Self {
            address,
            #[cfg(feature = "tls")]
            identity: None,
        }
    }

    /// Where it calls from.
    pub fn address(&self) -> &PeerAddress {
        &self.address
    }

    /// What its certificate says of it, which an authority that the server
    /// trusts has signed: `None` without mutual TLS.
    #[cfg(feature = "tls")]
    pub fn identity(&self) -> Option<&super::PeerIdentity> {
        self.identity.as_deref()
    }

    #[cfg(feature = "tls")]
    pub(super) fn identified(mut self, identity: Option<super::PeerIdentity>) -> Self {
        self.identity = identity.map(Arc::new);
        self
    }
}

/// `127.0.0.1:50051`, `unix`, `in-process`, or the name.
impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
            Self::InProcess => f.write_str("in-process"),
            Self::Named(name) => f.write_str(name),
        }
    }
}
