//! Listens, and answers calls with the routes it was given.

use crate::{
    admission::Admission,
    answering::Answering,
    channel::Channel,
    body::Inbound,
    compression::Compression,
    concurrency_limit::ConcurrencyLimit,
    dispatch::Dispatch,
    engine::{self, BoxFuture, Error, ErrorKind, HttpBody, Listen, Listener, Settings},
    http_service::{HttpLayer, HttpService},
    in_process::InProcess,
    layer::Layer,
    limits::Limits,
    metrics::Metrics,
    protocol::Exchange,
    routes::Routes,
};
use std::{collections::HashMap, convert::Infallible, fmt, sync::Arc};
use tonic::server::NamedService;

/// Serves any number of services on one address.
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
    shutdown: Option<BoxFuture<()>>,
    duplicate: Option<&'static str>,
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

    /// Serves over TLS, and nobody over plain text.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: engine::ServerTls) -> Self {
        self.settings.tls = Some(tls);
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
    /// have one name. Nothing that happens on a connection ends it.
    pub async fn serve(self, address: impl Listen) -> Result<(), Error> {
        self.bind(address).await?.serve().await;
        Ok(())
    }

    /// Listens on `address`, and does not serve yet.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub async fn bind(self, address: impl Listen) -> Result<Bound, Error> {
        self.check()?;
        let listener = Listener::bind(address).await?;
        Ok(Bound {
            address: listener.address(),
            listener,
            server: self,
        })
    }

    /// A channel to these routes in this process: no socket, no serialization,
    /// and otherwise the same.
    ///
    /// # Errors
    /// `Duplicate` when two services have one name.
    pub fn in_process(mut self) -> Result<Channel, Error> {
        self.check()?;
        self.admit();
        Ok(Channel::in_process(InProcess {
            dispatch: self.dispatch,
            messages_max: self.settings.limits.in_process_messages_max,
        }))
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
#[derive(Debug)]
#[must_use = "a server serves when `serve` is awaited"]
pub struct Bound {
    address: String,
    listener: Listener,
    server: Server,
}

impl Bound {
    /// Where it listens: `host:port`, with the port the system chose if it was
    /// asked for port 0, or `unix:/path`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What [`Channel::to`] takes to reach it.
    pub fn uri(&self) -> String {
        #[cfg(feature = "tls")]
        let scheme = self
            .server
            .settings
            .tls
            .as_ref()
            .map_or("http", |_| "https");
        #[cfg(not(feature = "tls"))]
        let scheme = "http";
        match self.address.starts_with("unix:") {
            true => self.address.clone(),
            false => format!("{scheme}://{}", self.address),
        }
    }

    /// Serves until shut down.
    pub async fn serve(self) {
        let Self {
            address,
            listener,
            mut server,
        } = self;
        server.admit();
        let settings = &server.settings;
        let exchange = Exchange {
            compression: server.compression,
            inbound: Arc::new(Inbound::new(&settings.limits, settings.metrics.clone())),
        };
        let answering = Answering::new(server.dispatch, server.mounted, exchange);
        let answering = answering.with_http_layers(server.http_layers);
        let shutdown = server
            .shutdown
            .unwrap_or_else(|| Box::pin(std::future::pending()));
        #[cfg(feature = "tls")]
        let tls = server.settings.tls.is_some();
        #[cfg(not(feature = "tls"))]
        let tls = false;
        tracing::info!(
            address,
            security = if tls { "TLS" } else { "plain text" },
            "serving"
        );
        engine::accept(listener, answering, Arc::new(server.settings), shutdown).await;
        tracing::info!(address, "served");
    }
}
