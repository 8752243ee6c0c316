//! Handles as many calls at once as can be handled quickly, and sheds the rest.

mod gate;
mod gradient;
mod place;
mod queue;
mod samples;
mod shed;

use crate::{
    body::Body,
    layer::{Layer, Next},
    limits::Limits,
    message::{Request, Response},
    method::{Method, MethodKind},
    metrics::Metrics,
    priority::Priority,
    status::Result,
    stopwatch::Stopwatch,
};
use gate::Gate;
use gradient::Gradient;
use std::{fmt, sync::Arc};

pub(crate) use gate::Entry;
pub(crate) use place::Place;
pub(crate) use shed::{Shed, Why};

/// Unary calls that are always handled at once, however slow.
const CALLS_MIN: usize = 20;

/// Handles as many unary calls at once as can be handled quickly, lets a few
/// wait, and sheds the rest before anything of them is decoded.
///
/// Every server has an adaptive one; [`Server::concurrency_limit`] replaces it.
/// As a [`Layer`] it bounds the calls of a channel, or those that came through
/// the layers before it.
///
/// It limits nothing until calls take twice as long as they usually do, each
/// compared with others of its method. Then the limit goes down to what is in
/// flight and below, until they are as quick again, and up whenever they are.
/// Streams last as long as their readers like: they give no measure, and are
/// bounded by [`Limits::calls_max`] alone.
///
/// A call over the limit waits for at most [`Limits::queue_timeout`], with
/// [`Limits::queued_calls_max`] others; one whose deadline would pass before
/// its turn is refused at once. Calls that matter more ([`Priority`]) go first,
/// and a tenth of the limit is kept for each higher priority. A refusal is
/// UNAVAILABLE, says why, and when to come back (`grpc-retry-pushback-ms`).
///
/// ```
/// use cordial_runtime::{ConcurrencyLimit, Priority, Server};
///
/// let limit = ConcurrencyLimit::adaptive().with_priority(|method, request| {
///     match request.metadata().get("x-batch") {
///         Some(_) => Priority::Sheddable,
///         None => Priority::of_call(method, request.metadata()),
///     }
/// });
/// let server = Server::new().concurrency_limit(limit);
/// ```
///
/// [`Server::concurrency_limit`]: crate::Server::concurrency_limit
#[derive(Clone)]
pub struct ConcurrencyLimit {
    calls_min: usize,
    calls_max: usize,
    priority: Arc<PriorityOf>,
    gate: Arc<Gate>,
}

type PriorityOf = dyn Fn(Method, &Request<Body>) -> Priority + Send + Sync;

impl ConcurrencyLimit {
    /// A limit that follows measured latencies; at least 20 calls.
    pub fn adaptive() -> Self {
        Self::between(CALLS_MIN, usize::MAX)
    }

    /// A limit that follows measured latencies between `calls_min` and `calls_max`.
    pub fn between(calls_min: usize, calls_max: usize) -> Self {
        let priority =
            |method: Method, request: &Request<Body>| Priority::of_call(method, request.metadata());
        let calls_max = calls_max.max(1);
        let calls_min = calls_min.clamp(1, calls_max);
        Self {
            calls_min,
            calls_max,
            priority: Arc::new(priority),
            gate: Arc::new(gate(
                calls_min,
                calls_max,
                &Limits::default(),
                Metrics::default(),
            )),
        }
    }

    /// Always `calls_max` calls.
    pub fn fixed(calls_max: usize) -> Self {
        Self::between(calls_max, calls_max)
    }

    /// The same with a queue as `limits` has it. A server brings its own.
    #[must_use]
    pub fn with_limits(self, limits: &Limits) -> Self {
        self.within(limits, Metrics::default())
    }

    /// The same with calls as important as `priority` says. Without it their
    /// metadata does, and health checks are critical: [`Priority::of_call`].
    #[must_use]
    pub fn with_priority(
        mut self,
        priority: impl Fn(Method, &Request<Body>) -> Priority + Send + Sync + 'static,
    ) -> Self {
        self.priority = Arc::new(priority);
        self
    }

    /// How many calls are handled at once now.
    pub fn limit(&self) -> usize {
        self.gate.gradient.learned()
    }

    /// The same, counting in `metrics`.
    pub(crate) fn within(mut self, limits: &Limits, metrics: Metrics) -> Self {
        self.gate = Arc::new(gate(self.calls_min, self.calls_max, limits, metrics));
        self
    }

    pub(crate) fn priority_of(&self, method: Method, request: &Request<Body>) -> Priority {
        (self.priority)(method, request)
    }

    /// Lets a call in, queues it, or refuses it. `None` is let in and not counted.
    pub(crate) fn enter(
        &self,
        method: Method,
        priority: Priority,
        request: &mut Request<Body>,
    ) -> Result<Option<Entry>> {
        if method.kind() != MethodKind::Unary {
            return Ok(None);
        }
        let stopwatch = Stopwatch::start();
        let entry = self
            .gate
            .enter(method, priority, request.deadline(), &stopwatch)?;
        request.get_mut().time_arrival(stopwatch);
        Ok(Some(entry))
    }
}

/// A limit cannot be more than what is in flight on the whole server.
fn gate(calls_min: usize, calls_max: usize, limits: &Limits, metrics: Metrics) -> Gate {
    let calls_max = calls_max.min(limits.calls_max).max(1);
    Gate::new(Gradient::new(calls_min, calls_max), limits, metrics)
}

impl Entry {
    /// Waits for the turn, if there is one to wait for.
    pub(crate) async fn place(self) -> Result<Place> {
        match self {
            Self::Open(place) => Ok(place),
            Self::Waiting(waiting) => waiting.turn().await,
        }
    }
}

impl Layer for ConcurrencyLimit {
    async fn call(&self, mut request: Request<Body>, next: Next) -> Result<Response<Body>> {
        let method = next.method();
        let priority = self.priority_of(method, &request);
        let Some(entry) = self.enter(method, priority, &mut request)? else {
            return next.run(request).await;
        };
        let place = crate::guard::until(request.deadline(), entry.place()).await?;
        let response = next.run(request).await?;
        place.answered();
        Ok(response)
    }
}

impl Default for ConcurrencyLimit {
    fn default() -> Self {
        Self::adaptive()
    }
}

impl fmt::Debug for ConcurrencyLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrencyLimit")
            .field("calls_min", &self.calls_min)
            .field("calls_max", &self.calls_max)
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}
