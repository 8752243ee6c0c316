//! Every registry of the facade keeps the contract, and does what is its own.

#[cfg(feature = "consul")]
mod consul;
#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "gossip")]
mod gossip;
#[cfg(feature = "kubernetes-unversioned")]
mod kubernetes;
#[cfg(all(feature = "mdns", feature = "tls"))]
mod mdns;
#[cfg(feature = "nats")]
mod nats;
#[cfg(any(
    feature = "consul",
    feature = "etcd",
    feature = "gossip",
    feature = "kubernetes-unversioned",
    all(feature = "mdns", feature = "tls"),
    feature = "nats"
))]
mod port;
#[cfg(any(
    feature = "consul",
    feature = "etcd",
    feature = "kubernetes-unversioned",
    feature = "nats"
))]
mod process;
#[cfg(any(
    feature = "consul",
    feature = "etcd",
    feature = "gossip",
    feature = "kubernetes-unversioned",
    all(feature = "mdns", feature = "tls"),
    feature = "nats"
))]
mod support;
