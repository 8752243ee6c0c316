//! The protocols that calls come in: HTTP requests into typed messages and back.
//!
//! Each folder is one of them. It knows nothing of handlers and nothing of its
//! neighbours; what they share stands beside them.

mod call;
mod connect;
mod encode;
mod grpc;
mod grpc_web;
mod headers;
mod notation;

use crate::{
    body::Inbound,
    compression::Compression,
    dispatch::Dispatch,
    engine::{BoxFuture, HttpBody},
    protocols::{Protocol, Protocols},
};
use http::{HeaderName, HeaderValue, Method as Verb, StatusCode, header};
use notation::Notation;
use std::{future::ready, sync::Arc};

pub(crate) use grpc::{
    announced, answer_in_time, read_response, request, respond_status, response, stamp,
};

/// What a server's calls have in common.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// How replies are compressed.
    pub(crate) compression: Option<Compression>,
    pub(crate) inbound: Arc<Inbound>,
    pub(crate) protocols: Protocols,
}

/// What every 415 says that could have been sent (`Accept-Post`).
const POSTED: HeaderValue = HeaderValue::from_static(
    "application/grpc, application/grpc-web, application/grpc-web-text, \
     application/proto, application/json, application/connect+proto, application/connect+json",
);

/// Answers one HTTP request in the protocol that it is in. In a box: what it awaits
/// is large, and every future around it would hold it twice.
pub(crate) fn answer(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
) -> BoxFuture<http::Response<HttpBody>> {
    let headers = request.headers();
    let protocols = exchange.protocols;
    // First: most requests are, and none of the others is looked for.
    if grpc::is_grpc(headers) && protocols.has(Protocol::Grpc) {
        return Box::pin(grpc::answer(dispatch, exchange, request, Notation::Proto));
    }
    if grpc::is_grpc_json(headers) && protocols.has(Protocol::Grpc) {
        return Box::pin(grpc::answer(dispatch, exchange, request, Notation::Json));
    }
    if let Some(form) = grpc_web::Form::of(headers)
        && protocols.has(Protocol::GrpcWeb)
    {
        return match *request.method() {
            Verb::POST => Box::pin(grpc_web::answer(dispatch, exchange, request, form)),
            _ => Box::pin(ready(not_post())),
        };
    }
    if let Some(shape) = connect::Shape::of(&request)
        && protocols.has(Protocol::Connect)
    {
        return connect::answer(dispatch, exchange, request, shape);
    }
    Box::pin(ready(unsupported()))
}

/// Refuses a verb, in HTTP's own words.
fn not_post() -> http::Response<HttpBody> {
    let allow = (header::ALLOW, HeaderValue::from_static("POST"));
    refusal(StatusCode::METHOD_NOT_ALLOWED, Some(allow))
}

/// Refuses a content type.
fn unsupported() -> http::Response<HttpBody> {
    const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
    refusal(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Some((ACCEPT_POST, POSTED)),
    )
}

fn refusal(
    code: StatusCode,
    header: Option<(HeaderName, HeaderValue)>,
) -> http::Response<HttpBody> {
    let mut response = http::Response::new(HttpBody::empty());
    *response.status_mut() = code;
    response.headers_mut().extend(header);
    response
}
