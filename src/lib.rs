//! One `.proto`, every face of a service, and no lost call.
//!
//! Cordial turns `.proto` files into traits to implement and typed clients to
//! call, and serves them over HTTP/2. A user's `build.rs` is one line:
//!
//! ```text
//! fn main() -> cordial_codegen::Result {
//!     cordial_codegen::compile("protos")
//! }
//! ```
//!
//! and this a whole program, server and client:
//!
//! ```
//! use cordial::{Channel, Request, Response, Result, Server};
//! use pb::{Accounts, AccountsClient, Balance, GetBalanceRequest, WithdrawRequest};
//! use std::time::Duration;
//!
//! mod pb {
//!     cordial::include_protos!("bank.v1");
//! }
//!
//! struct Bank;
//!
//! impl Accounts for Bank {
//!     async fn get_balance(&self, _: Request<GetBalanceRequest>) -> Result<Response<Balance>> {
//!         Ok(Balance { cents: 100 }.into())
//!     }
//!
//!     async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<Balance>> {
//!         let cents = 100 - request.into_inner().cents;
//!         Ok(Balance { cents }.into())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new().add(pb::accounts_server(Bank));
//! let bound = server.bind("127.0.0.1:0").await?;
//!
//! let accounts = AccountsClient::new(Channel::to(bound.uri())?);
//! tokio::spawn(bound.serve());
//!
//! let request = WithdrawRequest { account: "ada".into(), cents: 30 };
//! let balance = accounts.withdraw(request).timeout(Duration::from_secs(5)).await?;
//! assert_eq!(balance.into_inner().cents, 70);
//! # Ok(())
//! # }
//! ```
//!
//! | to | see |
//! |---|---|
//! | serve | [`Server`], [`Limits`], [`shutdown_signal`] |
//! | be called by browsers and by `curl` | [`Protocol`], [`Cors`] |
//! | call | [`Channel`], [`Call`], [`Streaming`] |
//! | reach many copies of a service | [`Channel::to`], [`Resolver`], [`Balancer`], [`OutlierDetection`] |
//! | find services, and be found | [`Server::register`], [`Registration`], [`Registry`], `FilesRegistry`, `GossipRegistry`, `KubernetesRegistry`, `MdnsRegistry`, [`MemoryRegistry`] |
//! | say how calls are made | [`MethodPolicy`], `ServiceConfig`, [`Context`] |
//! | handle | [`Request`], [`Response`], [`BoxStream`], [`Status`], [`StatusExt`] |
//! | look at every call, on either side | [`Layer`], [`Method`], [`Extension`] |
//! | test without sockets | [`Server::in_process`], [`Server::serve_in_process`] |
//! | be found healthy, and described | [`health`], [`reflection`] |
//!
//! The features `gzip`, `zstd`, `tls`, `dns`, `service-config`, `health`,
//! `reflection` and `files` are on by default; `etcd`, `nats`, `consul`, `gossip`, `mdns`
//! and `kubernetes` are registries to turn on.

#![warn(unreachable_pub)]

// Generated code names `::cordial`, here too.
extern crate self as cordial;

pub use cordial_runtime::*;
#[doc(hidden)]
pub use prost;

pub mod google;
#[cfg(feature = "health")]
pub mod health;
mod options;
#[cfg(feature = "reflection")]
pub mod reflection;
mod registry;

pub use options::v1;
#[cfg(feature = "files")]
pub use registry::FilesRegistry;
#[cfg(feature = "gossip")]
pub use registry::GossipRegistry;
#[cfg(feature = "kubernetes-unversioned")]
pub use registry::KubernetesRegistry;
#[cfg(feature = "mdns")]
pub use registry::MdnsRegistry;
pub use tonic_types::{ErrorDetails, StatusExt};

/// Includes what the generator wrote: `include_protos!("hello.v1")` one
/// package, `include_protos!()` all of them as nested modules, which is needed
/// where one package names another's messages.
#[macro_export]
macro_rules! include_protos {
    () => {
        include!(concat!(env!("OUT_DIR"), "/_packages.rs"));
    };
    ($package:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
    };
}

/// The encoded `google.protobuf.FileDescriptorSet` of what the generator read,
/// custom options and imports included, as a `&'static [u8]`.
#[macro_export]
macro_rules! include_descriptors {
    () => {
        include_bytes!(concat!(env!("OUT_DIR"), "/_descriptors.bin")).as_slice()
    };
}
