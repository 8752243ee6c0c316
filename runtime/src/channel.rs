//! How a client reaches a service.

use crate::{
    balance::Balancer,
    body::Body,
    call::Call,
    compression::Compression,
    engine::{Connector, Error},
    in_process::InProcess,
    layer::Layer,
    limits::Limits,
    message::{IntoRequest, IntoStreamingRequest, Request},
    method::Method,
    metrics::{Metric, Metrics},
    outbound::{Outbound, Transport},
    outlier::OutlierDetection,
    policy::MethodPolicy,
    pool::{Plan, Pool},
    protocol,
    registry::Registry,
    resolver::{Destination, Resolver, Target},
    spread::Spread,
    status::Result,
    streaming::Streaming,
};
#[cfg(feature = "tls")]
use http::uri::Scheme;
use prost::Message;
use std::{fmt, sync::Arc};
use tokio_stream::StreamExt;

/// Reaches a service. Cheap to clone; clones share connections. Calls take
/// `&self` and may run at the same time.
#[derive(Clone)]
pub struct Channel(Outbound);

impl Channel {
    /// A channel to the service at `uri`: `http://host:port`, `https://host:port`
    /// (TLS), `dns:///host:port`, `static:///host:port,host:port`, `ipv4:…`, `ipv6:…`,
    /// `unix:/path`, `in-process:name` ([`Server::serve_in_process`]), or a service in a
    /// registry, `memory://name/package.Service` and whatever [`Scheme`]s there are. It
    /// connects when first used, and again after a loss; calls go to whichever
    /// addresses answer.
    ///
    /// [`Server::serve_in_process`]: crate::Server::serve_in_process
    /// [`Scheme`]: crate::Scheme
    ///
    /// # Errors
    /// `Address` when `uri` is none of these.
    pub fn to(uri: impl AsRef<str>) -> Result<Self, Error> {
        Ok(match Target::parse(uri.as_ref())? {
            Target::Network(destination) => Self::toward(destination),
            Target::InProcess(name) => Self(Outbound::new(Transport::Named(name.into()))),
        })
    }

    /// A channel to the service called `authority` (`host` or `host:port`), which
    /// runs where `resolver` says.
    ///
    /// # Errors
    /// `Address` when `authority` is none, or has a user name.
    pub fn resolved_by(authority: &str, resolver: impl Resolver) -> Result<Self, Error> {
        let destination = Destination::resolved_by(authority, Arc::new(resolver))?;
        Ok(Self::toward(destination))
    }

    /// A channel to `service`, `orders.v1.Orders` say, which runs where `registry`
    /// lists it. [`RegistryResolver`](crate::RegistryResolver) says what is believed
    /// of it; the name of the service is the one a certificate is checked for.
    ///
    /// # Errors
    /// `Address` when `service` is no full name of a service.
    pub fn registered_in(service: &str, registry: impl Registry) -> Result<Self, Error> {
        Ok(Self::toward(Destination::registered(service, registry)?))
    }

    fn toward(destination: Destination) -> Self {
        let connector = Connector {
            scheme: destination.scheme,
            authority: destination.authority,
            limits: Limits::default(),
            metrics: Metrics::default(),
            announced: protocol::announced,
            doublings: Arc::default(),
            #[cfg(feature = "tls")]
            tls: crate::engine::ClientTls::new(),
        };
        let pool = Pool::new(Plan {
            connector: Arc::new(connector),
            resolver: destination.resolver,
            said: Spread::default(),
            configured: Spread::default(),
        });
        Self(Outbound::new(Transport::Wire(Arc::new(pool))))
    }

    pub(crate) fn in_process(server: InProcess) -> Self {
        Self(Outbound::new(Transport::InProcess(Arc::new(server))))
    }

    /// Passes every call through `layer` too, inside the layers added before.
    #[must_use]
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.0.layers.push(layer);
        self
    }

    /// Compresses what is sent, unless a call says otherwise.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.0.compression = Some(compression);
        self
    }

    /// The same service within other limits, on connections of its own.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        let mut channel = self.again(|plan| {
            Arc::make_mut(&mut plan.connector).limits = limits.clone();
        });
        channel.0 = channel.0.ruled(|rules| rules.limits = limits);
        channel
    }

    /// The same service with TLS, of this trust and identity, on connections of
    /// its own. A Unix socket stays plain.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(self, tls: crate::engine::ClientTls) -> Self {
        self.again(|plan| {
            let connector = Arc::make_mut(&mut plan.connector);
            connector.scheme = Scheme::HTTPS;
            connector.tls = tls;
        })
    }

    /// The same service with its calls spread by `balancer`, on connections of its
    /// own. Without it, one address has all calls and several have them by
    /// [`LeastRequest`](crate::LeastRequest).
    #[must_use]
    pub fn with_balancer(self, balancer: impl Balancer) -> Self {
        self.again(|plan| plan.said.balancer = Some(Arc::new(balancer)))
    }

    /// The same service with other rules for which addresses are left alone, on
    /// connections of its own.
    #[must_use]
    pub fn with_outlier_detection(self, outlier_detection: OutlierDetection) -> Self {
        self.again(|plan| plan.said.outlier_detection = Some(outlier_detection))
    }

    /// Makes calls by `policy`, unless they say otherwise themselves. What it does
    /// not say, the service config does, or else the .proto.
    #[must_use]
    pub fn with_policy(mut self, policy: MethodPolicy) -> Self {
        self.0 = self.0.ruled(|rules| rules.policy = policy);
        self
    }

    /// The same service with calls to those addresses alone whose server says, by
    /// `grpc.health.v1.Health/Watch`, that `service` is SERVING (gRFC A17), on
    /// connections of its own. The empty name asks for the server as a whole. A server
    /// that knows no health service has calls; a channel that keeps to the first
    /// address that answers, as with one address, does not ask.
    #[must_use]
    pub fn with_health_check(self, service: impl Into<Arc<str>>) -> Self {
        self.again(|plan| plan.said.health_check = Some(service.into()))
    }

    /// Makes calls by gRPC's service config, unless they or code say otherwise
    /// ([policy](Self::with_policy), [balancer](Self::with_balancer),
    /// [outlier detection](Self::with_outlier_detection),
    /// [health check](Self::with_health_check)), and spreads them as it says, if it
    /// does, on connections of its own.
    #[cfg(feature = "service-config")]
    #[must_use]
    pub fn with_service_config(mut self, config: crate::ServiceConfig) -> Self {
        let spread = config.load_balancing().map(crate::LoadBalancing::spread);
        let mut spread = spread.unwrap_or_default();
        spread.health_check = config.health_check_service().map(Into::into);
        if let Transport::Wire(pool) = &self.0.transport
            && (spread.says_something() || pool.plan().configured.says_something())
        {
            self = self.again(|plan| plan.configured = spread);
        }
        self.0 = self.0.ruled(|rules| rules.config = Some(config));
        self
    }

    /// What it has counted, on any clone of it: how often a limit was reached, and
    /// which addresses were left alone; of a registry, what of it was not believed, and
    /// how long it has been away. To be read whenever an exporter asks.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut metrics: Vec<_> = self.0.metrics.iter().collect();
        if let Transport::Wire(pool) = &self.0.transport {
            metrics.extend(pool.metrics());
            metrics.extend(pool.plan().resolver.metrics());
        }
        metrics
    }

    fn again(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        if let Transport::Wire(pool) = &self.0.transport {
            let mut plan = pool.plan().clone();
            change(&mut plan);
            self.0.transport = Transport::Wire(Arc::new(Pool::new(plan)));
        }
        self
    }

    /// A call of a unary method.
    pub fn unary<In, Out>(
        &self,
        method: Method<In, Out>,
        request: impl IntoRequest<In>,
    ) -> Call<Out>
    where
        In: Message + 'static,
        Out: Message + Default + 'static,
    {
        let request = request.into_request().map(Body::one);
        Call::one(self.0.clone(), method.erase(), request)
    }

    /// A call of a server-streaming method.
    pub fn server_streaming<In, Out>(
        &self,
        method: Method<In, Out>,
        request: impl IntoRequest<In>,
    ) -> Call<Streaming<Out>>
    where
        In: Message + 'static,
        Out: Message + Default + 'static,
    {
        let request = request.into_request().map(Body::one);
        Call::many(self.0.clone(), method.erase(), request)
    }

    /// A call of a client-streaming method.
    pub fn client_streaming<In, Out>(
        &self,
        method: Method<In, Out>,
        request: impl IntoStreamingRequest<Message = In>,
    ) -> Call<Out>
    where
        In: Message + 'static,
        Out: Message + Default + 'static,
    {
        Call::one(self.0.clone(), method.erase(), stream_of(request))
    }

    /// A call of a bidirectional method.
    pub fn bidi_streaming<In, Out>(
        &self,
        method: Method<In, Out>,
        request: impl IntoStreamingRequest<Message = In>,
    ) -> Call<Streaming<Out>>
    where
        In: Message + 'static,
        Out: Message + Default + 'static,
    {
        Call::many(self.0.clone(), method.erase(), stream_of(request))
    }
}

fn stream_of<In: Message + 'static>(
    request: impl IntoStreamingRequest<Message = In>,
) -> Request<Body> {
    let request = request.into_streaming_request();
    request.map(|stream| Body::many(Box::pin(stream.map(Ok))))
}

impl From<&Channel> for Channel {
    fn from(channel: &Channel) -> Self {
        channel.clone()
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(all(test, feature = "service-config"))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn code_says_what_an_outlier_is_in_whatever_order_it_speaks() {
        let config = || {
            let policy = r#"{ "outlier_detection_experimental": {
                "interval": "7s", "childPolicy": [{ "round_robin": {} }] } }"#;
            let text = format!(r#"{{ "loadBalancingConfig": [{policy}] }}"#);
            crate::ServiceConfig::parse(&text).expect("a config")
        };
        let its_own = OutlierDetection::new()
            .with_interval(Duration::from_secs(7))
            .with_success_rate(None)
            .with_failure_percentage(None);
        let code = OutlierDetection::new().with_interval(Duration::from_secs(3));
        let channel = || Channel::to("ipv4:127.0.0.1:1").expect("an address");
        let configured = channel().with_service_config(config());
        let coded = channel().with_outlier_detection(code.clone());
        for (channel, wanted) in [
            (configured.clone(), its_own),
            (
                configured.with_outlier_detection(code.clone()),
                code.clone(),
            ),
            (coded.with_service_config(config()), code),
        ] {
            let Transport::Wire(pool) = &channel.0.transport else {
                panic!("it leads to an address");
            };
            let spread = pool.plan().spread();
            assert_eq!(spread.outlier_detection, Some(wanted));
            assert!(spread.balancer.is_some(), "the config's");
        }
    }
}
