//! Calls that start when they are due, whatever became of those before.

use super::{
    client::{Ask, Client, Method},
    pb::Order,
};
use crate::Result;
use cordial::Priority;
use serde::Serialize;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::{JoinHandle, JoinSet};
use tonic::Code;

/// How much later than its deadline a call may end before it counts as one that
/// never did.
const HANGS_AFTER: Duration = Duration::from_secs(2);

/// What became of one call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: u64,
    pub(super) ask: Ask,
    pub(super) due: Instant,
    pub(super) ended: Instant,
    /// `None` of one that never ended.
    pub(super) code: Option<Code>,
    /// If its reply says.
    attempts: Option<u32>,
    why: String,
}

/// The same for people to read.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Failed {
    id: u64,
    method: Method,
    due_ms: f64,
    took_ms: f64,
    code: String,
    why: String,
}

impl Call {
    pub(super) fn is_ok(&self) -> bool {
        self.code == Some(Code::Ok)
    }

    /// From when it was due.
    pub(super) fn took(&self) -> Duration {
        self.ended.duration_since(self.due)
    }

    pub(super) fn priority(&self) -> Option<Priority> {
        self.ask.priority
    }

    pub(super) fn was_retried(&self) -> bool {
        self.attempts.is_some_and(|attempts| attempts > 1)
    }

    pub(super) fn failed(&self, began: Instant) -> Failed {
        Failed {
            id: self.id,
            method: self.ask.method,
            due_ms: self.due.duration_since(began).as_secs_f64() * 1e3,
            took_ms: self.took().as_secs_f64() * 1e3,
            code: self
                .code
                .map_or("never ended".into(), |code| format!("{code:?}")),
            why: self.why.clone(),
        }
    }
}

/// A call of its own for each number.
pub(super) type Asking = fn(Order) -> Ask;

/// An open-loop generator.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) began: Instant,
    stopped: Arc<AtomicBool>,
    calls: JoinHandle<Vec<Call>>,
}

impl Load {
    /// Makes `per_second` calls from now on.
    pub(super) fn start(client: &Client, per_second: u32, asking: Asking) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let began = Instant::now();
        let schedule = Schedule {
            client: client.clone(),
            began,
            step: Duration::from_secs(1) / per_second,
            stopped: stopped.clone(),
        };
        Self {
            began,
            stopped,
            calls: tokio::spawn(schedule.run(asking)),
        }
    }

    /// Makes no more calls; all there were, once they have ended.
    pub(super) async fn finish(self) -> Result<Vec<Call>> {
        self.stopped.store(true, Ordering::Relaxed);
        Ok(self.calls.await?)
    }
}

struct Schedule {
    client: Client,
    began: Instant,
    step: Duration,
    stopped: Arc<AtomicBool>,
}

impl Schedule {
    async fn run(self, asking: Asking) -> Vec<Call> {
        let mut calls = JoinSet::new();
        let mut due = self.began;
        let mut id = 0;
        while !self.stopped.load(Ordering::Relaxed) {
            tokio::time::sleep_until(due.into()).await;
            while due <= Instant::now() {
                let order = Order {
                    id,
                    ..Order::default()
                };
                calls.spawn(make(self.client.clone(), asking(order), due));
                id += 1;
                due += self.step;
            }
        }
        calls.join_all().await
    }
}

async fn make(client: Client, ask: Ask, due: Instant) -> Call {
    let call = client.call(&ask);
    let ended = tokio::time::timeout(ask.timeout + HANGS_AFTER, call).await;
    let (code, attempts, why) = match ended {
        Ok(Ok(done)) => (
            Some(Code::Ok),
            Some(done.attempts_before + 1),
            String::new(),
        ),
        Ok(Err(status)) => (Some(status.code()), None, status.message().to_owned()),
        Err(_) => (None, None, String::new()),
    };
    Call {
        id: ask.order.id,
        ask,
        due,
        ended: Instant::now(),
        code,
        attempts,
        why,
    }
}

/// Calls a second that succeed when so many are always in flight: the next starts
/// when one ends.
pub(super) async fn throughput(client: &Client, in_flight: usize, span: Duration, ask: Ask) -> f64 {
    let until = Instant::now() + span;
    let callers = (0..in_flight).map(|_| {
        let client = client.clone();
        async move {
            let mut done = 0_u32;
            while Instant::now() < until {
                done += u32::from(client.call(&ask).await.is_ok());
            }
            done
        }
    });
    let callers: JoinSet<u32> = callers.collect();
    let done: u32 = callers.join_all().await.into_iter().sum();
    f64::from(done) / span.as_secs_f64()
}
