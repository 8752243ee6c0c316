//! Calls within one process: the same layers, deadlines, cancellation, metadata
//! and statuses as over a socket, without a socket and without serialization.

use crate::{
    body::{Body, Kind},
    deadline,
    dispatch::Dispatch,
    engine::{Peer, PeerAddress},
    guard::Guard,
    message::{Request, Response},
    method::Method,
    status::{self, Result},
};
use http::Extensions;

/// A server reached without a wire.
pub(crate) struct InProcess {
    pub(crate) dispatch: Dispatch,
    /// Messages that wait between the two ends of a stream.
    pub(crate) messages_max: usize,
}

impl InProcess {
    pub(crate) async fn call(
        &self,
        method: Method,
        mut request: Request<Body>,
    ) -> Result<Response<Body>> {
        let route = self.dispatch.find(method.path())?;
        let deadline = request.deadline();
        *request.extensions_mut() = Extensions::new();
        *request.metadata_mut() = status::without_reserved(std::mem::take(request.metadata_mut()));
        request.set_peer(Some(Peer::at(PeerAddress::InProcess)));
        request.set_compression(None);
        // The caller's stream has no deadline of its own: the call's covers it.
        let request = request.map(|body| self.pump(body, Guard::default()));

        let reply = self.dispatch.call(route, request).await;
        let mut response = reply.map_err(|status| status::as_if_sent(&status))?;
        *response.extensions_mut() = Extensions::new();
        *response.metadata_mut() =
            status::without_reserved(std::mem::take(response.metadata_mut()));
        *response.trailers_mut() =
            status::without_reserved(std::mem::take(response.trailers_mut()));
        let response = response.with_compression(None);
        Ok(response.map(|body| {
            let guard = Guard::new(deadline::earlier(deadline, body.deadline));
            self.pump(body, guard)
        }))
    }

    /// Lets a stream run ahead of its reader, as far as a socket would.
    fn pump(&self, body: Body, guard: Guard) -> Body {
        match body.kind {
            Kind::Many(messages) => {
                let (arriving, forward) = messages.pump(guard, self.messages_max);
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
