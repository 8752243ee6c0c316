//! The serving side of gRPC over HTTP/2.

use super::{
    super::{
        Exchange,
        call::{self, Called},
        encode::{self, Encoded},
        headers::{self as all, Accepted},
        not_post,
        notation::Notation,
        refusal,
    },
    headers::{ACCEPT_ENCODING, ENCODING, GRPC, GRPC_JSON, TIMEOUT},
};
use crate::{
    body::{Body, Inbound, Kind, PREFIX_BYTES, Wire},
    codec::Codec,
    compression::{ACCEPT, Compression},
    deadline::{self, Deadline},
    dispatch::Dispatch,
    engine::HttpBody,
    guard::Guard,
    message::Response,
    status::{self, Code, Result, Status},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method as Verb, StatusCode, header};
use http_body::Frame;
use std::sync::Arc;
use tonic::metadata::MetadataMap;

/// Answers one HTTP request whose content type is gRPC. The request is read
/// before the future is made: one that holds no request is cheap to move, and
/// spawning moves it several times.
pub(in super::super) fn answer(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
    notation: Notation,
) -> impl Future<Output = http::Response<HttpBody>> + Send + use<> {
    let refusal = refuse(&request).map(Box::new);
    let accepted = Accepted::of(request.headers(), &ACCEPT_ENCODING);
    let called = match refusal {
        Some(refusal) => Err(refusal),
        None => call(dispatch, exchange.inbound.clone(), request, notation)
            .map_err(|status| Box::new(respond_status(&status))),
    };
    let compression = exchange.compression;
    async move {
        let mut response = match called {
            Ok((deadline, codec, reply)) => match reply.await {
                Ok(response) => respond(deadline, response, codec, compression, &accepted),
                Err(status) => respond_status(&status),
            },
            Err(response) => *response,
        };
        if notation == Notation::Json && response.status() == StatusCode::OK {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, GRPC_JSON);
        }
        response
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
    if request.method() != Verb::POST {
        return Some(not_post());
    }
    let too_old = request.version() < http::Version::HTTP_2;
    too_old.then(|| refusal(StatusCode::HTTP_VERSION_NOT_SUPPORTED, None))
}

fn call(
    dispatch: &Dispatch,
    inbound: Arc<Inbound>,
    request: http::Request<HttpBody>,
    notation: Notation,
) -> Called<impl Future<Output = Result<Response<Body>>> + Send + use<>> {
    let (head, body) = request.into_parts();
    let route = dispatch.find(head.uri.path())?;
    let codecs = notation.codecs(route.method, Code::Internal)?;
    let deadline = read_deadline(&head.headers)?;
    let compression = all::encoding(head.headers.get(ENCODING).map(HeaderValue::as_bytes))?;
    let single = call::is_single(route.method.kind());
    let wire = Wire::request(body, compression, inbound, single).written(codecs.request);
    let reply = call::begin(dispatch, route, head, wire, deadline, compression);
    Ok((deadline, codecs.response, reply))
}

pub(in super::super) fn read_deadline(headers: &HeaderMap) -> Result<Option<Deadline>> {
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
    codec: Codec,
    default: Option<Compression>,
    accepted: &Accepted,
) -> http::Response<HttpBody> {
    let compression = accepted.choose(&response, default);
    let (body, mut head) = response.split();
    let deadline = deadline::earlier(deadline, body.deadline);
    let trailers = std::mem::take(head.trailers_mut());
    let body = match body.kind {
        Kind::One(message) => match encode::one_in(codec, message, compression) {
            Ok(data) => HttpBody::whole(data, Some(status::ok_trailers(trailers))),
            Err(status) => return respond_status(&status),
        },
        Kind::Many(messages) => {
            let guard = Guard::new(deadline);
            let encoded = Encoded::response(messages, compression, guard, trailers, last);
            HttpBody::new(
                encoded
                    .written(codec)
                    .counted(body.counted)
                    .within(body.context),
            )
        }
        Kind::Wire(_) => return respond_status(&encode::not_encoded()),
    };
    let until = deadline.map(Deadline::instant);
    let mut response = http::Response::new(body.with_until(until));
    let headers = response.headers_mut();
    *headers = all::of(std::mem::take(head.metadata_mut()));
    headers.insert(header::CONTENT_TYPE, GRPC);
    if let Some(compression) = compression {
        headers.insert(ENCODING, HeaderValue::from_static(compression.name()));
    }
    response
}

/// The trailers of a call that ends with `status` after its messages.
pub(in super::super) fn ending(trailers: MetadataMap, status: &Status) -> HeaderMap {
    if status.code() == Code::Ok && status.metadata().is_empty() {
        return status::ok_trailers(trailers);
    }
    let mut headers = trailers.into_headers();
    headers.extend(status::trailers(status));
    headers
}

fn last(trailers: MetadataMap, status: &Status) -> Frame<Bytes> {
    Frame::trailers(ending(trailers, status))
}

/// A response that is nothing but a status ("Trailers-Only").
pub(crate) fn respond_status(status: &Status) -> http::Response<HttpBody> {
    let mut response = http::Response::new(HttpBody::empty());
    let headers = response.headers_mut();
    *headers = status::trailers(status);
    if status.code() == Code::Unimplemented {
        headers.insert(ACCEPT_ENCODING, ACCEPT);
    }
    headers.insert(header::CONTENT_TYPE, GRPC);
    response
}
