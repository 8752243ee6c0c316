//! Looks up again and again: before an answer is too old, sooner if its
//! endpoints fail, later if nobody answers.

use super::{Refresh, news::News};
use crate::{
    backoff::backoff, endpoint::Endpoint, reply::BoxStream, status::Result, unfold::unfold,
};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Between two look-ups that went well, whatever their answer says of its time to
/// live and however often the next is asked for. The DNS resolver of other gRPC
/// implementations waits 30 s, and then looks up only because it is asked; here
/// short times to live are heeded, as clusters give them whose endpoints come and go.
pub(super) const INTERVAL_MIN: Duration = Duration::from_secs(5);

/// How long an answer is taken for true at most. One question in five minutes costs
/// nothing, and a record that says a day was written by somebody who did not expect
/// to move.
pub(super) const INTERVAL_MAX: Duration = Duration::from_secs(300);

/// How much of an answer's time to live has passed when it is looked up again:
/// between these, so that clients that began together do not ask together.
const FRESH_MIN: f64 = 0.8;
const FRESH_MAX: f64 = 0.95;

/// How much longer the shortest pause is than [`INTERVAL_MIN`], by chance.
const INTERVAL_JITTER: f64 = 0.2;

/// Asks whoever knows, once.
pub(super) trait LookUp: Send + 'static {
    /// Ends within a time of its own. What it could not find out is UNAVAILABLE.
    fn look_up(&self) -> impl Future<Output = Result<Answer>> + Send;
}

/// What is known now.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) endpoints: Vec<Endpoint>,
    /// How long that may be taken for true.
    pub(super) fresh: Duration,
}

/// Every answer that differs from the one before, and every error.
pub(super) fn again(look_up: impl LookUp + Sync, refresh: Refresh) -> BoxStream<Vec<Endpoint>> {
    let now = Instant::now();
    let again = Again {
        look_up,
        refresh,
        due: now,
        not_before: now,
        failures: 0,
        news: News::default(),
    };
    unfold(again, Again::next)
}

struct Again<L> {
    look_up: L,
    refresh: Refresh,
    /// When to look up next,
    due: Instant,
    /// and when at the earliest, if that is asked for.
    not_before: Instant,
    /// How many look-ups have failed in a row.
    failures: u32,
    news: News,
}

impl<L: LookUp> Again<L> {
    async fn next(mut self) -> (Result<Vec<Endpoint>>, Self) {
        loop {
            self.wait().await;
            // Whatever asked for this look-up has its answer with it.
            self.refresh.forget().await;
            let began = Instant::now();
            match self.look_up.look_up().await {
                Ok(answer) => {
                    self.failures = 0;
                    self.not_before = began + INTERVAL_MIN;
                    self.due = Instant::now() + interval(answer.fresh, fastrand::f64());
                    if let Some(endpoints) = self.news.of(answer.endpoints) {
                        return (Ok(endpoints), self);
                    }
                }
                Err(status) => {
                    self.due = Instant::now() + backoff(self.failures, fastrand::f64());
                    self.not_before = self.due;
                    self.failures = self.failures.saturating_add(1);
                    self.news.forget();
                    return (Err(status), self);
                }
            }
        }
    }

    async fn wait(&self) {
        tokio::select! {
            () = sleep_until(self.due) => {}
            () = self.refresh.asked() => sleep_until(self.due.min(self.not_before)).await,
        }
    }
}

/// How long to wait after an answer; `random` in 0..1.
fn interval(fresh: Duration, random: f64) -> Duration {
    let part = FRESH_MIN + (FRESH_MAX - FRESH_MIN) * random;
    let interval = fresh.min(INTERVAL_MAX).mul_f64(part);
    match interval < INTERVAL_MIN {
        true => INTERVAL_MIN.mul_f64(1.0 + INTERVAL_JITTER * random),
        false => interval,
    }
}

#[cfg(test)]
mod tests;
