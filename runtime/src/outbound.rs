//! The way out of a client: its layers, then a wire or another part of this process.

use crate::{
    body::Body,
    compression::Compression,
    engine::{BoxFuture, Connector},
    in_process::InProcess,
    layer::{Endpoint, Layers},
    message::{Request, Response},
    method::Method,
    protocol,
    status::{Result, Status},
    subchannel::Subchannel,
};
use std::{fmt, sync::Arc};

/// What every call of a channel goes through.
#[derive(Clone)]
pub(crate) struct Outbound {
    pub(crate) transport: Transport,
    pub(crate) layers: Layers,
    pub(crate) compression: Option<Compression>,
}

#[derive(Clone)]
pub(crate) enum Transport {
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

impl Outbound {
    pub(crate) fn new(transport: Transport) -> Self {
        Self {
            transport,
            layers: Layers::default(),
            compression: None,
        }
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

impl fmt::Debug for Outbound {
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
