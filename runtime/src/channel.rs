//! How a client reaches a service.

use crate::{
    body::Body,
    call::Call,
    compression::Compression,
    engine::{Connector, Error, Target},
    in_process::InProcess,
    layer::Layer,
    limits::Limits,
    message::{IntoRequest, IntoStreamingRequest, Request},
    method::Method,
    outbound::{Outbound, Transport},
    status::Result,
    streaming::Streaming,
    subchannel::Subchannel,
};
use prost::Message;
use std::{fmt, sync::Arc};
use tokio_stream::StreamExt;

/// Reaches a service. Cheap to clone; clones share connections. Calls take
/// `&self` and may run at the same time.
#[derive(Clone)]
pub struct Channel(Outbound);

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
        let subchannel = Arc::new(Subchannel::new(connector));
        Ok(Self(Outbound::new(Transport::Wire(subchannel))))
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
        if let Transport::Wire(subchannel) = &self.0.transport {
            let mut connector = subchannel.connector().clone();
            change(&mut connector);
            self.0.transport = Transport::Wire(Arc::new(Subchannel::new(connector)));
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
