//! The subchannels of a channel: who is connected, and whose turn it is.

mod eyeballs;
mod health_check;
mod lists;
mod manager;
mod skew;
mod slot;
mod standing;

use crate::{
    balance::{Pick, Picker},
    engine::Connector,
    explain::{Journal, said},
    metrics::Metric,
    outlier::Ejections,
    resolver::Resolver,
    retry::Tried,
    spread::Spread,
    status::{Result, Status},
};
use http::uri::Scheme;
use manager::Manager;
use skew::{Served, Skew};
use standing::Standing;
use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

pub(crate) use slot::Subchannel;

/// What a pool is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) connector: Arc<Connector>,
    pub(crate) resolver: Arc<dyn Resolver>,
    /// What code says of who gets calls,
    pub(crate) said: Spread,
    /// and what the service config does.
    pub(crate) configured: Spread,
}

impl Plan {
    /// Who gets calls: code over service config. Without a balancer, what suits the
    /// number of addresses.
    pub(crate) fn spread(&self) -> Spread {
        self.said.clone().or(self.configured.clone())
    }

    /// Why nobody is to be called who is resolved, if that is so.
    pub(crate) fn refusal(&self) -> Option<Status> {
        match self.connector.scheme == Scheme::HTTPS {
            true => None,
            false => self.resolver.refusal_of_plain_text(),
        }
    }
}

/// The subchannels of a channel. One task, begun by the first call, keeps them
/// connected; calls only read what it has published.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    manager: Mutex<Option<AbortHandle>>,
}

struct Shared {
    plan: Plan,
    /// The task is there, and will hear what it is told.
    running: AtomicBool,
    published: watch::Sender<Published>,
    /// A call found nobody connected, and nobody connecting.
    wanted: Notify,
    /// A connection ended, or a call found that it takes no more.
    lost: Arc<Notify>,
    /// Calls so far: what tells an idle channel from a busy one.
    calls: AtomicU64,
    /// How its endpoints stand, for calls that are to be explained.
    standing: Mutex<Option<Arc<Standing>>>,
    /// What its tasks, one after another, have ejected.
    ejections: Ejections,
}

/// gRPC's connectivity state of the channel, and what a call needs in it.
#[derive(Clone)]
enum Published {
    /// IDLE: connects when a call comes.
    Idle,
    Connecting,
    Ready(Arc<Ready>),
    /// TRANSIENT_FAILURE, and why.
    Failing(Arc<Status>),
}

struct Ready {
    all: Group,
    /// Who serves what, where that differs.
    skew: Option<Box<Skew>>,
}

/// Subchannels that calls are spread over.
struct Group {
    subchannels: Box<[Arc<Subchannel>]>,
    picker: Box<dyn Picker>,
}

/// What a call finds.
enum Turn {
    Taken(Arc<Subchannel>),
    /// Whoever there was is gone, which the task has not noticed yet.
    Gone,
    /// Who serves it is not READY yet.
    Later,
    Unreachable(Arc<Status>),
}

impl Pool {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            shared: Arc::new(Shared {
                plan,
                running: AtomicBool::new(false),
                published: watch::Sender::new(Published::Idle),
                wanted: Notify::new(),
                lost: Arc::new(Notify::new()),
                calls: AtomicU64::new(0),
                standing: Mutex::new(None),
                ejections: Ejections::default(),
            }),
            manager: Mutex::new(None),
        }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    /// What it has counted.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = Metric> + '_ {
        self.shared.ejections.iter()
    }

    /// A subchannel for a call of `method`, one that it has not tried where there is one.
    ///
    /// # Errors
    /// UNAVAILABLE, with the cause, while none can be reached; with
    /// `wait_for_ready` it waits instead. Cancellation safe.
    pub(crate) async fn pick(
        &self,
        method: &str,
        hash: Option<u64>,
        tried: &Tried,
        wait_for_ready: bool,
        journal: Option<&Journal>,
    ) -> Result<Arc<Subchannel>> {
        let pick = |ready: &Ready| tried.read(|tried| ready.pick(method, &Pick { hash, tried }));
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        // Most calls find one, and listen for no change.
        if let Published::Ready(ready) = &*self.shared.published.borrow()
            && let Turn::Taken(picked) = pick(ready)
        {
            return Ok(picked);
        }
        let mut published = self.shared.published.subscribe();
        loop {
            let now = published.borrow_and_update().clone();
            if let Some(journal) = journal {
                journal.note(format_args!("{now}, {}", self.standing()));
            }
            match now {
                Published::Ready(ready) => match pick(&ready) {
                    Turn::Taken(picked) => return Ok(picked),
                    Turn::Unreachable(why) if !wait_for_ready => return Err((*why).clone()),
                    Turn::Later | Turn::Unreachable(_) => {}
                    Turn::Gone => self.shared.lost.notify_one(),
                },
                Published::Failing(why) if !wait_for_ready || self.never_may() => {
                    return Err((*why).clone());
                }
                Published::Idle => self.wake(),
                Published::Connecting | Published::Failing(_) => {}
            }
            // It ends only with the pool.
            if published.changed().await.is_err() {
                return Err(Status::unavailable("the channel is gone"));
            }
        }
    }

    /// Nobody it could find may be called, however long one waits.
    fn never_may(&self) -> bool {
        self.shared.plan.refusal().is_some()
    }

    /// Who could have calls, who is left out and why.
    pub(crate) fn standing(&self) -> String {
        let standing = self.shared.standing.lock();
        let standing = standing.unwrap_or_else(PoisonError::into_inner).clone();
        standing.map_or("nobody is connected".into(), |standing| {
            standing.to_string()
        })
    }

    /// Has somebody connect: the task that is there, or a new one if a runtime
    /// took it along when it shut down.
    fn wake(&self) {
        if self.shared.running.swap(true, Ordering::AcqRel) {
            return self.shared.wanted.notify_one();
        }
        // Not under the lock: a runtime that shuts down drops the task at once.
        let task = tokio::spawn(Manager::new(self.shared.clone()).run());
        let mut manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner);
        // One that runs was begun after this one ended.
        if manager.as_ref().is_none_or(AbortHandle::is_finished) {
            *manager = Some(task.abort_handle());
        }
    }
}

impl Shared {
    fn stands(&self, new: Option<Standing>) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        *standing = new.map(Arc::new);
    }
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("the channel is IDLE"),
            Self::Connecting => f.write_str("the channel is CONNECTING"),
            Self::Ready(_) => f.write_str("the channel is READY"),
            Self::Failing(why) => write!(f, "the channel is in TRANSIENT_FAILURE: {}", said(why)),
        }
    }
}

impl Ready {
    fn is_of(&self, subchannels: &[Arc<Subchannel>]) -> bool {
        let own = &self.all.subchannels;
        let same = |(old, new): (&Arc<_>, &Arc<_>)| Arc::ptr_eq(old, new);
        own.len() == subchannels.len() && own.iter().zip(subchannels).all(same)
    }

    /// Whether some calls wait for somebody else.
    fn waits(&self) -> bool {
        self.skew.as_ref().is_some_and(|skew| skew.waits())
    }

    fn pick(&self, method: &str, pick: &Pick<'_>) -> Turn {
        let skew = self.skew.as_ref();
        let group = match skew.and_then(|skew| skew.served(method)) {
            None => &self.all,
            Some(Served::By(group)) => group,
            Some(Served::Later) => return Turn::Later,
            Some(Served::Unreachable(why)) => return Turn::Unreachable(why.clone()),
        };
        group.pick(pick).map_or(Turn::Gone, Turn::Taken)
    }
}

impl Group {
    fn pick(&self, pick: &Pick<'_>) -> Option<Arc<Subchannel>> {
        let all = &self.subchannels;
        let picked = self.picker.pick(pick).or_else(|| {
            let anyone = Pick {
                tried: &[],
                ..*pick
            };
            self.picker.pick(&anyone)
        });
        // There is one: no channel is READY without.
        let first = &all[picked.unwrap_or_default() % all.len()];
        if first.connection.is_open() {
            return Some(first.clone());
        }
        let mut open = all.iter().filter(|other| other.connection.is_open());
        let untried = open
            .clone()
            .find(|other| !pick.tried.contains(&other.candidate.id));
        untried.or_else(|| open.next()).cloned()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let manager = self.manager.get_mut();
        if let Some(manager) = manager.unwrap_or_else(PoisonError::into_inner) {
            manager.abort();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("plan", &self.shared.plan)
            .finish_non_exhaustive()
    }
}
