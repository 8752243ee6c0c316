//! Lets calls in, lets them wait, or refuses them.

use super::{
    gradient::Gradient,
    place::{Place, Seat},
    queue::{Queue, Turn},
    shed::{Shed, Why},
};
use crate::{
    deadline::Deadline,
    limits::Limits,
    method::Method,
    metrics::{Gauge, Metrics},
    priority::Priority,
    status::{Result, Status},
    stopwatch::Stopwatch,
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{
        AtomicU64, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
};
use tokio::time::Duration;

/// What all calls under one limit share.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(super) gradient: Gradient,
    pub(super) metrics: Metrics,
    queued_calls_max: usize,
    queue_timeout: Duration,
    seated: AtomicUsize,
    /// Those of them that are critical.
    critical: AtomicUsize,
    /// How many wait. Read without the lock; written under it, before the last
    /// look at `seated`, so that who leaves sees who came in vain.
    waiting: AtomicUsize,
    queue: Mutex<Queue>,
    refusals: AtomicU64,
}

/// What becomes of a call that arrives.
pub(crate) enum Entry {
    Open(Place),
    Waiting(Waiting),
}

/// A call that waits for its turn.
#[derive(Debug)]
pub(crate) struct Waiting {
    gate: Arc<Gate>,
    turn: Turn,
    priority: Priority,
    method: usize,
    stopwatch: Stopwatch,
}

impl Gate {
    pub(super) fn new(gradient: Gradient, limits: &Limits, metrics: Metrics) -> Self {
        metrics.set(Gauge::ConcurrencyLimit, gradient.limit() as u64);
        Self {
            gradient,
            metrics,
            queued_calls_max: limits.queued_calls_max,
            queue_timeout: limits.queue_timeout,
            seated: AtomicUsize::new(0),
            critical: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            queue: Mutex::default(),
            refusals: AtomicU64::new(0),
        }
    }

    /// Lets a call in or queues it.
    ///
    /// # Errors
    /// If it has to wait and may not, or would do so in vain.
    pub(super) fn enter(
        self: &Arc<Self>,
        method: Method,
        priority: Priority,
        deadline: Option<Deadline>,
        stopwatch: &Stopwatch,
    ) -> Result<Entry> {
        let method = self.gradient.place_of(method);
        let seated = self.waiting.load(SeqCst) == 0 && self.sit(priority);
        let open = |gate: &Arc<Self>| {
            let seat = Seat::new(gate.clone(), priority);
            Entry::Open(Place::new(seat, method, stopwatch.clone()))
        };
        if seated {
            return Ok(open(self));
        }
        self.overdue();
        match self.queue_up(priority, deadline) {
            Ok(Some(turn)) => Ok(Entry::Waiting(Waiting {
                gate: self.clone(),
                turn,
                priority,
                method,
                stopwatch: stopwatch.clone(),
            })),
            Ok(None) => Ok(open(self)),
            Err(why) => Err(self.shed(priority, why)),
        }
    }

    /// A turn to wait for; `None` if it has come already.
    fn queue_up(
        &self,
        priority: Priority,
        deadline: Option<Deadline>,
    ) -> Result<Option<Turn>, Why> {
        let mut queue = self.lock();
        let ahead = queue.ahead_of(priority);
        if ahead == 0 && self.sit(priority) {
            return Ok(None);
        }
        let wait = queue.wait(ahead);
        if deadline.is_some_and(|deadline| deadline.remaining() <= wait) {
            return Err(Why::Late { wait });
        }
        if queue.len() >= self.queued_calls_max && !queue.displace(priority) {
            let queued = queue.len();
            return Err(Why::QueueFull { queued });
        }
        let turn = queue.push(priority, self.queue_timeout);
        self.count(&queue);
        // Somebody may have left between the first look and the count.
        if ahead == 0 && self.sit(priority) {
            queue.remove(priority, turn.id);
            self.count(&queue);
            return Ok(None);
        }
        Ok(Some(turn))
    }

    /// Takes a seat if there is one for this priority.
    fn sit(&self, priority: Priority) -> bool {
        if priority == Priority::Critical && self.gradient.is_adaptive() {
            // What was let in before the limit went down holds up no critical call.
            let sat = add_below(&self.critical, self.gradient.limit_critical());
            if sat {
                self.seated.fetch_add(1, SeqCst);
            }
            return sat;
        }
        add_below(&self.seated, priority.share_of(self.gradient.limit()))
    }

    pub(super) fn leave(self: &Arc<Self>, priority: Priority) {
        if priority == Priority::Critical && self.gradient.is_adaptive() {
            self.critical.fetch_sub(1, SeqCst);
        }
        self.seated.fetch_sub(1, SeqCst);
        if self.waiting.load(SeqCst) > 0 {
            self.hand_on();
        }
    }

    /// Gives free seats to those who wait.
    fn hand_on(self: &Arc<Self>) {
        loop {
            let mut queue = self.lock();
            let next = queue.pop(|priority| self.sit(priority));
            self.count(&queue);
            drop(queue);
            let Some((priority, sender)) = next else {
                return;
            };
            // Dropped if its call has gone since, and handed on from there.
            let _ = sender.send(Seat::new(self.clone(), priority));
        }
    }

    /// A call has ended.
    pub(super) fn ended(
        self: &Arc<Self>,
        method: usize,
        begun: u64,
        latency: Option<Duration>,
        answered: bool,
    ) {
        let seated = self.seated.load(Relaxed);
        let moved = self
            .gradient
            .ended(method, begun, latency, answered, seated);
        if moved {
            self.moved();
        }
    }

    fn overdue(self: &Arc<Self>) {
        if self.gradient.overdue() {
            self.moved();
        }
    }

    fn moved(self: &Arc<Self>) {
        let limit = self.gradient.learned() as u64;
        self.metrics.set(Gauge::ConcurrencyLimit, limit);
        self.hand_on();
    }

    /// Refuses a call.
    pub(super) fn shed(&self, priority: Priority, why: Why) -> Status {
        self.metrics.shed(priority);
        if let Some(limit) = why.limit() {
            self.metrics.reached(limit);
        }
        Shed {
            why,
            priority,
            limit: self.gradient.learned(),
            queue_timeout: self.queue_timeout,
            refusals: self.refusals.fetch_add(1, Relaxed),
        }
        .status()
    }

    fn count(&self, queue: &Queue) {
        self.waiting.store(queue.len(), SeqCst);
        self.metrics.set(Gauge::CallsQueued, queue.len() as u64);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds one if that makes no more than `limit`.
fn add_below(count: &AtomicUsize, limit: usize) -> bool {
    count
        .fetch_update(SeqCst, SeqCst, |count| (count < limit).then(|| count + 1))
        .is_ok()
}

impl Waiting {
    /// Waits for the turn.
    ///
    /// # Errors
    /// If it does not come in time.
    pub(crate) async fn turn(mut self) -> Result<Place> {
        let patience = self.turn.patience;
        let seated = tokio::select! {
            biased;
            seated = &mut self.turn.receiver => seated.map_err(|_| Why::Displaced),
            () = tokio::time::sleep(patience) => Err(Why::Waited { patience }),
        };
        match seated {
            Ok(seat) => {
                // The queue is ours: it says nothing of how long the call takes.
                self.stopwatch.restart();
                Ok(Place::new(seat, self.method, self.stopwatch.clone()))
            }
            Err(why) => Err(self.gate.shed(self.priority, why)),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut queue = self.gate.lock();
        queue.remove(self.priority, self.turn.id);
        self.gate.count(&queue);
    }
}
