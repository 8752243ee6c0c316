//! The serving side of gRPC over HTTP/2.

use super::{
    encode::{self, Encoded},
    headers::{self, ACCEPT_ENCODING, ENCODING, GRPC, TIMEOUT},
};
use crate::{
    body::{Body, Inbound, Kind, PREFIX_BYTES, Wire},
    compression::{ACCEPT, Compression},
    deadline::{self, Deadline},
    dispatch::Dispatch,
    engine::{HttpBody, Peer},
    guard::Guard,
    message::{Request, Response},
    method::MethodKind,
    status::{self, Result, Status},
};
use http::{HeaderMap, HeaderValue, Method as Verb, StatusCode, header};
use std::sync::Arc;

/// What a server's calls have in common.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// How replies are compressed.
    pub(crate) compression: Option<Compression>,
    pub(crate) inbound: Arc<Inbound>,
}

/// Answers one HTTP request that should be a gRPC call. The request is read
/// before the future is made: one that holds no request is cheap to move, and
/// spawning moves it several times.
pub(crate) fn answer(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
) -> impl Future<Output = http::Response<HttpBody>> + Send + use<> {
    let refusal = refuse(&request).map(Box::new);
    let accept = request.headers().get_all(ACCEPT_ENCODING);
    let accept: Vec<_> = accept.iter().cloned().collect();
    let called = match refusal {
        Some(refusal) => Err(refusal),
        None => call(dispatch, exchange.inbound.clone(), request)
            .map_err(|status| Box::new(respond_status(&status))),
    };
    let compression = exchange.compression;
    async move {
        let (deadline, reply) = match called {
            Ok(called) => called,
            Err(response) => return *response,
        };
        match reply.await {
            Ok(response) => respond(deadline, response, compression, &accept),
            Err(status) => respond_status(&status),
        }
    }
}

/// The bytes of the first message of a body, prefix included, by its first
/// bytes; 0 if they are too few to say, or enough to refuse it.
pub(crate) fn announced(first: &[u8], message_bytes_max: usize) -> usize {
    let [_, a, b, c, d, ..] = first else {
        return 0;
    };
    let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    match length <= message_bytes_max {
        true => PREFIX_BYTES + length,
        false => 0,
    }
}

/// What is not gRPC over HTTP/2 is refused in HTTP's own words.
fn refuse(request: &http::Request<HttpBody>) -> Option<http::Response<HttpBody>> {
    let (code, header) = if !headers::is_grpc(request.headers()) {
        let accept = (header::ACCEPT, GRPC);
        (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some(accept))
    } else if request.method() != Verb::POST {
        let allow = (header::ALLOW, HeaderValue::from_static("POST"));
        (StatusCode::METHOD_NOT_ALLOWED, Some(allow))
    } else if request.version() < http::Version::HTTP_2 {
        (StatusCode::HTTP_VERSION_NOT_SUPPORTED, None)
    } else {
        return None;
    };
    let mut response = http::Response::new(HttpBody::empty());
    *response.status_mut() = code;
    response.headers_mut().extend(header);
    Some(response)
}

/// The deadline of a call, and the reply to come.
type Called<Reply> = Result<(Option<Deadline>, Reply)>;

fn call(
    dispatch: &Dispatch,
    inbound: Arc<Inbound>,
    request: http::Request<HttpBody>,
) -> Called<impl Future<Output = Result<Response<Body>>> + Send + use<>> {
    let (mut head, body) = request.into_parts();
    let route = dispatch.find(head.uri.path())?;
    let deadline = read_deadline(&head.headers)?;
    let compression = headers::encoding(&head.headers)?;
    let single = match route.method.kind() {
        MethodKind::Unary | MethodKind::ServerStreaming => true,
        MethodKind::ClientStreaming | MethodKind::BidiStreaming => false,
    };
    let wire = Wire::request(body, compression, inbound, single);
    let mut request = Request::new(Body::wire(wire));
    request.set_deadline(deadline);
    request.set_compression(compression);
    request.set_peer(head.extensions.remove::<Peer>());
    *request.extensions_mut() = head.extensions;
    *request.metadata_mut() = headers::metadata(head.headers);
    Ok((deadline, dispatch.call(route, request)))
}

pub(super) fn read_deadline(headers: &HeaderMap) -> Result<Option<Deadline>> {
    let mut values = headers.get_all(TIMEOUT).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match deadline::parse(value.as_bytes()) {
        Some(timeout) if values.next().is_none() => Ok(Some(Deadline::after(timeout))),
        _ => Err(Status::internal(format!(
            "grpc-timeout `{}` is not one to eight digits and a unit of HMSmun",
            String::from_utf8_lossy(value.as_bytes())
        ))),
    }
}

fn respond(
    deadline: Option<Deadline>,
    response: Response<Body>,
    default: Option<Compression>,
    accept: &[HeaderValue],
) -> http::Response<HttpBody> {
    let compression = response
        .chosen_compression()
        .unwrap_or(default)
        .filter(|chosen| accept.iter().any(|list| chosen.accepted_by(list)));
    let (body, mut head) = response.split();
    let deadline = deadline::earlier(deadline, body.deadline);
    let trailers = std::mem::take(head.trailers_mut());
    let body = match body.kind {
        Kind::One(message) => match encode::one(&*message, compression) {
            Ok(data) => HttpBody::whole(data, Some(status::ok_trailers(trailers))),
            Err(status) => return respond_status(&status),
        },
        Kind::Many(messages) => {
            let guard = Guard::new(deadline);
            let encoded = Encoded::response(messages, compression, guard, trailers);
            HttpBody::new(encoded.counted(body.counted).within(body.context))
        }
        Kind::Wire(_) => {
            let status = Status::internal("a layer replied with messages it did not encode");
            return respond_status(&status);
        }
    };
    let until = deadline.map(Deadline::instant);
    let mut response = http::Response::new(body.with_until(until));
    let headers = response.headers_mut();
    *headers = headers::of(std::mem::take(head.metadata_mut()));
    headers.insert(header::CONTENT_TYPE, GRPC);
    if let Some(compression) = compression {
        headers.insert(ENCODING, HeaderValue::from_static(compression.name()));
    }
    response
}

/// A response that is nothing but a status ("Trailers-Only").
pub(crate) fn respond_status(status: &Status) -> http::Response<HttpBody> {
    let mut response = http::Response::new(HttpBody::empty());
    let headers = response.headers_mut();
    *headers = status::trailers(status);
    if status.code() == status::Code::Unimplemented {
        headers.insert(ACCEPT_ENCODING, ACCEPT);
    }
    headers.insert(header::CONTENT_TYPE, GRPC);
    response
}
