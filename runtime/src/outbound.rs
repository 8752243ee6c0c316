//! The way out of a client: its layers, then a wire or another part of this process.

use crate::{
    balance::Pick,
    body::Body,
    compression::Compression,
    engine::BoxFuture,
    in_process::InProcess,
    layer::{Endpoint, Layers},
    limits::Limits,
    message::{Request, Response},
    method::{Method, MethodKind},
    pool::Pool,
    protocol,
    status::{Result, Status},
};
use std::{fmt, sync::Arc, time::Duration};

/// What every call of a channel goes through.
#[derive(Clone)]
pub(crate) struct Outbound {
    pub(crate) transport: Transport,
    pub(crate) layers: Layers,
    pub(crate) compression: Option<Compression>,
}

#[derive(Clone)]
pub(crate) enum Transport {
    Wire(Arc<Pool>),
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

    /// How long a call may take that does not say.
    pub(crate) fn timeout(&self, kind: MethodKind) -> Duration {
        let default = Limits::default();
        let limits = match &self.transport {
            Transport::Wire(pool) => &pool.plan().connector.limits,
            Transport::InProcess(_) => &default,
        };
        match kind {
            MethodKind::Unary => limits.call_timeout,
            _ => limits.stream_timeout,
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
                Transport::Wire(pool) => self.send(pool, request).await,
                Transport::InProcess(server) => server.call(self.method, request).await,
            }
        })
    }
}

impl Outgoing {
    async fn send(&self, pool: &Pool, request: Request<Body>) -> Result<Response<Body>> {
        let connector = &pool.plan().connector;
        let deadline = request.deadline();
        let mut request = protocol::request(connector, self.method, request, self.compression)?;
        let mut tried = Vec::new();
        for _ in 0..UNSENT_ATTEMPTS_MAX {
            let pick = Pick {
                hash: None,
                tried: &tried,
            };
            let subchannel = pool.pick(&pick, self.wait_for_ready).await?;
            protocol::stamp_timeout(&mut request, deadline);
            let in_flight = subchannel.call();
            match subchannel.connection.send(request).await {
                Ok(response) => {
                    let bytes_max = connector.limits.message_bytes_max;
                    return protocol::response(response, bytes_max, in_flight);
                }
                Err(failed) => match failed.unsent {
                    Some(unsent) => request = unsent,
                    None => return Err(protocol::unanswered(&failed)),
                },
            }
            tried.push(subchannel.candidate.id);
        }
        Err(Status::unavailable(format!(
            "`{}` closed {UNSENT_ATTEMPTS_MAX} connections before the call was sent",
            connector.authority
        )))
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = match &self.transport {
            Transport::Wire(pool) => pool.plan().connector.authority.as_str(),
            Transport::InProcess(_) => "in process",
        };
        f.debug_struct("Channel")
            .field("target", &target)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}
