//! Calls within one process: the same layers, deadlines, cancellation, metadata
//! and statuses as over a socket, without a socket and without serialization.

use crate::{
    body::{Body, Kind},
    dispatch::Dispatch,
    engine::Peer,
    guard::Guard,
    message::{Request, Response},
    method::Method,
    protocol,
    status::{Result, Status},
};
use http::Extensions;
use tonic::metadata::MetadataMap;

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
        *request.metadata_mut() = carried(std::mem::take(request.metadata_mut()));
        request.set_peer(Some(Peer::InProcess));
        request.set_compression(None);
        // The caller's stream has no deadline of its own: the call's covers it.
        let request = request.map(|body| self.pump(body, Guard::default()));

        let reply = self.dispatch.call(route, request).await;
        let mut response = reply.map_err(|status| as_if_sent(&status))?;
        *response.extensions_mut() = Extensions::new();
        *response.metadata_mut() = carried(std::mem::take(response.metadata_mut()));
        *response.trailers_mut() = carried(std::mem::take(response.trailers_mut()));
        let response = response.with_compression(None);
        Ok(response.map(|body| self.pump(body, Guard::new(deadline))))
    }

    /// Lets a stream run ahead of its reader, as far as a socket would.
    fn pump(&self, body: Body, guard: Guard) -> Body {
        match body.0 {
            Kind::Many(messages) => {
                let (arriving, forward) = messages.pump(guard, self.messages_max);
                tokio::spawn(forward);
                Body(Kind::Many(arriving))
            }
            other => Body(other),
        }
    }
}

/// Metadata as the other end of a wire would see it.
fn carried(metadata: MetadataMap) -> MetadataMap {
    MetadataMap::from_headers(protocol::metadata_headers(metadata))
}

/// What of a status another process would learn: not its source.
fn as_if_sent(status: &Status) -> Status {
    Status::with_details_and_metadata(
        status.code(),
        status.message(),
        bytes::Bytes::copy_from_slice(status.details()),
        carried(status.metadata().clone()),
    )
}
