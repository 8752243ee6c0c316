//! The task that keeps a pool connected: it hears from the resolver, connects,
//! and publishes who is READY.

use super::{
    Group, Published, Ready, Shared, eyeballs,
    health_check::HealthChecks,
    lists::Lists,
    skew::Skew,
    slot::{Slot, State, Subchannel},
    standing::Standing,
};
use crate::{
    balance::{Balancer, Connects, LeastRequest, PickFirst},
    contain::contain,
    endpoint::Endpoint,
    engine::{Connection, Error, on_the_clock},
    outlier::Outliers,
    resolver::{Refresh, as_calls_see},
    status::{Result, Status},
};
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep_until},
};

pub(super) struct Manager {
    shared: Arc<Shared>,
    lists: Lists,
    balancer: Arc<dyn Balancer>,
    /// What the balancer said last.
    connects: Connects,
    /// Addresses in the last list.
    resolved: usize,
    slots: Vec<Slot>,
    attempts: JoinSet<Attempted>,
    /// The resolver's last words, if they were no list.
    unresolved: Option<Arc<Status>>,
    /// Why the balancer made no picker for the last list.
    unpicked: Option<Arc<Status>>,
    refresh: Refresh,
    outliers: Outliers,
    health_checks: Option<HealthChecks>,
    health_news: Arc<Notify>,
    /// There is a list that no picker was made for.
    listed: bool,
    /// When it was last looked whether there are calls, and how many there had been.
    looked: (Instant, u64),
}

struct Attempted {
    id: u64,
    since: Instant,
    connected: std::result::Result<(Connection, Endpoint), Error>,
}

impl Manager {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let spread = shared.plan.spread();
        let calls = shared.calls.load(Ordering::Relaxed);
        let outliers = Outliers::new(spread.outlier_detection.unwrap_or_default());
        let outliers = outliers.counting(shared.ejections.clone());
        let health_news = Arc::new(Notify::new());
        let health_checks = spread.health_check.map(|service| HealthChecks {
            service,
            connector: shared.plan.connector.clone(),
            news: health_news.clone(),
        });
        let refresh = Refresh::default();
        Self {
            lists: Lists::new(shared.plan.resolver.clone(), refresh.clone()),
            balancer: spread
                .balancer
                .unwrap_or_else(|| Arc::new(PickFirst::new())),
            connects: Connects::First,
            shared,
            resolved: 0,
            slots: Vec::new(),
            attempts: JoinSet::new(),
            unresolved: None,
            unpicked: None,
            refresh,
            outliers,
            health_checks,
            health_news,
            listed: false,
            looked: (Instant::now(), calls),
        }
    }

    /// Until the channel is dropped, or nobody has called for so long.
    pub(super) async fn run(mut self) {
        self.shared.published.send_replace(Published::Connecting);
        let shared = self.shared.clone();
        loop {
            let (due, idle) = (self.due(), self.idle_check());
            tokio::select! {
                list = self.lists.next() => match list {
                    Some(list) => self.resolved(list),
                    None if self.slots.is_empty() && self.unresolved.is_none() => {
                        let why = "the resolver ended without an address";
                        self.unresolved = Some(Arc::new(Status::unavailable(why)));
                    }
                    None => {}
                },
                Some(ended) = self.attempts.join_next() => {
                    // One that was aborted belongs to nobody any more.
                    if let Ok(attempted) = ended {
                        self.attempted(attempted);
                    }
                }
                () = shared.lost.notified() => self.look(),
                () = self.health_news.notified() => {}
                () = self.outliers.due() => self.outliers.sweep(Instant::now()),
                () = shared.wanted.notified() => self.connect_idle(),
                () = sleep_until(due.unwrap_or(idle)), if due.is_some() => self.connect_due(),
                () = sleep_until(idle) => {
                    if self.is_unused() {
                        tracing::debug!("channel is IDLE: nobody has called");
                        return;
                    }
                }
            }
            self.check_health();
            self.publish();
            self.tell();
        }
    }

    /// A whole list of endpoints, or why there is none. Those that stay keep
    /// their connections; calls in flight to the others go on.
    fn resolved(&mut self, list: Result<Vec<Endpoint>>) {
        let some = |list: Vec<_>, why: &str| match list.is_empty() {
            false => Ok(list),
            true => Err(Status::unavailable(why)),
        };
        let list = list.and_then(|list| some(list, "the resolver found no address"));
        let list = match self.shared.plan.refusal() {
            Some(refusal) => Err(refusal),
            None => list,
        };
        let list = list.and_then(|list| self.choose(list));
        let list = list.and_then(|list| some(list, "the balancer chose no address"));
        let list = match list {
            Ok(list) => list,
            Err(status) => {
                tracing::warn!(%status, resolver = ?self.shared.plan.resolver, "not resolved");
                self.unresolved = Some(Arc::new(as_calls_see(status)));
                return;
            }
        };
        self.unresolved = None;
        self.unpicked = None;
        self.listed = true;
        let wanted: Vec<Arc<[Endpoint]>> = match self.connects {
            Connects::First => vec![list.into()],
            Connects::All => list.into_iter().map(|endpoint| [endpoint].into()).collect(),
        };
        // Lists mostly stay in order, so what is looked for is mostly the first of the rest.
        let mut old = VecDeque::from(std::mem::take(&mut self.slots));
        for endpoints in wanted {
            let kept = old.iter().position(|slot| slot.keeps(&endpoints));
            let kept = kept.and_then(|at| old.remove(at));
            let mut slot = kept.unwrap_or_else(|| Slot::new(endpoints.clone()));
            slot.relabel(endpoints);
            self.slots.push(slot);
        }
        for gone in old {
            self.outliers.remove(gone.id);
        }
        self.connect_idle();
    }

    /// What of a list the balancer uses. Without one of the user's, it depends on
    /// how long the list is.
    fn choose(&mut self, list: Vec<Endpoint>) -> Result<Vec<Endpoint>> {
        if self.shared.plan.spread().balancer.is_none() {
            self.balancer = match list.len() {
                1 => Arc::new(PickFirst::new()),
                _ => Arc::new(LeastRequest::new()),
            };
        }
        let resolved = list.len();
        let balancer = &self.balancer;
        let chosen = contain("balancer", || (balancer.choose(list), balancer.connects()));
        match chosen {
            Ok((list, connects)) => {
                self.connects = connects;
                self.resolved = resolved;
                Ok(list)
            }
            Err(status) => {
                self.lists.again();
                Err(status)
            }
        }
    }

    fn attempted(&mut self, attempted: Attempted) {
        let Attempted {
            id,
            since,
            connected,
        } = attempted;
        if connected.is_err() {
            self.refresh.ask();
        }
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == id) {
            slot.attempted(since, connected, &mut self.outliers);
        }
    }

    /// Notices which connections take no more calls.
    fn look(&mut self) {
        let mut lost = false;
        for slot in &mut self.slots {
            if slot.look() {
                self.outliers.remove(slot.id);
                lost = true;
            }
        }
        if lost {
            self.refresh.ask();
        }
        // With `First`, only the next call says whether it is needed again.
        if self.connects == Connects::All {
            self.connect_idle();
        }
    }

    fn connect_idle(&mut self) {
        self.connect(|state| matches!(state, State::Idle));
    }

    fn connect_due(&mut self) {
        let now = Instant::now();
        self.connect(|state| matches!(state, State::Waiting { until } if *until <= now));
    }

    fn connect(&mut self, which: impl Fn(&State) -> bool) {
        for slot in self.slots.iter_mut().filter(|slot| which(&slot.state)) {
            let id = slot.id;
            let since = Instant::now();
            slot.state = State::Connecting;
            let connector = self.shared.plan.connector.clone();
            let connecting =
                eyeballs::connect(connector, slot.endpoints.clone(), self.shared.lost.clone());
            self.attempts.spawn(async move {
                Attempted {
                    id,
                    since,
                    connected: connecting.await,
                }
            });
        }
    }

    /// When the next backoff ends.
    fn due(&self) -> Option<Instant> {
        let waiting = self.slots.iter().filter_map(|slot| match slot.state {
            State::Waiting { until } => Some(until),
            _ => None,
        });
        waiting.min()
    }

    fn idle_check(&self) -> Instant {
        let timeout = self.shared.plan.connector.limits.channel_idle_timeout;
        self.looked.0 + on_the_clock(timeout)
    }

    /// Whether there was no call since this was last asked, and none is in flight.
    fn is_unused(&mut self) -> bool {
        let calls = self.shared.calls.load(Ordering::Relaxed);
        let before = std::mem::replace(&mut self.looked, (Instant::now(), calls)).1;
        let in_flight = self.slots.iter().any(|slot| match &slot.state {
            State::Ready(subchannel) => subchannel.candidate.load.in_flight() > 0,
            _ => false,
        });
        // Whoever waits for a change waits for a connection.
        let waiting = self.shared.published.receiver_count() > 0;
        calls == before && !in_flight && !waiting
    }

    /// Has every server asked how it is, but by a balancer that keeps to the first.
    fn check_health(&mut self) {
        let checks = self.health_checks.as_ref();
        let checks = checks.filter(|_| self.connects == Connects::All);
        for slot in &mut self.slots {
            slot.check_health(checks);
        }
    }

    /// Tells calls who is READY and not left alone, or why nobody is.
    fn publish(&mut self) {
        let all: Vec<_> = self.slots.iter().filter_map(Slot::ready).cloned().collect();
        let ejected = |one: &&Arc<Subchannel>| self.outliers.is_ejected(one.candidate.id);
        let mut subchannels: Vec<_> = all.iter().filter(|one| !ejected(one)).cloned().collect();
        if subchannels.is_empty() {
            // A call that may fail is better than one that is sure to.
            subchannels.clone_from(&all);
        }
        let published = self.shared.published.borrow().clone();
        let new = match &published {
            Published::Ready(old) if !self.listed && old.is_of(&subchannels) && !old.waits() => {
                return;
            }
            _ if subchannels.is_empty() => self.unready(),
            _ => self.ready(subchannels, &all),
        };
        match (&published, &new) {
            (Published::Idle, Published::Idle) | (Published::Connecting, Published::Connecting) => {
            }
            _ => {
                self.shared.published.send_replace(new);
            }
        }
    }

    /// Tells calls that are to be explained how everybody stands.
    fn tell(&self) {
        let standing = Standing::new(
            self.balancer.clone(),
            self.resolved,
            &self.slots,
            &self.outliers,
        );
        self.shared.stands(Some(standing));
    }

    /// The state of a channel of which these are READY, and `all` with those left alone.
    fn ready(&mut self, subchannels: Vec<Arc<Subchannel>>, all: &[Arc<Subchannel>]) -> Published {
        self.listed = false;
        if let Some(why) = &self.unpicked {
            return Published::Failing(why.clone());
        }
        match self.groups(subchannels, all) {
            Ok(ready) => {
                self.lists.served();
                Published::Ready(Arc::new(ready))
            }
            Err(status) => {
                self.lists.again();
                let why = self.unpicked.insert(Arc::new(status));
                Published::Failing(why.clone())
            }
        }
    }

    fn groups(&self, subchannels: Vec<Arc<Subchannel>>, all: &[Arc<Subchannel>]) -> Result<Ready> {
        let group = |subchannels: Vec<Arc<Subchannel>>| {
            let candidates = subchannels.iter().map(|one| one.candidate.clone());
            let candidates = candidates.collect();
            let picker = contain("balancer", || self.balancer.picker(candidates))?;
            Ok(Group {
                subchannels: subchannels.into(),
                picker,
            })
        };
        let skew = match self.connects {
            Connects::All => Skew::of(&self.slots, &subchannels, all, group)?,
            // There is no choice.
            Connects::First => None,
        };
        Ok(Ready {
            skew: skew.map(Box::new),
            all: group(subchannels)?,
        })
    }

    /// The state of a channel nobody of which is READY.
    fn unready(&self) -> Published {
        if self.slots.iter().any(Slot::is_connecting) {
            return Published::Connecting;
        }
        let idle = |slot: &Slot| matches!(slot.state, State::Idle);
        if self.slots.iter().any(idle) {
            return Published::Idle;
        }
        let why = self.slots.iter().rev().find_map(Slot::why);
        match why.or_else(|| self.unresolved.clone()) {
            Some(why) => Published::Failing(why),
            None => Published::Connecting,
        }
    }
}

/// Nobody is connected any more: the channel goes, or nobody uses it, or its
/// runtime shuts down. The next call begins anew.
impl Drop for Manager {
    fn drop(&mut self) {
        self.shared.running.store(false, Ordering::Release);
        self.shared.stands(None);
        self.shared.published.send_replace(Published::Idle);
    }
}
