//! Connect: calls as plain HTTP. A unary call is a POST of one bare message, or a GET
//! with the message in its query; a stream has envelopes, the last of which says how it
//! ended, in JSON.

mod error;
mod get;
mod headers;
mod json;
mod streaming;
mod unary;

use super::{Exchange, headers::media_type, not_post};
use crate::{
    dispatch::Dispatch,
    engine::{BoxFuture, HttpBody},
    method::Method,
    status::{Result, Status},
};
use http::Method as Verb;
use std::future::ready;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Proto,
    Json,
}

impl Codec {
    /// Refuses a method whose messages are not written that way.
    fn check(self, method: Method) -> Result<()> {
        match self {
            Self::Proto => Ok(()),
            Self::Json => Err(Status::unimplemented(format!(
                "the messages of `{}` have no JSON",
                method.path()
            ))),
        }
    }
}

/// What a request looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Unary(Codec),
    Streaming(Codec),
    /// A unary call whose message is in the query.
    Get(Codec),
}

impl Shape {
    /// That of a request; `None` if it is not Connect.
    pub(super) fn of(request: &http::Request<HttpBody>) -> Option<Self> {
        const KINDS: [(&[u8], Shape); 4] = [
            (b"application/proto", Shape::Unary(Codec::Proto)),
            (b"application/json", Shape::Unary(Codec::Json)),
            (b"application/connect+proto", Shape::Streaming(Codec::Proto)),
            (b"application/connect+json", Shape::Streaming(Codec::Json)),
        ];
        if request.method() == Verb::GET {
            return get::codec(request.uri()).map(Self::Get);
        }
        let kind = media_type(request.headers())?;
        let known = KINDS
            .iter()
            .find(|(known, _)| kind.eq_ignore_ascii_case(known));
        known.map(|(_, shape)| *shape)
    }
}

/// Answers one HTTP request that is Connect.
pub(super) fn answer(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
    shape: Shape,
) -> BoxFuture<http::Response<HttpBody>> {
    match (shape, request.method()) {
        (Shape::Get(codec), _) | (Shape::Unary(codec), &Verb::POST) => {
            Box::pin(unary::answer(dispatch, exchange, request, codec))
        }
        (Shape::Streaming(codec), &Verb::POST) => {
            Box::pin(streaming::answer(dispatch, exchange, request, codec))
        }
        (Shape::Unary(_) | Shape::Streaming(_), _) => Box::pin(ready(not_post())),
    }
}
