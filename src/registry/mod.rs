//! Registries that processes share. Each adapter is one file, one line of the
//! table below and one feature.

#[cfg(feature = "consul")]
mod consul;
#[cfg(feature = "etcd")]
mod etcd;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "gossip")]
mod gossip;
#[cfg(feature = "consul")]
mod http;
#[cfg(feature = "kubernetes-unversioned")]
mod kubernetes;
#[cfg(feature = "mdns")]
mod mdns;
#[cfg(feature = "nats")]
mod nats;
#[cfg(any(
    feature = "consul",
    feature = "etcd",
    feature = "gossip",
    feature = "nats"
))]
mod place;
#[cfg(any(
    feature = "consul",
    feature = "etcd",
    feature = "files",
    feature = "gossip",
    feature = "kubernetes-unversioned",
    feature = "mdns",
    feature = "nats"
))]
mod record;
#[cfg(any(feature = "etcd", feature = "nats"))]
mod records;
#[cfg(any(feature = "consul", feature = "etcd", feature = "nats"))]
mod waiting;

#[cfg(all(feature = "consul", feature = "tls"))]
use consul::tls as consuls;
#[cfg(all(feature = "etcd", feature = "tls"))]
use etcd::tls as etcds;
#[cfg(feature = "nats")]
use nats::tls as natss;

#[cfg(feature = "files")]
pub use files::FilesRegistry;
#[cfg(feature = "gossip")]
pub use gossip::GossipRegistry;
#[cfg(feature = "kubernetes-unversioned")]
pub use kubernetes::KubernetesRegistry;
#[cfg(feature = "mdns")]
pub use mdns::MdnsRegistry;

/// Makes the URLs of each adapter known to `Channel::to` and `open_registry`.
macro_rules! schemes {
    ($($(#[$on:meta])* $name:literal => $adapter:ident;)*) => {$(
        $(#[$on])*
        cordial_runtime::inventory::submit! {
            cordial_runtime::Scheme {
                name: $name,
                form: $adapter::FORM,
                open: $adapter::open,
            }
        }
    )*};
}

schemes! {
    #[cfg(feature = "consul")] "consul" => consul;
    #[cfg(all(feature = "consul", feature = "tls"))] "consuls" => consuls;
    #[cfg(feature = "etcd")] "etcd" => etcd;
    #[cfg(all(feature = "etcd", feature = "tls"))] "etcds" => etcds;
    #[cfg(feature = "kubernetes-unversioned")] "kubernetes" => kubernetes;
    #[cfg(feature = "nats")] "nats" => nats;
    #[cfg(feature = "nats")] "natss" => natss;
    #[cfg(feature = "gossip")] "gossip" => gossip;
    #[cfg(feature = "mdns")] "mdns" => mdns;
    #[cfg(feature = "files")] "files" => files;
}
