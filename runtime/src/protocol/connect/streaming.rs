//! Calls with streams, and how they end.

use super::{
    super::{
        Exchange,
        call::{self, Called},
        encode,
        headers::{Accepted, encoding},
        notation::Notation,
        unsupported,
    },
    error,
    headers::{
        self, STREAM_ACCEPT_ENCODING, STREAM_ENCODING, check_version, deadline, of_stream, strip,
        version,
    },
};
use crate::{
    body::{Body, Wire},
    codec::Codec,
    compression::Compression,
    deadline::Deadline,
    dispatch::Dispatch,
    engine::HttpBody,
    guard,
    message::Response,
    method::MethodKind,
    status::{Code, Result, Status},
};
use bytes::Bytes;
use http::{HeaderValue, header};
use http_body::Frame;
use tonic::metadata::MetadataMap;

/// What marks the envelope that ends a stream.
const END_FLAG: u8 = 0x02;

/// Answers one HTTP request that is a stream.
pub(super) fn answer(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
    notation: Notation,
) -> impl Future<Output = http::Response<HttpBody>> + Send + use<> {
    let accepted = Accepted::of(request.headers(), &STREAM_ACCEPT_ENCODING);
    let route = dispatch.find(request.uri().path());
    // Which has another content type.
    let is_unary = route.is_ok_and(|route| route.method.kind() == MethodKind::Unary);
    let called = (!is_unary).then(|| call(dispatch, exchange, request, notation));
    let compression = exchange.compression;
    async move {
        let Some(called) = called else {
            return unsupported();
        };
        let answered = match called {
            Ok((deadline, codec, reply)) => match reply.await {
                Ok(response) => respond(deadline, response, codec, compression, &accepted),
                Err(status) => Err(status),
            },
            Err(status) => Err(status),
        };
        let mut response = answered.unwrap_or_else(|status| {
            let last = last(MetadataMap::new(), &status).into_data();
            http::Response::new(HttpBody::from(last.unwrap_or_default()))
        });
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, of_stream(notation));
        response
    }
}

fn call(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
    notation: Notation,
) -> Called<impl Future<Output = Result<Response<Body>>> + Send + use<>> {
    let (mut head, body) = request.into_parts();
    let route = dispatch.find(head.uri.path())?;
    let codecs = notation.codecs(route.method, Code::InvalidArgument)?;
    check_version(version(&head.headers))?;
    let deadline = deadline(&head.headers)?;
    let name = head.headers.get(STREAM_ENCODING);
    let compression = encoding(name.map(HeaderValue::as_bytes))?;
    strip(&mut head.headers);
    let single = call::is_single(route.method.kind());
    let wire = Wire::request(body, compression, exchange.inbound.clone(), single);
    let wire = wire.written(codecs.request);
    let begun =
        guard::contain_now(|| call::begin(dispatch, route, head, wire, deadline, compression));
    Ok((deadline, codecs.response, begun?))
}

fn respond(
    deadline: Option<Deadline>,
    response: Response<Body>,
    codec: Codec,
    default: Option<Compression>,
    accepted: &Accepted,
) -> Result<http::Response<HttpBody>> {
    let compression = accepted.choose(&response, default);
    let (body, mut head) = response.split();
    let trailers = std::mem::take(head.trailers_mut());
    let body = encode::reply(body, deadline, codec, compression, trailers, last)?;
    let mut response = http::Response::new(body);
    let headers = response.headers_mut();
    *headers = headers::of(std::mem::take(head.metadata_mut()));
    if let Some(compression) = compression {
        let name = HeaderValue::from_static(compression.name());
        headers.insert(STREAM_ENCODING, name);
    }
    Ok(response)
}

/// The envelope that ends a stream.
fn last(trailers: MetadataMap, status: &Status) -> Frame<Bytes> {
    let end = error::end_of_stream(trailers, status);
    Frame::data(encode::envelope(END_FLAG, end.as_bytes()))
}
