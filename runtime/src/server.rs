//! Listens, and answers calls with the routes it was given.

mod web;

use crate::{
    admission::Admission,
    answering::Answering,
    body::Inbound,
    channel::Channel,
    compression::Compression,
    concurrency_limit::ConcurrencyLimit,
    cors::{Cors, Crossing},
    dispatch::Dispatch,
    engine::{
        self, Accepting, BoxFuture, Cores, Error, ErrorKind, Gate, HttpBody, Listen, Listener,
        Listening, Settings,
    },
    http_service::{HttpLayer, HttpService},
    in_process::{InProcess, NamedServer},
    layer::Layer,
    limits::Limits,
    metrics::Metrics,
    protocol::Exchange,
    protocols::Protocols,
    registry::{Jobs, Planned, Registration},
    routes::Routes,
};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fmt,
    sync::Arc,
};
use tokio::sync::watch;
use tonic::server::NamedService;

/// Serves any number of services on one address or several.
///
/// ```no_run
/// # async fn run(routes: cordial_runtime::Routes<()>) -> Result<(), cordial_runtime::Error> {
/// use cordial_runtime::{Server, shutdown_signal};
///
/// Server::new()
///     .add(routes)
///     .shutdown_on(shutdown_signal())
///     .serve("127.0.0.1:50051")
///     .await
/// # }
/// ```
#[must_use = "a server serves when `serve` is awaited"]
#[derive(Default)]
pub struct Server {
    dispatch: Dispatch,
    mounted: HashMap<&'static str, HttpService>,
    http_layers: Vec<HttpLayer>,
    settings: Settings,
    concurrency_limit: ConcurrencyLimit,
    compression: Option<Compression>,
    protocols: Protocols,
    cors: Option<Cors>,
    shutdown: Option<BoxFuture<()>>,
    registrations: Vec<Registration>,
    duplicate: Option<&'static str>,
    reuse_port: bool,
    per_core: bool,
}

impl Server {
    /// Nothing to serve yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves `routes` too.
    // Nobody adds two servers up, and no word is plainer.
    #[allow(clippy::should_implement_trait)]
    pub fn add<S>(mut self, routes: Routes<S>) -> Self {
        let name = routes.name();
        if !self.dispatch.add(name, routes.into_routes()) || self.mounted.contains_key(name) {
            self.duplicate = Some(name);
        }
        self
    }

    /// Serves a service made with stock tonic stubs too. Layers added with
    /// [`layer`](Self::layer) do not see its calls, those added with
    /// [`http_layer`](Self::http_layer) do; it is not reached in process.
    pub fn add_tonic<S>(mut self, service: S) -> Self
    where
        S: NamedService + Clone + Send + Sync + 'static,
        S: tower_service::Service<
                http::Request<tonic::body::Body>,
                Response = http::Response<tonic::body::Body>,
                Error = Infallible,
            >,
        S::Future: Send + 'static,
    {
        let served = self.dispatch.services().any(|name| name == S::NAME);
        let mounted = self.mounted.insert(S::NAME, HttpService::of_tonic(service));
        if served || mounted.is_some() {
            self.duplicate = Some(S::NAME);
        }
        self
    }

    /// Hands the metadata under these keys on to the calls made while a call is
    /// answered, with its deadline and its priority ([`Context`](crate::Context)).
    /// None by default.
    pub fn propagate(mut self, keys: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let keys = keys
            .into_iter()
            .map(|key| key.as_ref().to_lowercase().into());
        self.dispatch.propagated.extend(keys);
        self
    }

    /// Passes every call through `layer` too, inside the layers added before.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.dispatch.layers.push(layer);
        self
    }

    /// Passes every HTTP request through a `tower` layer too, outside of
    /// everything gRPC and outside of the `tower` layers added before.
    pub fn http_layer<L, B>(mut self, layer: L) -> Self
    where
        L: tower_layer::Layer<HttpService> + Send + 'static,
        L::Service: tower_service::Service<http::Request<HttpBody>, Response = http::Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as tower_service::Service<http::Request<HttpBody>>>::Error: fmt::Display,
        <L::Service as tower_service::Service<http::Request<HttpBody>>>::Future: Send,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<engine::BoxError>,
    {
        self.http_layers
            .push(Box::new(move |inner| HttpService::layered(&layer, inner)));
        self
    }

    /// Keeps every peer within `limits`.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Handles no more calls at once than `limit` says. Without it an adaptive
    /// limit holds: [`ConcurrencyLimit::adaptive`].
    pub fn concurrency_limit(mut self, limit: ConcurrencyLimit) -> Self {
        self.concurrency_limit = limit;
        self
    }

    /// Compresses replies for callers that can read it.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// Serves over TLS, and nobody over plain text. Without it everything is
    /// plain text, which the log says when serving starts.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: engine::ServerTls) -> Self {
        self.settings.tls = Some(tls);
        self
    }

    /// Lets other servers, of other processes too, listen on the same TCP ports
    /// (`SO_REUSEPORT`): the kernel shares out the connections among them. All
    /// of them must ask for it, under one user.
    pub fn reuse_port(mut self) -> Self {
        self.reuse_port = true;
        self
    }

    /// Serves with a thread for each core, which has a single-threaded runtime
    /// and TCP listeners of its own, instead of on the runtime that awaits
    /// [`serve`](Self::serve). The kernel shares out the connections, and what
    /// a connection causes stays on its core; what a handler spawns does, too,
    /// and ends with the server.
    ///
    /// It is for many small calls from many connections, where threads that
    /// steal work from each other cost more than they give. It is not for few
    /// connections, which may meet on one core while others idle, nor for
    /// handlers that compute for long or block: they hold up all connections
    /// of their core. Unix sockets and those bound before are shared by all
    /// cores; a [stream](Listener::from_stream) of connections is refused.
    pub fn per_core(mut self) -> Self {
        self.per_core = true;
        self
    }

    /// Tells a registry where its services run, as long as they do: once it serves,
    /// again for ever if the registry goes away or loses its data, and no more before
    /// it drains. What it says of itself, a [`Registration`] changes. Services of
    /// gRPC itself (`grpc.…`) are not registered; in process nothing is.
    pub fn register(mut self, registration: impl Into<Registration>) -> Self {
        self.registrations.push(registration.into());
        self
    }

    /// Shuts down once `signal` ends: takes no more calls, lets those in flight
    /// end within [`Limits::drain_grace`], and cuts the rest.
    pub fn shutdown_on(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Some(Box::pin(signal));
        self
    }

    /// Listens on `address` and serves until shut down. Dropping the future
    /// closes everything at once.
    ///
    /// # Errors
    /// `Address` or `Bind` when it cannot listen, `Duplicate` when two services
    /// have one name, `Config` when its `Cors` names what can be no origin. Nothing that happens on a connection ends it.
    pub async fn serve(self, address: impl Listen) -> Result<(), Error> {
        self.bind(address).await?.serve().await;
        Ok(())
    }

    /// Listens on `address`, and does not serve yet.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub async fn bind(mut self, address: impl Listen) -> Result<Bound, Error> {
        self.check()?;
        let how = Listening {
            backlog: self.settings.limits.backlog_max,
            reuse_port: self.reuse_port,
            shares: if self.per_core { Cores::count() } else { 1 },
        };
        let listeners = Listener::bind(address, &how).await?;
        let addresses: Vec<_> = listeners.iter().map(Listener::address).collect();
        let planned = self.planned(&addresses)?;
        let crossing = self.cors.take().map(Crossing::of).transpose()?;
        let place = match self.per_core {
            true => Place::Cores(Cores::listening(listeners, &how).await?),
            false => Place::Here(Accepting::open_all(listeners)?),
        };
        Ok(Bound {
            addresses,
            planned,
            crossing,
            place,
            server: self,
        })
    }

    /// A channel to these routes in this process: no socket, no serialization,
    /// and otherwise the same.
    ///
    /// # Errors
    /// `Duplicate` when two services have one name.
    pub fn in_process(mut self) -> Result<Channel, Error> {
        Ok(Channel::in_process(self.without_wire()?))
    }

    /// Answers the channels of this process that lead to `in-process:<name>`
    /// ([`Channel::to`]), from now on and until what this returns is dropped: as
    /// [`in_process`](Self::in_process), for those who know nothing but a URI.
    ///
    /// ```
    /// # async fn run(shop: cordial_runtime::Routes<()>) -> Result<(), cordial_runtime::Error> {
    /// use cordial_runtime::{Channel, Server};
    ///
    /// let server = Server::new().add(shop).serve_in_process("shop")?;
    /// let channel = Channel::to("in-process:shop")?;
    /// # let _ = (server, channel);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Bind` while another server of this process has the name, `Address` when it is
    /// empty, `Duplicate` when two services have one name.
    pub fn serve_in_process(mut self, name: &str) -> Result<NamedServer, Error> {
        let shutdown = self.shutdown.take();
        let drain_grace = self.settings.limits.drain_grace;
        NamedServer::new(name, self.without_wire()?, shutdown, drain_grace)
    }

    fn without_wire(&mut self) -> Result<InProcess, Error> {
        self.check()?;
        self.admit();
        Ok(InProcess {
            dispatch: std::mem::take(&mut self.dispatch),
            messages_max: self.settings.limits.in_process_messages_max,
            calls: watch::Sender::new(false),
        })
    }

    /// What the server counts of itself, from the start and as it serves.
    pub fn metrics(&self) -> Metrics {
        self.settings.metrics.clone()
    }

    /// The full names of the services added so far.
    pub fn services(&self) -> impl Iterator<Item = &'static str> {
        let mounted = self.mounted.keys().copied();
        self.dispatch.services().chain(mounted)
    }

    /// Bounds the calls in flight as everything says that was set.
    fn admit(&mut self) {
        let Settings {
            limits, metrics, ..
        } = &self.settings;
        let limit = std::mem::take(&mut self.concurrency_limit);
        self.dispatch.admission = Admission::new(limit, limits, metrics.clone());
    }

    /// What is to be registered of a server that listens on `addresses`.
    fn planned(&mut self, addresses: &[String]) -> Result<Vec<Planned>, Error> {
        let mut services: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for service in self.services() {
            services.entry(service).or_default();
        }
        for method in self.dispatch.methods() {
            services.entry(method.service()).or_default().push(method);
        }
        let identity = self.own_identity();
        let registrations = std::mem::take(&mut self.registrations).into_iter();
        registrations
            .map(|one| one.proving(identity.clone()).plan(addresses, &services))
            .collect()
    }

    fn check(&self) -> Result<(), Error> {
        match self.duplicate {
            None => Ok(()),
            Some(name) => Err(Error::new(
                ErrorKind::Duplicate,
                format!("the service `{name}` was added twice; add it once"),
            )),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<_> = self.dispatch.services().collect();
        f.debug_struct("Server")
            .field("services", &services)
            .field("mounted", &self.mounted.keys())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A server that listens, and serves once [`serve`](Self::serve) is awaited.
/// Until then connections wait in the kernel's backlog.
#[must_use = "a server serves when `serve` is awaited"]
pub struct Bound {
    addresses: Vec<String>,
    planned: Vec<Planned>,
    crossing: Option<Crossing>,
    place: Place,
    server: Server,
}

enum Place {
    Here(Vec<Accepting>),
    Cores(Cores),
}

impl Bound {
    /// Where it listens: `host:port`, with the port the system chose if it was
    /// asked for port 0, or `unix:/path`; of several, the first.
    pub fn address(&self) -> &str {
        &self.addresses[0]
    }

    /// Everywhere it listens, in the order asked for. A stream of connections
    /// has no address, and is `own`.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// What [`Channel::to`] takes to reach the first address.
    pub fn uri(&self) -> String {
        let scheme = match self.server.is_tls() {
            true => "https",
            false => "http",
        };
        let address = self.address();
        match address.starts_with("unix:") {
            true => address.to_owned(),
            false => format!("{scheme}://{address}"),
        }
    }

    /// Serves until shut down.
    pub async fn serve(self) {
        let Self {
            addresses,
            planned,
            crossing,
            place,
            mut server,
        } = self;
        engine::teach_malloc();
        let security = server.security();
        server.admit();
        let settings = &server.settings;
        let exchange = Exchange {
            compression: server.compression,
            protocols: server.protocols,
            inbound: Arc::new(Inbound::new(&settings.limits, settings.metrics.clone())),
        };
        let answering = Answering::new(server.dispatch, server.mounted, exchange, crossing);
        let answering = answering.with_http_layers(server.http_layers);
        let registered = Arc::new(Jobs::start(planned, &settings.metrics));
        let shutdown = server.shutdown.map(|shutdown| -> BoxFuture<()> {
            let registered = registered.clone();
            Box::pin(async move {
                shutdown.await;
                registered.stop().await;
            })
        });
        let shutdown = shutdown.unwrap_or_else(|| Box::pin(std::future::pending()));
        #[cfg(feature = "tls")]
        let tls = server.settings.tls.clone();
        let gate = Arc::new(Gate::new(server.settings));
        tracing::info!(?addresses, security, per_core = server.per_core, "serving");
        let served = async {
            match place {
                Place::Here(listeners) => {
                    engine::accept(listeners, answering, gate, shutdown).await;
                }
                Place::Cores(cores) => cores.accept(answering, gate, shutdown).await,
            }
        };
        #[cfg(feature = "tls")]
        let served = async {
            match &tls {
                None => served.await,
                Some(tls) => tokio::select! {
                    () = served => {}
                    () = tls.follow() => {}
                },
            }
        };
        served.await;
        registered.stop().await;
        tracing::info!(?addresses, "served");
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound")
            .field("addresses", &self.addresses)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Server {
    #[cfg(feature = "tls")]
    fn is_tls(&self) -> bool {
        self.settings.tls.is_some()
    }

    #[cfg(not(feature = "tls"))]
    fn is_tls(&self) -> bool {
        false
    }

    /// Who it proves to be, without a word of anybody.
    #[cfg(feature = "tls")]
    fn own_identity(&self) -> Option<String> {
        self.settings.tls.as_ref()?.spiffe_id()
    }

    #[cfg(not(feature = "tls"))]
    fn own_identity(&self) -> Option<String> {
        None
    }

    /// What a peer and whoever reads the log can rely on.
    fn security(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self
            .settings
            .tls
            .as_ref()
            .is_some_and(|tls| tls.is_mutual())
        {
            return "mutual TLS";
        }
        match self.is_tls() {
            true => "TLS",
            false => "plain text",
        }
    }
}
