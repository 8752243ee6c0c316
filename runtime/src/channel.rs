//! How a client reaches a service.

use crate::{
    body::Body,
    call::Call,
    compression::Compression,
    engine::{BoxFuture, Connector, Error, Target},
    in_process::InProcess,
    layer::{Endpoint, Layer, Layers},
    limits::Limits,
    message::{IntoRequest, IntoStreamingRequest, Request, Response},
    method::Method,
    protocol,
    status::{Result, Status},
    streaming::Streaming,
    subchannel::Subchannel,
};
use prost::Message;
use std::{fmt, sync::Arc};
use tokio_stream::StreamExt;

/// Reaches a service. Cheap to clone; clones share connections. Calls take
/// `&self` and may run at the same time.
#[derive(Clone)]
pub struct Channel {
    transport: Transport,
    layers: Layers,
    compression: Option<Compression>,
}

#[derive(Clone)]
enum Transport {
    Wire(Arc<Subchannel>),
    InProcess(Arc<InProcess>),
}

/// What one call asks of the channel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallOptions {
    pub(crate) wait_for_ready: bool,
    pub(crate) compression: Option<Option<Compression>>,
}

/// How often a request that never left is sent once more. Each time the
/// connection had closed in between, so more is a peer that closes at once.
const UNSENT_ATTEMPTS_MAX: usize = 5;

impl Channel {
    /// A channel to `http://host:port` (plain text), `https://host:port` (TLS)
    /// or `unix:/path`. It connects when first used, and again after a loss.
    ///
    /// # Errors
    /// `Address` when `uri` is none of these.
    pub fn to(uri: impl AsRef<str>) -> Result<Self, Error> {
        let connector = Connector {
            target: Target::parse(uri.as_ref())?,
            limits: Limits::default(),
            #[cfg(feature = "tls")]
            tls: crate::engine::ClientTls::new(),
        };
        Ok(Self::over(Transport::Wire(Arc::new(Subchannel::new(
            connector,
        )))))
    }

    pub(crate) fn in_process(server: InProcess) -> Self {
        Self::over(Transport::InProcess(Arc::new(server)))
    }

    fn over(transport: Transport) -> Self {
        Self {
            transport,
            layers: Layers::default(),
            compression: None,
        }
    }

    /// Passes every call through `layer` too, inside the layers added before.
    #[must_use]
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Compresses what is sent, unless a call says otherwise.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// The same target within other limits, on connections of its own.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        self.reconnect(|connector| connector.limits = limits)
    }

    /// The same target with other trust or identity, on connections of its own.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(self, tls: crate::engine::ClientTls) -> Self {
        self.reconnect(|connector| connector.tls = tls)
    }

    fn reconnect(mut self, change: impl FnOnce(&mut Connector)) -> Self {
        if let Transport::Wire(subchannel) = &self.transport {
            let mut connector = subchannel.connector().clone();
            change(&mut connector);
            self.transport = Transport::Wire(Arc::new(Subchannel::new(connector)));
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
        Call::one(self.clone(), method.erase(), request)
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
        Call::many(self.clone(), method.erase(), request)
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
        Call::one(self.clone(), method.erase(), stream_of(request))
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
        Call::many(self.clone(), method.erase(), stream_of(request))
    }

    /// Makes a call; its messages are still to be read.
    pub(crate) fn start(
        &self,
        method: Method,
        request: Request<Body>,
        options: CallOptions,
    ) -> BoxFuture<Result<Response<Body>>> {
        let end = Arc::new(Outgoing {
            transport: self.transport.clone(),
            method,
            wait_for_ready: options.wait_for_ready,
            compression: options.compression.unwrap_or(self.compression),
        });
        self.layers.run(method, request, end)
    }
}

fn stream_of<In: Message + 'static>(
    request: impl IntoStreamingRequest<Message = In>,
) -> Request<Body> {
    let request = request.into_streaming_request();
    request.map(|stream| Body::many(Box::pin(stream.map(Ok))))
}

/// The end of a call's way through the client's layers.
struct Outgoing {
    transport: Transport,
    method: Method,
    wait_for_ready: bool,
    compression: Option<Compression>,
}

impl Endpoint for Outgoing {
    fn call(self: Arc<Self>, request: Request<Body>) -> BoxFuture<Result<Response<Body>>> {
        Box::pin(async move {
            match &self.transport {
                Transport::Wire(subchannel) => self.send(subchannel, request).await,
                Transport::InProcess(server) => server.call(self.method, request).await,
            }
        })
    }
}

impl Outgoing {
    async fn send(
        &self,
        subchannel: &Arc<Subchannel>,
        request: Request<Body>,
    ) -> Result<Response<Body>> {
        let Connector { target, limits, .. } = subchannel.connector();
        let deadline = request.deadline();
        let mut request = protocol::request(target, self.method, request, self.compression)?;
        for _ in 0..UNSENT_ATTEMPTS_MAX {
            let connection = subchannel.connection(self.wait_for_ready).await?;
            protocol::stamp_timeout(&mut request, deadline);
            match connection.send(request).await {
                Ok(response) => return protocol::response(response, limits.message_bytes_max),
                Err(failed) => match failed.unsent {
                    Some(unsent) => request = unsent,
                    None => return Err(protocol::unanswered(&failed)),
                },
            }
        }
        Err(Status::unavailable(format!(
            "`{}` closed {UNSENT_ATTEMPTS_MAX} connections before the call was sent",
            target.authority
        )))
    }
}

impl From<&Channel> for Channel {
    fn from(channel: &Channel) -> Self {
        channel.clone()
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match &self.transport {
            Transport::Wire(subchannel) => subchannel.connector().target.authority.as_str(),
            Transport::InProcess(_) => "in process",
        };
        f.debug_struct("Channel")
            .field("target", &target)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}
