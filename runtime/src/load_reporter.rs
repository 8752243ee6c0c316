//! Tells callers how busy a server is.

use crate::{
    balance::LoadReport,
    body::Body,
    layer::{Layer, Next},
    message::{Request, Response},
    outlier::Outcome,
    status::Result,
};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// In which all but 37 % of the calls there were is forgotten.
const DECAY: Duration = Duration::from_secs(5);

/// Calls in a shorter time than this are no rate.
const AGE_MIN: Duration = Duration::from_secs(1);

/// A server's layer that tells all callers how busy the server is, with each reply
/// and each status (gRFC A51, per-query reports). Channels with a
/// [`WeightedRoundRobin`](crate::WeightedRoundRobin), those of other gRPC
/// implementations too, send more calls to servers that do more with less.
///
/// It counts the calls and the failures among them itself, a stream when it begins:
/// what is told at its end was so then. Calls that are refused before they come to
/// it, since there are too many, are neither.
///
/// ```
/// use cordial_runtime::{LoadReporter, Server};
/// # fn processor_time() -> f64 { 0.4 }
///
/// let server = Server::new().layer(LoadReporter::new(processor_time));
/// ```
pub struct LoadReporter<F> {
    utilization: F,
    rates: Mutex<Rates>,
}

/// Calls, each counting less as time passes.
struct Rates {
    began: Instant,
    last: Instant,
    calls: f64,
    failures: f64,
}

impl<F: Fn() -> f64 + Send + Sync + 'static> LoadReporter<F> {
    /// `utilization` says how much of what it can do the server does: 1 is all, 0
    /// is not known. It is asked for every call, so it should give what was
    /// measured before, best over some 5 s, as calls are counted.
    pub fn new(utilization: F) -> Self {
        let now = Instant::now();
        Self {
            utilization,
            rates: Mutex::new(Rates {
                began: now,
                last: now,
                calls: 0.0,
                failures: 0.0,
            }),
        }
    }

    /// What to tell with a call that ends now.
    fn report(&self, failed: bool) -> LoadReport {
        let (qps, eps) = self.count(failed);
        LoadReport {
            qps,
            eps,
            utilization: (self.utilization)(),
        }
    }
}

impl<F> LoadReporter<F> {
    /// One more call; how many calls there are in a second, and how many failures.
    fn count(&self, failed: bool) -> (f64, f64) {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.count(failed, Instant::now())
    }
}

impl Rates {
    /// One more call; how many calls there are in a second, and how many failures.
    fn count(&mut self, failed: bool, now: Instant) -> (f64, f64) {
        let kept = |since: Duration| (-since.as_secs_f64() / DECAY.as_secs_f64()).exp();
        // Another thread may have counted what is a little later than this.
        let kept_since_last = kept(now.saturating_duration_since(self.last));
        self.last = self.last.max(now);
        self.calls = self.calls * kept_since_last + 1.0;
        self.failures = self.failures * kept_since_last + f64::from(u8::from(failed));
        // How many seconds count, if each counts less the longer it is ago.
        let age = now.saturating_duration_since(self.began).max(AGE_MIN);
        let seconds = DECAY.as_secs_f64() * (1.0 - kept(age));
        (self.calls / seconds, self.failures / seconds)
    }
}

/// A call that its deadline, its caller or a panic ends counts as one that failed.
struct Unfinished<'a, F>(&'a LoadReporter<F>);

impl<F> Drop for Unfinished<'_, F> {
    fn drop(&mut self) {
        self.0.count(true);
    }
}

impl<F: Fn() -> f64 + Send + Sync + 'static> Layer for LoadReporter<F> {
    async fn call(&self, request: Request<Body>, next: Next) -> Result<Response<Body>> {
        let unfinished = Unfinished(self);
        let mut reply = next.run(request).await;
        std::mem::forget(unfinished);
        let outcome = reply
            .as_ref()
            .map_or_else(Outcome::of, |_| Outcome::Answered);
        let report = self.report(outcome.is_failure());
        report.attach_to(match &mut reply {
            Ok(response) => response.trailers_mut(),
            Err(status) => status.metadata_mut(),
        });
        reply
    }
}

impl<F> fmt::Debug for LoadReporter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadReporter").finish_non_exhaustive()
    }
}
