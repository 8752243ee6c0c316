//! What is measured.

use crate::{
    Result,
    echo::{self, Echo, Method, REPETITIONS, Repetition},
    generator::{Load, Plan, Shape, Source},
    stacks::Stack,
};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Messages on the way of a stream each way.
const WINDOW: usize = 64;

/// Which end is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The server; its client is the generator.
    Server,
    /// The client; its server is the floor.
    Client,
}

/// How many bytes a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Payload {
    /// 16 bytes
    #[serde(rename = "small")]
    Small,
    /// 1 KiB
    #[value(name = "1k")]
    #[serde(rename = "1k")]
    Kibi,
    /// 64 KiB
    #[value(name = "64k")]
    #[serde(rename = "64k")]
    Kibi64,
}

impl Payload {
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Small => 16,
            Self::Kibi => 1 << 10,
            Self::Kibi64 => 64 << 10,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Kibi => "1k",
            Self::Kibi64 => "64k",
        }
    }
}

/// Calls that are there to be in the way of those measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Beside {
    pub(crate) method: Method,
    pub(crate) load: Load,
    /// Whether they are on the connection of those measured.
    pub(crate) same_connection: bool,
}

/// One row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Workload {
    pub(crate) side: Side,
    pub(crate) method: Method,
    pub(crate) payload: Payload,
    pub(crate) load: Load,
    pub(crate) connections: usize,
    pub(crate) beside: Option<Beside>,
}

impl Workload {
    /// Calls to a server over one connection, with nothing beside them.
    pub(crate) const fn of(method: Method, payload: Payload, load: Load) -> Self {
        Self {
            side: Side::Server,
            method,
            payload,
            load,
            connections: 1,
            beside: None,
        }
    }

    /// Calls in flight; any number of a load that does not count them.
    pub(crate) const fn in_flight(&self) -> usize {
        match self.load {
            Load::InFlight(count) => count,
            Load::PerSecond(_) => usize::MAX,
        }
    }

    /// Whether `stack` can be measured with it.
    pub(crate) fn suits(&self, stack: Stack) -> bool {
        let beside = self.beside.is_none_or(|beside| stack.serves(beside.method));
        match self.side {
            Side::Server => stack.serves(self.method) && beside,
            Side::Client => stack.calls(),
        }
    }

    /// What the generator is to do; what counts is the first.
    pub(crate) fn sources(&self) -> Result<Vec<Source>> {
        let mut sources = vec![Source {
            plan: plan(self.method, self.payload.bytes())?,
            load: self.load,
            connections: 0..self.connections,
        }];
        if let Some(beside) = self.beside {
            let first = match beside.same_connection {
                true => 0,
                false => self.connections,
            };
            sources.push(Source {
                plan: plan(beside.method, Payload::Small.bytes())?,
                load: beside.load,
                connections: first..first + 1,
            });
        }
        Ok(sources)
    }

    /// As in a table: `64k c16 n1`.
    pub(crate) fn name(&self) -> String {
        let side = match self.side {
            Side::Server => "",
            Side::Client => "client ",
        };
        let method = match self.method {
            Method::Echo => "",
            Method::Wait => "wait ",
            Method::Compute => "compute ",
            Method::Repeat => "server stream ",
            Method::Feed => "fed stream ",
            Method::PingPong => "ping-pong ",
        };
        let load = match self.load {
            Load::InFlight(count) => format!("c{count}"),
            Load::PerSecond(rate) => format!("{rate}/s"),
        };
        let (payload, connections) = (self.payload.name(), self.connections);
        let beside = self.beside.map_or_else(String::new, |beside| {
            let how = match beside.load {
                Load::InFlight(count) => format!("c{count}"),
                Load::PerSecond(rate) => format!("{rate}/s"),
            };
            let what = match beside.method {
                Method::Wait => "waiting",
                Method::Compute => "computing",
                _ => "others",
            };
            let place = match beside.same_connection {
                true => "same connection",
                false => "another connection",
            };
            format!(" beside {how} {what}, {place}")
        });
        format!("{side}{method}{payload} {load} n{connections}{beside}")
    }
}

fn plan(method: Method, bytes: usize) -> Result<Plan> {
    let (shape, request) = match method {
        Method::Repeat | Method::Feed => {
            let count = REPETITIONS as usize;
            let request = echo::framed(&Repetition::of(bytes))?;
            (Shape::Replies { count }, request)
        }
        Method::PingPong => {
            let request = echo::framed(&Echo::of(bytes))?;
            (Shape::PingPong { window: WINDOW }, request)
        }
        _ => (Shape::Replies { count: 1 }, echo::framed(&Echo::of(bytes))?),
    };
    Ok(Plan {
        path: method.path(),
        shape,
        request,
        reply: echo::framed(&Echo::of(bytes))?,
    })
}
