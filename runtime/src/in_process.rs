//! Calls within one process: the same layers, deadlines, cancellation, metadata
//! and statuses as over a socket, without a socket and without serialization.

mod names;

use crate::{
    balance::LoadReport,
    body::{Body, Kind},
    deadline,
    dispatch::Dispatch,
    engine::{Peer, PeerAddress},
    guard::Guard,
    message::{Request, Response},
    method::Method,
    status::{self, Result, Status},
};
use http::Extensions;
use std::future::pending;
use tokio::sync::watch;

pub use names::NamedServer;
pub(crate) use names::reach;

/// A server reached without a wire.
pub(crate) struct InProcess {
    pub(crate) dispatch: Dispatch,
    /// Messages that wait between the two ends of a stream.
    pub(crate) messages_max: usize,
    /// Whether the calls that stay are to end. Each of them listens, so that it is
    /// known when the last one has ended.
    pub(crate) calls: watch::Sender<bool>,
}

/// A call's stay with a server that may end before it: the call is in flight until
/// this is dropped. The default has no end.
#[derive(Default)]
pub(crate) struct Stay(Option<watch::Receiver<bool>>);

impl Stay {
    /// Never, unless the server ends its calls.
    async fn over(&mut self) -> Status {
        if let Some(calls) = &mut self.0
            && calls.wait_for(|over| *over).await.is_ok()
        {
            return Status::unavailable("the server has shut down");
        }
        pending().await
    }
}

impl InProcess {
    pub(crate) async fn call(
        &self,
        method: Method,
        mut request: Request<Body>,
        mut stay: Stay,
    ) -> Result<Response<Body>> {
        let route = self.dispatch.find(method.path())?;
        let deadline = request.deadline();
        *request.extensions_mut() = Extensions::new();
        *request.metadata_mut() = status::without_reserved(std::mem::take(request.metadata_mut()));
        request.set_peer(Some(Peer::at(PeerAddress::InProcess)));
        request.set_compression(None);
        // The caller's stream has no deadline of its own: the call's covers it.
        let request = request.map(|body| self.pump(body, Guard::default(), Stay::default()));

        let reply = tokio::select! {
            biased;
            reply = self.dispatch.call(route, request) => reply,
            over = stay.over() => Err(over),
        };
        let mut response = reply.map_err(|status| {
            let mut status = status::as_if_sent(&status);
            LoadReport::detach_from(&mut status);
            status
        })?;
        *response.extensions_mut() = Extensions::new();
        *response.metadata_mut() =
            status::without_reserved(std::mem::take(response.metadata_mut()));
        *response.trailers_mut() =
            status::without_reserved(std::mem::take(response.trailers_mut()));
        let response = response.with_compression(None);
        Ok(response.map(|body| {
            let guard = Guard::new(deadline::earlier(deadline, body.deadline));
            self.pump(body, guard, stay)
        }))
    }

    /// Lets a stream run ahead of its reader, as far as a socket would.
    fn pump(&self, body: Body, guard: Guard, mut stay: Stay) -> Body {
        match body.kind {
            Kind::Many(messages) => {
                let (arriving, forward) = messages.pump(
                    guard,
                    Box::pin(async move { stay.over().await }),
                    self.messages_max,
                );
                let counted = body.counted;
                let forward = body.context.unwrap_or_default().scope(forward);
                tokio::spawn(async move {
                    forward.await;
                    drop(counted);
                });
                Body::of(Kind::Many(arriving))
            }
            other => Body::of(other),
        }
    }
}
