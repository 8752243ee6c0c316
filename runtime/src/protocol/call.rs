//! A request that was read, on its way to its handler.

use super::headers;
use crate::{
    body::{Body, Wire},
    codec::Codec,
    compression::Compression,
    deadline::Deadline,
    dispatch::Dispatch,
    engine::Peer,
    message::{Request, Response},
    method::MethodKind,
    routes::Route,
    status::Result,
};

/// The deadline of a call, how it is answered, and the reply to come.
pub(super) type Called<Reply> = Result<(Option<Deadline>, Codec, Reply)>;

/// Calls the handler of `route` with the messages of `wire`.
#[inline]
pub(super) fn begin(
    dispatch: &Dispatch,
    route: &Route,
    mut head: http::request::Parts,
    wire: Wire,
    deadline: Option<Deadline>,
    compression: Option<Compression>,
) -> impl Future<Output = Result<Response<Body>>> + Send + use<> {
    let mut request = Request::new(Body::wire(wire));
    request.set_deadline(deadline);
    request.set_compression(compression);
    request.set_peer(head.extensions.remove::<Peer>());
    *request.extensions_mut() = head.extensions;
    *request.metadata_mut() = headers::metadata(head.headers);
    dispatch.call(route, request)
}

/// Whether a request of that kind is one message.
pub(super) fn is_single(kind: MethodKind) -> bool {
    match kind {
        MethodKind::Unary | MethodKind::ServerStreaming => true,
        MethodKind::ClientStreaming | MethodKind::BidiStreaming => false,
    }
}
