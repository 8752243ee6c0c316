//! How calls behave, whatever carries them: every case runs over a socket, within
//! one process, and by a name in it, and must not be able to tell which.

#[path = "../common/mod.rs"]
mod common;

mod cancel;
mod deadline;
mod kinds;
mod layers;
mod metadata;
mod panics;
mod pressure;
mod routes;
mod status;

use common::{Probe, Serving};
use cordial_runtime::{Channel, NamedServer, Server};
use std::{
    ops::Deref,
    sync::atomic::{AtomicU64, Ordering},
};

/// What carries a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    Wire,
    InProcess,
    Name,
}

/// A channel, and the server at its end.
struct Reached {
    channel: Channel,
    _serving: Option<Serving>,
    _named: Option<NamedServer>,
}

impl Over {
    async fn reach(self, server: Server) -> Reached {
        match self {
            Self::Wire => {
                let serving = Serving::start(server).await;
                Reached {
                    channel: serving.channel(),
                    _serving: Some(serving),
                    _named: None,
                }
            }
            Self::InProcess => Reached {
                channel: server.in_process().unwrap(),
                _serving: None,
                _named: None,
            },
            Self::Name => {
                static NAMES: AtomicU64 = AtomicU64::new(0);
                let name = format!("server {}", NAMES.fetch_add(1, Ordering::Relaxed));
                let named = server.serve_in_process(&name).unwrap();
                Reached {
                    channel: Channel::to(named.uri()).unwrap(),
                    _serving: None,
                    _named: Some(named),
                }
            }
        }
    }

    async fn probe(self, probe: Probe) -> Reached {
        self.reach(Server::new().add(probe.routes())).await
    }
}

impl Deref for Reached {
    type Target = Channel;
    fn deref(&self) -> &Channel {
        &self.channel
    }
}

/// Runs each `async fn case(over: Over)` of its module over each.
macro_rules! over_each {
    ($($case:ident)*) => {
        mod wire {
            $(#[tokio::test]
            async fn $case() {
                crate::common::within(super::$case(crate::Over::Wire)).await
            })*
        }
        mod in_process {
            $(#[tokio::test]
            async fn $case() {
                crate::common::within(super::$case(crate::Over::InProcess)).await
            })*
        }
        mod name {
            $(#[tokio::test]
            async fn $case() {
                crate::common::within(super::$case(crate::Over::Name)).await
            })*
        }
    };
}
use over_each;
