//! Calls of one message each way, by POST and by GET.

use super::{
    super::{
        Exchange, call, encode,
        headers::{Accepted, encoding},
        not_post,
        notation::Notation,
        unsupported,
    },
    error, get,
    headers::{self, add_trailers, check_version, of_message, strip},
};
use crate::{
    body::{Body, Kind, PREFIX_BYTES, Wire},
    codec::Codec,
    compression::Compression,
    deadline::{self, Deadline},
    dispatch::Dispatch,
    engine::HttpBody,
    guard,
    message::Response,
    method::{Idempotency, Method, MethodKind},
    routes::Route,
    status::{Code, Result, Status},
};
use bytes::Buf;
use http::{HeaderValue, Method as Verb, StatusCode, header, request::Parts};

/// Answers a POST of one message, or a GET that has it in its query.
pub(super) fn answer(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
    notation: Notation,
) -> impl Future<Output = http::Response<HttpBody>> + Send + use<> {
    let accepted = Accepted::of(request.headers(), &header::ACCEPT_ENCODING);
    let by_get = request.method() == Verb::GET;
    let called = call(dispatch, exchange, request, notation);
    let compression = exchange.compression;
    async move {
        let (codec, deadline, reply) = match called {
            Ok(called) => called,
            Err(refused) => return *refused,
        };
        let answered = reply.await.and_then(|response| {
            let compression = accepted.choose(&response, compression);
            respond(response, codec, notation, compression, deadline)
        });
        let mut response = answered.unwrap_or_else(|status| error::respond(&status));
        if by_get {
            // It may be kept, and must not be handed to who cannot unpack it.
            let vary = HeaderValue::from_static("accept-encoding");
            response.headers_mut().append(header::VARY, vary);
        }
        response
    }
}

/// A call that has begun, or what is answered instead.
type Called<Reply> =
    std::result::Result<(Codec, Option<Deadline>, Reply), Box<http::Response<HttpBody>>>;

fn call(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
    notation: Notation,
) -> Called<impl Future<Output = Result<Response<Body>>> + Send + use<>> {
    let (head, body) = request.into_parts();
    let route = dispatch
        .find(head.uri.path())
        .map_err(|status| Box::new(error::respond_as(StatusCode::NOT_FOUND, &status)))?;
    if let Some(refusal) = refuse(route.method, &head.method) {
        return Err(Box::new(refusal));
    }
    let codecs = notation.codecs(route.method, Code::InvalidArgument);
    let codecs = codecs.map_err(|status| {
        Box::new(error::respond_as(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            &status,
        ))
    })?;
    match begin(dispatch, exchange, route, head, body, codecs.request) {
        Ok((deadline, reply)) => Ok((codecs.response, deadline, reply)),
        Err(status) => Err(Box::new(error::respond(&status))),
    }
}

/// What a method is not called by is refused in HTTP's own words.
fn refuse(method: Method, verb: &Verb) -> Option<http::Response<HttpBody>> {
    if method.kind() != MethodKind::Unary {
        return Some(unsupported());
    }
    let may = verb == Verb::POST || method.idempotency() == Idempotency::NoSideEffects;
    (!may).then(not_post)
}

/// Until when it may take, and the reply to come.
type Begun<Reply> = Result<(Option<Deadline>, Reply)>;

fn begin(
    dispatch: &Dispatch,
    exchange: &Exchange,
    route: &Route,
    mut head: Parts,
    body: HttpBody,
    codec: Codec,
) -> Begun<impl Future<Output = Result<Response<Body>>> + Send + use<>> {
    let (body, compression) = if head.method == Verb::GET {
        let query = get::Query::read(&head.uri)?;
        check_version(query.version.as_deref())?;
        (HttpBody::from(query.message), query.compression)
    } else {
        check_version(headers::version(&head.headers))?;
        let name = head.headers.get(header::CONTENT_ENCODING);
        (body, encoding(name.map(HeaderValue::as_bytes))?)
    };
    let deadline = headers::deadline(&head.headers)?;
    strip(&mut head.headers);
    let wire = Wire::bare(body, compression, exchange.inbound.clone()).written(codec);
    let begun =
        guard::contain_now(|| call::begin(dispatch, route, head, wire, deadline, compression));
    Ok((deadline, begun?))
}

fn respond(
    response: Response<Body>,
    codec: Codec,
    notation: Notation,
    compression: Option<Compression>,
    deadline: Option<Deadline>,
) -> Result<http::Response<HttpBody>> {
    let (body, mut head) = response.split();
    let until = deadline::earlier(deadline, body.deadline).map(Deadline::instant);
    let message = match body.kind {
        Kind::One(message) => message,
        Kind::Many(_) => return Err(Status::internal("a layer replied with a stream")),
        Kind::Wire(_) => return Err(encode::not_encoded()),
    };
    let mut data = encode::one_in(codec, message, compression)?;
    data.advance(PREFIX_BYTES);
    let length = data.len();
    let mut response = http::Response::new(HttpBody::from(data).with_until(until));
    let headers = response.headers_mut();
    *headers = headers::of(std::mem::take(head.metadata_mut()));
    add_trailers(headers, std::mem::take(head.trailers_mut()));
    headers.insert(header::CONTENT_TYPE, of_message(notation));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(compression) = compression {
        let name = HeaderValue::from_static(compression.name());
        headers.insert(header::CONTENT_ENCODING, name);
    }
    Ok(response)
}
