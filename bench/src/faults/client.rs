//! Who makes the calls: either stack's client.

use super::{
    Stack, ours,
    pb::{Done, Order},
    theirs,
};
use crate::Result;
use cordial::Priority;
use serde::Serialize;
use std::time::Duration;
use tonic::Status;

/// What a call ends with.
pub(super) type Answer<T> = std::result::Result<T, Status>;

/// The unary methods, by what they promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Method {
    /// `idempotency_level = IDEMPOTENT`
    Put,
    /// `idempotency_level = NO_SIDE_EFFECTS`
    Look,
    /// Neither: it must not be executed twice.
    Add,
}

impl Method {
    pub(super) const ALL: [Self; 3] = [Self::Put, Self::Look, Self::Add];

    pub(super) fn may_repeat(self) -> bool {
        self != Self::Add
    }
}

/// One call to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) order: Order,
    pub(super) timeout: Duration,
    pub(super) priority: Option<Priority>,
    /// Whether it waits for a server, where a stack lets a call say so.
    pub(super) waits: bool,
}

impl Ask {
    pub(super) fn new(method: Method, order: Order, timeout: Duration) -> Self {
        Self {
            method,
            order,
            timeout,
            priority: None,
            waits: false,
        }
    }
}

/// A channel; clones share it.
#[derive(Clone, Debug)]
pub(super) enum Client {
    Cordial(ours::Client),
    Tonic(theirs::Client),
}

impl Client {
    /// With `keepalive`, a server that is silent for as long is asked whether it
    /// is there, and given up after as long again.
    pub(super) fn to(
        stack: Stack,
        addresses: &[String],
        keepalive: Option<Duration>,
    ) -> Result<Self> {
        Ok(match stack {
            Stack::Cordial => Self::Cordial(ours::Client::to(addresses, keepalive)?),
            Stack::Tonic => Self::Tonic(theirs::Client::to(addresses, keepalive)?),
        })
    }

    /// Ours, to whoever the registry tells of.
    pub(super) fn find(registry: &str) -> Result<Self> {
        Ok(Self::Cordial(ours::Client::find(registry)?))
    }

    pub(super) async fn call(&self, ask: &Ask) -> Answer<Done> {
        match self {
            Self::Cordial(client) => client.call(ask).await,
            Self::Tonic(client) => client.call(ask).await,
        }
    }

    /// Reads a whole stream; how many messages it had.
    pub(super) async fn follow(&self, order: Order, timeout: Duration) -> Answer<u32> {
        match self {
            Self::Cordial(client) => client.follow(order, timeout).await,
            Self::Tonic(client) => client.follow(order, timeout).await,
        }
    }

    /// Has the server fail every order, or none.
    pub(super) async fn fail(&self, fails: bool) -> Answer<()> {
        match self {
            Self::Cordial(client) => client.fail(fails).await,
            Self::Tonic(client) => client.fail(fails).await,
        }
    }
}
