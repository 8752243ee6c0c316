//! Connect: calls as plain HTTP. A unary call is a POST of one bare message, or a GET
//! with the message in its query; a stream has envelopes, the last of which says how it
//! ended, in JSON.

mod error;
mod get;
mod headers;
mod json;
mod streaming;
mod unary;

use super::{Exchange, headers::media_type, not_post, notation::Notation};
use crate::{
    dispatch::Dispatch,
    engine::{BoxFuture, HttpBody},
};
use http::Method as Verb;
use std::future::ready;

/// What a request looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Unary(Notation),
    Streaming(Notation),
    /// A unary call whose message is in the query.
    Get(Notation),
}

impl Shape {
    /// That of a request; `None` if it is not Connect.
    pub(super) fn of(request: &http::Request<HttpBody>) -> Option<Self> {
        const KINDS: [(&[u8], Shape); 4] = [
            (b"application/proto", Shape::Unary(Notation::Proto)),
            (b"application/json", Shape::Unary(Notation::Json)),
            (
                b"application/connect+proto",
                Shape::Streaming(Notation::Proto),
            ),
            (
                b"application/connect+json",
                Shape::Streaming(Notation::Json),
            ),
        ];
        if request.method() == Verb::GET {
            return get::notation(request.uri()).map(Self::Get);
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
        (Shape::Get(notation), _) | (Shape::Unary(notation), &Verb::POST) => {
            Box::pin(unary::answer(dispatch, exchange, request, notation))
        }
        (Shape::Streaming(notation), &Verb::POST) => {
            Box::pin(streaming::answer(dispatch, exchange, request, notation))
        }
        (Shape::Unary(_) | Shape::Streaming(_), _) => Box::pin(ready(not_post())),
    }
}
