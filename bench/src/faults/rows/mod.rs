//! What is done to the servers, row by row.

mod crowd;
mod down;
mod found;
mod killed;
mod overload;
mod restart;
mod silent;
mod storm;
mod upgrade;
mod wiped;

use super::{
    Stack,
    client::{Ask, Client, Method},
    cluster::Executed,
    discovery::{Discovery, Lists},
    load::Call,
    pb::Order,
    report::{Figure, Found},
};
use crate::Result;
use clap::ValueEnum;
use serde::Serialize;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Row {
    /// One of three addresses has no server from the start.
    Dead,
    /// `kill -9` of one of three servers, which comes back.
    Kill,
    /// Three servers are asked to end and started again, one after another.
    Rolling,
    /// All three servers are killed, and come back.
    Down,
    /// SIGSTOP of one of three servers.
    Stop,
    /// The network loses everything to and from one of three servers.
    Hole,
    /// The last of three tiers fails everything for a while.
    Storm,
    /// Five times as many calls as a server can answer.
    Overload,
    /// Of three servers that a registry tells of one is killed, one stops, and one
    /// more comes.
    Found,
    /// The registry is unreachable for a while, and then empty.
    Wiped,
    /// Three servers that a registry tells of are replaced by some with one more method.
    Upgrade,
    /// The registry tells of 1,000 instances, 100 of which change each second.
    Crowd,
}

impl Row {
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Stock tonic has nothing to compare it with.
    pub(super) fn is_of_discovery(self) -> bool {
        matches!(
            self,
            Self::Found | Self::Wiped | Self::Upgrade | Self::Crowd
        )
    }

    /// What a reader of the table has to know.
    pub(super) fn plays(self) -> &'static str {
        match self {
            Self::Dead => "1,000 calls/s to three addresses; nobody listens on one",
            Self::Kill => {
                "1,000 calls/s; kill -9 of one of three servers, back after 3 s (quick: 1 s)"
            }
            Self::Rolling => {
                "1,000 calls/s and 30 streams of 1 s each at a time; SIGTERM and restart of each of \
                 three servers in turn"
            }
            Self::Down => {
                "1,000 calls/s; kill -9 of all three servers, back after 3 s (quick: 1 s)"
            }
            Self::Stop => {
                "1,000 calls/s without side effects; SIGSTOP of one of three servers for 8 s \
                 (quick: 3 s); keepalive 500 ms + 500 ms"
            }
            Self::Hole => "the same with a proxy that passes nothing on for as long",
            Self::Storm => {
                "200 calls/s through two tiers; their backend answers UNAVAILABLE for 5 s (quick: 2 s)"
            }
            Self::Overload => {
                "a server that works on 4 orders at a time, 8 ms each; five times what it can do for \
                 5 s (quick: 3 s): a tenth critical, a third sheddable"
            }
            Self::Found => {
                "1,000 calls/s to servers found by the registry, leases of 3 s; kill -9 of one of \
                 three, SIGTERM of another, start of a fourth"
            }
            Self::Wiped => {
                "1,000 calls/s to three servers found by the registry, leases of 3 s; it is away for \
                 60 s (quick: 5 s) and comes back empty"
            }
            Self::Upgrade => {
                "1,000 calls/s to three servers found by the registry, replaced in turn; half the \
                 calls are of a method that only the new ones have, from 1 s after the first came"
            }
            Self::Crowd => {
                "a client in a process of its own, a registry of 1,000 instances, 100 changes of a \
                 weight each second"
            }
        }
    }

    pub(super) async fn run(self, trial: &Trial) -> Result<Found> {
        match self {
            Self::Dead => down::dead(trial).await,
            Self::Kill => killed::run(trial).await,
            Self::Rolling => restart::run(trial).await,
            Self::Down => down::all(trial).await,
            Self::Stop => silent::stopped(trial).await,
            Self::Hole => silent::hole(trial).await,
            Self::Storm => storm::run(trial).await,
            Self::Overload => overload::run(trial).await,
            Self::Found => found::run(trial).await,
            Self::Wiped => wiped::run(trial).await,
            Self::Upgrade => upgrade::run(trial).await,
            Self::Crowd => crowd::run(trial).await,
        }
    }
}

/// One row against one stack.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    row: Row,
    stack: Stack,
    quick: bool,
    began: Instant,
    discovery: Arc<Discovery>,
}

const CALLS_PER_SECOND: u32 = 1_000;
const SERVERS: usize = 3;
/// What an order takes: so that some are in flight when something happens.
const WORK_MILLIS: u32 = 20;
const TIMEOUT: Duration = Duration::from_secs(5);
const SECOND: Duration = Duration::from_secs(1);
/// Who look at the registry beside the client.
const WATCHERS: usize = 2;

impl Trial {
    pub(super) fn new(row: Row, stack: Stack, quick: bool, discovery: Arc<Discovery>) -> Self {
        Self {
            row,
            stack,
            quick,
            began: Instant::now(),
            discovery,
        }
    }

    /// Says on standard error how far it is.
    fn says(&self, what: &str) {
        let Self {
            row, stack, began, ..
        } = self;
        let seconds = began.elapsed().as_secs_f64();
        eprintln!("{seconds:6.1} s  {}, {}: {what}", row.name(), stack.name());
    }

    fn seconds(&self, long: u64, quick: u64) -> Duration {
        Duration::from_secs(if self.quick { quick } else { long })
    }

    /// A channel that works; what it takes until then belongs to no row.
    async fn client(&self, addresses: &[String], keepalive: Option<Duration>) -> Result<Client> {
        let client = Client::to(self.stack, addresses, keepalive)?;
        let ask = Ask::new(Method::Look, first(), TIMEOUT);
        client.call(&ask).await?;
        Ok(client)
    }

    /// The same by the registry, and what the registry tells: the servers alone.
    async fn find(&self, addresses: &[String]) -> Result<(Client, Vec<Lists>)> {
        let url = self.discovery.url();
        let lists = (0..WATCHERS).map(|_| Lists::of(url));
        let lists = lists.collect::<Result<Vec<_>>>()?;
        let servers = addresses.iter().cloned().collect();
        for lists in &lists {
            let whole = lists.until(self.began, |list| *list == servers);
            whole
                .await
                .ok_or("the registry does not list the servers")?;
        }
        let client = Client::find(url)?;
        let mut ask = Ask::new(Method::Put, first(), TIMEOUT);
        ask.waits = true;
        client.call(&ask).await?;
        Ok((client, lists))
    }
}

/// What no load asks for.
fn first() -> Order {
    Order {
        id: u64::MAX,
        ..Order::default()
    }
}

/// The methods in turn.
fn each_in_turn(order: Order) -> Ask {
    let method = Method::ALL[(order.id % Method::ALL.len() as u64) as usize];
    Ask::new(method, worked(order), TIMEOUT)
}

fn worked(order: Order) -> Order {
    Order {
        wait_millis: WORK_MILLIS,
        ..order
    }
}

/// What is asked of all calls of a trial.
struct Calls<'a> {
    calls: &'a [Call],
    executed: &'a Executed,
}

impl Calls<'_> {
    fn made(&self) -> Figure {
        Figure::count("calls made", "calls", self.calls.len())
    }

    fn failed(&self, which: impl Fn(&Call) -> bool) -> usize {
        let failed = self
            .calls
            .iter()
            .filter(|call| !call.is_ok() && which(call));
        failed.count()
    }

    /// Of those that must not be.
    fn executed_twice(&self) -> Figure {
        let once = self
            .calls
            .iter()
            .filter(|call| !call.ask.method.may_repeat());
        let times = |call: &Call| self.executed.get(&call.id).copied().unwrap_or(0);
        let twice = once.filter(|call| times(call) > 1).count();
        Figure::count("not idempotent, executed twice", "calls", twice).at_most(0.0)
    }

    fn retried(&self) -> Figure {
        let retried = self.calls.iter().filter(|call| call.was_retried());
        Figure::count(
            "succeeded after more than one attempt",
            "calls",
            retried.count(),
        )
    }

    fn never_ended(&self) -> Figure {
        let hung = self.calls.iter().filter(|call| call.code.is_none());
        Figure::count(
            "never ended (2 s beyond the deadline)",
            "calls",
            hung.count(),
        )
        .at_most(0.0)
    }

    fn worst(&self) -> Figure {
        let worst = self.calls.iter().map(Call::took).max();
        Figure::new("longest call", "ms", worst.map(millis))
    }
}

fn found(began: Instant, calls: &[Call], figures: Vec<Figure>) -> Found {
    let failed = calls.iter().filter(|call| !call.is_ok());
    Found {
        figures,
        failed: failed.map(|call| call.failed(began)).collect(),
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
