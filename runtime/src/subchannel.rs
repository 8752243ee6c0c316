//! One address: connected when first used, and again after every loss.

use crate::{
    engine::{Connection, Connector, Error},
    status::{Result, Status},
};
use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// The gRPC connection backoff document's numbers.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(120);
const BACKOFF_FACTOR: f64 = 1.6;
const BACKOFF_JITTER: f64 = 0.2;

/// One address and its connection.
#[derive(Debug)]
pub(crate) struct Subchannel {
    connector: Connector,
    state: Mutex<State>,
    changed: Notify,
}

/// The gRPC connectivity states, but for SHUTDOWN, which is `Drop` here.
#[derive(Debug)]
enum State {
    Idle,
    Connecting,
    Ready(Connection),
    TransientFailure {
        failures: u32,
        until: Instant,
        why: Arc<Error>,
    },
}

enum Step {
    Ready(Connection),
    Connect { failures: u32 },
    Wait(Option<Instant>),
}

impl Subchannel {
    pub(crate) fn new(connector: Connector) -> Self {
        Self {
            connector,
            state: Mutex::new(State::Idle),
            changed: Notify::new(),
        }
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// A connection that takes calls.
    ///
    /// # Errors
    /// UNAVAILABLE, with the cause, while the address cannot be reached; with
    /// `wait_for_ready` it waits instead.
    pub(crate) async fn connection(self: &Arc<Self>, wait_for_ready: bool) -> Result<Connection> {
        // Most calls find it connected, and listen for no change.
        if let State::Ready(connection) = &*self.lock()
            && connection.is_open()
        {
            return Ok(connection.clone());
        }
        // Whoever waited for a connection hears of its failure once, and no later one.
        let mut waited = false;
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            match self.step(wait_for_ready, waited)? {
                Step::Ready(connection) => return Ok(connection),
                Step::Connect { failures } => {
                    tokio::spawn(self.clone().connect(failures));
                    changed.await;
                }
                Step::Wait(None) => changed.await,
                Step::Wait(Some(until)) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(until) => {}
                },
            }
            waited = true;
        }
    }

    fn step(&self, wait_for_ready: bool, waited: bool) -> Result<Step> {
        let mut state = self.lock();
        let failures = match &*state {
            State::Ready(connection) if connection.is_open() => {
                return Ok(Step::Ready(connection.clone()));
            }
            State::Connecting => return Ok(Step::Wait(None)),
            State::TransientFailure {
                failures,
                until,
                why,
            } => {
                let backing_off = *until > Instant::now();
                if !wait_for_ready && (backing_off || waited) {
                    return Err(Status::unavailable(why.to_string()));
                }
                if backing_off {
                    return Ok(Step::Wait(Some(*until)));
                }
                *failures
            }
            State::Idle | State::Ready(_) => 0,
        };
        *state = State::Connecting;
        Ok(Step::Connect { failures })
    }

    async fn connect(self: Arc<Self>, failures: u32) {
        let started = Instant::now();
        let attempt = Attempt(&self);
        let connected = self.connector.connect().await;
        std::mem::forget(attempt);
        *self.lock() = match connected {
            Ok(connection) => State::Ready(connection),
            Err(error) => {
                let authority = &self.connector.target.authority;
                tracing::debug!(%authority, %error, failures, "cannot connect");
                State::TransientFailure {
                    failures: failures.saturating_add(1),
                    until: started + backoff(failures),
                    why: Arc::new(error),
                }
            }
        };
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt to connect that is dropped, as a runtime that shuts down does,
/// leaves it to the next call to try again.
struct Attempt<'a>(&'a Subchannel);

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        *self.0.lock() = State::Idle;
        self.0.changed.notify_waiters();
    }
}

/// How long after an attempt the next one may start.
fn backoff(failures: u32) -> Duration {
    let exponent = i32::try_from(failures).unwrap_or(i32::MAX);
    let grown = BACKOFF_MIN.as_secs_f64() * BACKOFF_FACTOR.powi(exponent);
    let base = grown.min(BACKOFF_MAX.as_secs_f64());
    Duration::from_secs_f64(base * (1.0 + BACKOFF_JITTER * (2.0 * random() - 1.0)))
}

/// Uniform in 0..1; the keys of a new `RandomState` are all it rests on.
fn random() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let bits = RandomState::new().hash_one(0u8);
    bits as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backs_off_as_the_document_says() {
        for (failures, seconds) in [
            (0, 1.0),
            (1, 1.6),
            (2, 2.56),
            (11, 120.0),
            (u32::MAX, 120.0),
        ] {
            let got = backoff(failures).as_secs_f64();
            let range = seconds * 0.8 - 1e-9..=seconds * 1.2 + 1e-9;
            assert!(range.contains(&got), "{failures}: {got}");
        }
    }
}
