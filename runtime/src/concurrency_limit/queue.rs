//! Calls that wait for others to end: few, not for long, the most urgent first.

use super::place::Seat;
use crate::priority::Priority;
use std::collections::VecDeque;
use tokio::{
    sync::oneshot,
    time::{Duration, Instant},
};

/// How much shorter calls wait once a queue does not go away: it is no burst
/// then, and waiting longer makes every call late and none answered more.
const STANDING_DIVISOR: u32 = 20;

/// How much the latest of the intervals between turns says of the next ones.
const INTERVAL_WEIGHT: f64 = 0.1;

/// Calls that wait, one line for each priority.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: [Line; Priority::ALL.len()],
    next: u64,
    /// When the latest call had its turn while others waited on.
    turned: Option<Instant>,
    interval_secs: f64,
}

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Waiter>,
    standing_since: Option<Instant>,
    emptied: Option<Instant>,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    sender: oneshot::Sender<Seat>,
}

/// A call's turn to come.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: u64,
    pub(super) receiver: oneshot::Receiver<Seat>,
    /// How long it will wait for it.
    pub(super) patience: Duration,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.lines.iter().map(|line| line.waiting.len()).sum()
    }

    /// How many a call of this priority would wait behind.
    pub(super) fn ahead_of(&self, priority: Priority) -> usize {
        let ahead = &self.lines[priority as usize..];
        ahead.iter().map(|line| line.waiting.len()).sum()
    }

    /// How long a call behind `ahead` others will wait, as far as is known.
    pub(super) fn wait(&self, ahead: usize) -> Duration {
        Duration::try_from_secs_f64(self.interval_secs * (ahead + 1) as f64).unwrap_or_default()
    }

    /// Lets a call wait for at most `queue_timeout`.
    pub(super) fn push(&mut self, priority: Priority, queue_timeout: Duration) -> Turn {
        let (sender, receiver) = oneshot::channel();
        let id = self.next;
        self.next += 1;
        let now = Instant::now();
        let line = &mut self.lines[priority as usize];
        // What is left once everything else is shed waits as long as it may.
        let standing = line.stands(now, queue_timeout) && priority < Priority::Critical;
        line.waiting.push_back(Waiter { id, sender });
        Turn {
            id,
            receiver,
            patience: match standing {
                true => queue_timeout / STANDING_DIVISOR,
                false => queue_timeout,
            },
        }
    }

    /// Whose turn it is, if `enter` lets its priority in.
    pub(super) fn pop(
        &mut self,
        mut enter: impl FnMut(Priority) -> bool,
    ) -> Option<(Priority, oneshot::Sender<Seat>)> {
        for priority in Priority::ALL.into_iter().rev() {
            let line = &mut self.lines[priority as usize];
            if line.waiting.is_empty() {
                continue;
            }
            if !enter(priority) {
                continue;
            }
            let waiter = line.waiting.pop_front();
            line.settle();
            self.turn();
            return waiter.map(|waiter| (priority, waiter.sender));
        }
        None
    }

    /// Measures how long turns take.
    fn turn(&mut self) {
        if self.len() == 0 {
            self.turned = None;
            self.interval_secs = 0.0;
            return;
        }
        let now = Instant::now();
        if let Some(turned) = self.turned.replace(now) {
            let took = now.duration_since(turned).as_secs_f64();
            let weight = if self.interval_secs > 0.0 {
                INTERVAL_WEIGHT
            } else {
                1.0
            };
            self.interval_secs += (took - self.interval_secs) * weight;
        }
    }

    /// Takes a call out that does not wait any more, if it still did.
    pub(super) fn remove(&mut self, priority: Priority, id: u64) {
        let line = &mut self.lines[priority as usize];
        if let Ok(at) = line.waiting.binary_search_by_key(&id, |waiter| waiter.id) {
            line.waiting.remove(at);
            line.settle();
        }
    }

    /// Sends the latest of the least urgent calls away, if less urgent than
    /// `priority`. Whether there was one.
    pub(super) fn displace(&mut self, priority: Priority) -> bool {
        let less_urgent = &mut self.lines[..priority as usize];
        let Some(line) = less_urgent.iter_mut().find(|line| !line.waiting.is_empty()) else {
            return false;
        };
        line.waiting.pop_back();
        line.settle();
        true
    }
}

impl Line {
    /// Whether calls have been waiting for as long as one may. A moment in
    /// which the line was empty does not end it, a quarter of that time does.
    fn stands(&mut self, now: Instant, queue_timeout: Duration) -> bool {
        let calm = |emptied: Instant| now.duration_since(emptied) > queue_timeout / 4;
        if self.waiting.is_empty() && self.emptied.is_none_or(calm) {
            self.standing_since = Some(now);
        }
        self.standing_since
            .is_some_and(|since| now.duration_since(since) > queue_timeout)
    }

    fn settle(&mut self) {
        if self.waiting.is_empty() {
            self.emptied = Some(Instant::now());
        }
    }
}
