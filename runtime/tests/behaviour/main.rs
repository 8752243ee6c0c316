//! How calls behave, whatever carries them: every case runs over a socket and
//! within one process, and must not be able to tell which.

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
use cordial_runtime::{Channel, Server};
use std::ops::Deref;

/// What carries a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    Wire,
    InProcess,
}

/// A channel, and the server at its end.
struct Reached {
    channel: Channel,
    _serving: Option<Serving>,
}

impl Over {
    async fn reach(self, server: Server) -> Reached {
        match self {
            Self::Wire => {
                let serving = Serving::start(server).await;
                Reached {
                    channel: serving.channel(),
                    _serving: Some(serving),
                }
            }
            Self::InProcess => Reached {
                channel: server.in_process().unwrap(),
                _serving: None,
            },
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

/// Runs each `async fn case(over: Over)` of its module over both.
macro_rules! over_both {
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
    };
}
use over_both;
