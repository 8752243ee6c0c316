//! The way out of a client: its layers, then a wire or another part of this process.

mod told;

#[cfg(feature = "service-config")]
use crate::service_config::ServiceConfig;
use crate::{
    body::{Body, of_broken},
    compression::Compression,
    deadline::Deadline,
    engine::{BoxFuture, Broken, HttpBody, Unanswered},
    explain,
    in_process::{self, InProcess, Stay},
    layer::{Endpoint, Layers},
    limits::Limits,
    message::{Request, Response},
    method::Method,
    metrics::Metrics,
    pool::Pool,
    protocol,
    retry::{self, Attempt, Attempted, Budget, Failed, Fate, Made, Throttle, Tried},
    rules::{Rule, Rules},
    status::Result,
    underway::Underway,
};
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};
use told::Told;

/// What every call of a channel goes through. Cheap to clone; a clone that is changed
/// is another one from then on.
#[derive(Clone)]
pub(crate) struct Outbound(Arc<Way>);

#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) transport: Transport,
    pub(crate) layers: Layers,
    pub(crate) compression: Option<Compression>,
    pub(crate) metrics: Metrics,
    rules: Rules,
    budget: Arc<Budget>,
}

#[derive(Clone)]
pub(crate) enum Transport {
    Wire(Arc<Pool>),
    InProcess(Arc<InProcess>),
    /// Whoever has this name in this process when a call is made.
    Named(Arc<str>),
}

/// What one call asks of the channel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallOptions {
    pub(crate) wait_for_ready: Option<bool>,
    pub(crate) compression: Option<Option<Compression>>,
    /// Calls of one hash go to one address, by a balancer that heeds it.
    pub(crate) hash: Option<u64>,
    /// Made because another call failed, and so not to be retried in its turn.
    pub(crate) is_of_retry: bool,
}

impl Outbound {
    pub(crate) fn new(transport: Transport) -> Self {
        let metrics = match &transport {
            Transport::Wire(pool) => pool.plan().connector.metrics.clone(),
            Transport::InProcess(_) | Transport::Named(_) => Metrics::default(),
        };
        let limits = Limits::default();
        let budget = Budget::new(Throttle::default(), &limits, metrics.clone());
        Self(Arc::new(Way {
            transport,
            layers: Layers::default(),
            compression: None,
            metrics,
            rules: Rules::default(),
            budget: Arc::new(budget),
        }))
    }

    /// Whom it calls, for people.
    fn target(&self) -> &str {
        match &self.transport {
            Transport::Wire(pool) => pool.plan().connector.authority.as_str(),
            Transport::InProcess(_) => "in process",
            Transport::Named(name) => name,
        }
    }

    /// The same under other rules, with retries of its own.
    pub(crate) fn ruled(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        let rules = &mut self.rules;
        change(rules);
        let (throttle, limits) = (throttle(rules), rules.limits.clone());
        let budget = Budget::new(throttle, &limits, self.metrics.clone());
        self.budget = Arc::new(budget);
        self
    }
}

impl Deref for Outbound {
    type Target = Way;

    fn deref(&self) -> &Way {
        &self.0
    }
}

impl DerefMut for Outbound {
    fn deref_mut(&mut self) -> &mut Way {
        Arc::make_mut(&mut self.0)
    }
}

#[cfg(feature = "service-config")]
fn throttle(rules: &Rules) -> Throttle {
    let config = rules.config.as_ref();
    let said = config.and_then(ServiceConfig::retry_throttling);
    let said = said.map(|said| Throttle::new(said.max_tokens, said.token_ratio));
    said.unwrap_or_default()
}

#[cfg(not(feature = "service-config"))]
fn throttle(_: &Rules) -> Throttle {
    Throttle::default()
}

/// One call on its way out. Its layers pass it on to its end: its transport.
#[derive(Clone)]
pub(crate) struct Outgoing {
    outbound: Outbound,
    method: Method,
    options: CallOptions,
    rule: Rule,
}

impl Outgoing {
    pub(crate) fn new(outbound: Outbound, method: Method, options: CallOptions) -> Self {
        let rule = outbound.rules.of(method);
        Self {
            outbound,
            method,
            options,
            rule,
        }
    }

    /// What holds for it.
    pub(crate) fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Makes the call; its messages are still to be read.
    pub(crate) async fn start(&self, request: Request<Body>) -> Result<Response<Body>> {
        let layers = &self.outbound.layers;
        explain::note(request.extensions(), || {
            let (path, target) = (self.method.path(), self.outbound.target());
            let within = request.deadline().map(|deadline| deadline.remaining());
            format!(
                "`{path}` to `{target}` within {:?}, through {layers:?}",
                within.unwrap_or_default()
            )
        });
        match layers.is_empty() {
            true => self.send(request).await,
            false => {
                let end = Arc::new(self.clone());
                layers.run(self.method, request, end).await
            }
        }
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>> {
        match &self.outbound.transport {
            Transport::Wire(pool) => {
                let (sender, request) = self.prepare(pool, request)?;
                let made = Made {
                    deadline: sender.deadline,
                    is_of_retry: self.options.is_of_retry,
                };
                let budget = &self.outbound.budget;
                retry::call(&sender, request, &self.rule.plan, budget, made).await
            }
            // In a box: calls over a wire would be as large.
            Transport::InProcess(server) => {
                let (server, stay) = (server.clone(), Stay::default());
                Box::pin(self.send_here(server, stay, request)).await
            }
            Transport::Named(name) => {
                let (server, stay) = in_process::reach(name, self.waits_for_ready()).await?;
                Box::pin(self.send_here(server, stay, request)).await
            }
        }
    }

    async fn send_here(
        &self,
        server: Arc<InProcess>,
        stay: Stay,
        mut request: Request<Body>,
    ) -> Result<Response<Body>> {
        if self.options.is_of_retry {
            retry::mark(request.metadata_mut());
        }
        server.call(self.method, request, stay).await
    }

    fn waits_for_ready(&self) -> bool {
        let said = self.options.wait_for_ready;
        said.unwrap_or(self.rule.wait_for_ready)
    }

    /// The request to send, and who sends it.
    fn prepare<'a>(
        &self,
        pool: &'a Pool,
        request: Request<Body>,
    ) -> Result<(Sender<'a>, http::Request<HttpBody>)> {
        let deadline = request.deadline();
        let hash = self.options.hash;
        let hash = hash.or_else(|| self.outbound.rules.hash(&request));
        let encoded = protocol::request(
            &pool.plan().connector,
            self.method,
            request,
            self.options
                .compression
                .unwrap_or(self.outbound.compression),
            self.rule.request_bytes_max,
        )?;
        let sender = Sender {
            pool,
            method: self.method.path(),
            wait_for_ready: self.waits_for_ready(),
            deadline,
            hash: hash.or(encoded.hash),
            response_bytes_max: self.rule.response_bytes_max,
        };
        Ok((sender, encoded.request))
    }
}

impl Endpoint for Outgoing {
    fn call(self: Arc<Self>, request: Request<Body>) -> BoxFuture<Result<Response<Body>>> {
        Box::pin(async move { self.send(request).await })
    }
}

/// Makes the attempts of one call.
struct Sender<'a> {
    pool: &'a Pool,
    method: &'static str,
    wait_for_ready: bool,
    deadline: Option<Deadline>,
    hash: Option<u64>,
    response_bytes_max: usize,
}

impl Attempt for Sender<'_> {
    async fn attempt(&self, request: Box<http::Request<HttpBody>>, tried: Tried) -> Attempted {
        let told = Told::of(&request);
        let journal = told.as_ref().and_then(Told::journal);
        let picked = self
            .pool
            .pick(self.method, self.hash, &tried, self.wait_for_ready, journal);
        let subchannel = match picked.await {
            Ok(subchannel) => subchannel,
            Err(status) => {
                if let Some(told) = told {
                    told.nowhere(self.pool, &status);
                }
                let fate = Fate::Unknown;
                return Attempted {
                    subchannel: None,
                    outcome: Err(Failed { status, fate }),
                };
            }
        };
        let id = subchannel.candidate.id;
        if let Some(told) = &told {
            let again = tried.read(|tried| tried.contains(&id));
            told.picked(self.pool, &subchannel, self.hash.is_some(), again);
        }
        tried.picked(id);
        let mut underway = subchannel.call(self.deadline);
        let stamp = |request: &mut http::Request<HttpBody>| {
            protocol::stamp(request.headers_mut(), self.deadline);
        };
        let answered = match subchannel.connection.begin(request, stamp).await {
            Ok(begun) => {
                underway.begun();
                begun.await
            }
            Err(unsent) => Err(unsent),
        };
        let outcome = match answered {
            Ok(response) => {
                subchannel.answered();
                let response = protocol::response(response, self.response_bytes_max, underway);
                response.map_err(|status| Failed {
                    status,
                    fate: Fate::Unknown,
                })
            }
            Err(unanswered) => Err(failed(unanswered, underway)),
        };
        if let Some(told) = told {
            told.ended(&subchannel, &outcome);
        }
        Attempted {
            subchannel: Some(id),
            outcome,
        }
    }
}

fn failed(unanswered: Unanswered, underway: Underway) -> Failed {
    let mut status = of_broken(&unanswered.why);
    if let Some(unsent) = unanswered.unsent {
        underway.forget();
        let fate = Fate::Unsent(unsent);
        return Failed { status, fate };
    }
    if unanswered.why.is_unprocessed() {
        underway.forget();
        let fate = Fate::Unprocessed;
        return Failed { status, fate };
    }
    underway.ended(Err(&mut status));
    let lost = matches!(&unanswered.why, Broken::Lost(loss) if !loss.is_news());
    let fate = if lost { Fate::Lost } else { Fate::Unknown };
    Failed { status, fate }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("target", &self.target())
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}
