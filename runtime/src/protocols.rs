//! Which protocols a server answers.

/// A protocol that calls come in. All of them reach the same handlers, through the
/// same layers and within the same limits; [`Server::protocols`](crate::Server::protocols)
/// says which a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// gRPC-Web, binary and text, over HTTP/1.1 and HTTP/2: for browsers.
    GrpcWeb,
    /// Connect, over HTTP/1.1 and HTTP/2: for browsers, `curl` and whoever speaks HTTP.
    Connect,
}

/// Some of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocols(u8);

impl Protocols {
    pub(crate) fn has(self, protocol: Protocol) -> bool {
        self.0 & (1 << protocol as u8) != 0
    }
}

impl FromIterator<Protocol> for Protocols {
    fn from_iter<I: IntoIterator<Item = Protocol>>(protocols: I) -> Self {
        let bits = protocols.into_iter().map(|protocol| 1 << protocol as u8);
        Self(bits.fold(0, |all, bit: u8| all | bit))
    }
}

impl Default for Protocols {
    fn default() -> Self {
        [Protocol::Grpc, Protocol::GrpcWeb, Protocol::Connect]
            .into_iter()
            .collect()
    }
}
