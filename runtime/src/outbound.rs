//! The way out of a client: its layers, then a wire or another part of this process.

mod told;

#[cfg(feature = "service-config")]
use crate::service_config::ServiceConfig;
use crate::{
    body::{Body, Kind, of_broken},
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
    pool::{Pool, Subchannel},
    protocol,
    retry::{self, Attempt, Attempted, Budget, Failed, Fate, Made, Throttle, Tried},
    rules::{Rule, Rules},
    status::Result,
    underway::Underway,
};
use bytes::BytesMut;
use std::{fmt, sync::Arc};
use told::Told;

/// What every call of a channel goes through.
#[derive(Clone)]
pub(crate) struct Outbound {
    pub(crate) transport: Transport,
    pub(crate) layers: Layers,
    pub(crate) compression: Option<Compression>,
    pub(crate) rules: Arc<Rules>,
    budget: Arc<Budget>,
    pub(crate) metrics: Metrics,
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
        let throttle = Some(Throttle::default());
        Self {
            transport,
            layers: Layers::default(),
            compression: None,
            rules: Arc::default(),
            budget: Arc::new(Budget::new(throttle, &Limits::default(), metrics.clone())),
            metrics,
        }
    }

    /// The same under other rules, with retries of its own.
    pub(crate) fn ruled(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        let rules = Arc::make_mut(&mut self.rules);
        change(rules);
        let throttle = throttle(rules);
        self.budget = Arc::new(Budget::new(
            Some(throttle),
            &rules.limits,
            self.metrics.clone(),
        ));
        self
    }

    /// Whom it calls, for people.
    fn target(&self) -> &str {
        match &self.transport {
            Transport::Wire(pool) => pool.plan().connector.authority.as_str(),
            Transport::InProcess(_) => "in process",
            Transport::Named(name) => name,
        }
    }

    /// Makes a call by `rule`; its messages are still to be read.
    pub(crate) fn start(
        &self,
        method: Method,
        request: Request<Body>,
        options: CallOptions,
        rule: Rule,
    ) -> BoxFuture<Result<Response<Body>>> {
        explain::note(request.extensions(), || {
            let (path, target, layers) = (method.path(), self.target(), &self.layers);
            let within = request.deadline().map(|deadline| deadline.remaining());
            format!(
                "`{path}` to `{target}` within {:?}, through {layers:?}",
                within.unwrap_or_default()
            )
        });
        let end = Arc::new(Outgoing {
            transport: self.transport.clone(),
            budget: self.budget.clone(),
            rules: self.rules.clone(),
            method,
            compression: options.compression.unwrap_or(self.compression),
            options,
            rule,
        });
        self.layers.run(method, request, end)
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

/// The end of a call's way through the client's layers.
struct Outgoing {
    transport: Transport,
    budget: Arc<Budget>,
    rules: Arc<Rules>,
    method: Method,
    compression: Option<Compression>,
    options: CallOptions,
    rule: Rule,
}

impl Endpoint for Outgoing {
    fn call(self: Arc<Self>, mut request: Request<Body>) -> BoxFuture<Result<Response<Body>>> {
        Box::pin(async move {
            let (server, stay) = match &self.transport {
                Transport::Wire(pool) => return self.send(pool, request).await,
                Transport::InProcess(server) => (server.clone(), Stay::default()),
                Transport::Named(name) => in_process::reach(name, self.waits_for_ready()).await?,
            };
            if self.options.is_of_retry {
                retry::mark(request.metadata_mut());
            }
            server.call(self.method, request, stay).await
        })
    }
}

impl Outgoing {
    fn waits_for_ready(&self) -> bool {
        let said = self.options.wait_for_ready;
        said.unwrap_or(self.rule.wait_for_ready)
    }

    async fn send(&self, pool: &Arc<Pool>, request: Request<Body>) -> Result<Response<Body>> {
        let deadline = request.deadline();
        let hash = match self.options.hash.or_else(|| self.rules.hash(&request)) {
            None => hash_of(self.method, request.get_ref())?,
            hash => hash,
        };
        let connector = &pool.plan().connector;
        let request = protocol::request(
            connector,
            self.method,
            request,
            self.compression,
            self.rule.request_bytes_max,
        )?;
        let sending = Sending {
            pool: pool.clone(),
            wait_for_ready: self.waits_for_ready(),
            deadline,
            hash,
            response_bytes_max: self.rule.response_bytes_max,
        };
        let made = Made {
            deadline,
            is_of_retry: self.options.is_of_retry,
        };
        retry::call(
            Arc::new(sending),
            request,
            &self.rule.plan,
            &self.budget,
            made,
        )
        .await
    }
}

/// The hash that a method's `hash_field` gives its request.
fn hash_of(method: Method, body: &Body) -> Result<Option<u64>> {
    let Kind::One(message) = &body.kind else {
        return Ok(None);
    };
    if !method.has_hash() {
        return Ok(None);
    }
    let mut framed = BytesMut::new();
    message.frame(None, &mut framed)?;
    Ok(method.hash(&framed[crate::body::PREFIX_BYTES..]))
}

/// Makes the attempts of one call.
struct Sending {
    pool: Arc<Pool>,
    wait_for_ready: bool,
    deadline: Option<Deadline>,
    hash: Option<u64>,
    response_bytes_max: usize,
}

impl Attempt for Sending {
    fn attempt(
        self: Arc<Self>,
        request: http::Request<HttpBody>,
        tried: Tried,
    ) -> BoxFuture<Attempted> {
        Box::pin(async move { self.send(request, tried).await })
    }
}

impl Sending {
    async fn send(&self, mut request: http::Request<HttpBody>, tried: Tried) -> Attempted {
        let told = Told::of(&request);
        let journal = told.as_ref().and_then(Told::journal);
        let picked = self
            .pool
            .pick(self.hash, &tried, self.wait_for_ready, journal);
        let subchannel = match picked.await {
            Ok(subchannel) => subchannel,
            Err(status) => {
                if let Some(told) = told {
                    told.nowhere(&self.pool, &status);
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
            told.picked(&self.pool, &subchannel, self.hash.is_some(), again);
        }
        tried.picked(id);
        protocol::stamp_timeout(&mut request, self.deadline);
        let underway = subchannel.call(self.deadline);
        let outcome = match subchannel.connection.send(request).await {
            Ok(response) => {
                subchannel.answered();
                let response = protocol::response(response, self.response_bytes_max, underway);
                response.map_err(|status| Failed {
                    status,
                    fate: Fate::Unknown,
                })
            }
            Err(unanswered) => Err(failed(unanswered, underway, &subchannel)),
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

fn failed(unanswered: Unanswered, underway: Underway, subchannel: &Subchannel) -> Failed {
    let mut status = of_broken(&unanswered.why);
    if let Some(unsent) = unanswered.unsent {
        underway.forget();
        let fate = Fate::Unsent(Box::new(unsent));
        return Failed { status, fate };
    }
    if unanswered.why.is_unprocessed() {
        underway.forget();
        let fate = Fate::Unprocessed;
        return Failed { status, fate };
    }
    underway.ended(Err(&mut status));
    let lost = matches!(unanswered.why, Broken::Lost(_)) && !subchannel.broke();
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
