//! gRPC-Web: gRPC for those who cannot read trailers. They come as one more message,
//! and all of it comes as base64 for those who cannot read bytes.

mod text;

use super::{
    Exchange,
    call::{self, Called},
    encode, grpc,
    headers::{self, Accepted},
    notation::Notation,
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
    status::{self, Code, Result, Status},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body::Frame;
use tonic::metadata::MetadataMap;

/// What marks the message of the trailers.
const TRAILERS_FLAG: u8 = 0x80;

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Binary,
    /// In base64.
    Text,
}

impl Form {
    /// That of a request, and how its messages are written; `None` if it is not gRPC-Web.
    pub(super) fn of(headers: &HeaderMap) -> Option<(Self, Notation)> {
        const KINDS: [(&[u8], Form, Notation); 6] = [
            (b"application/grpc-web+proto", Form::Binary, Notation::Proto),
            (b"application/grpc-web", Form::Binary, Notation::Proto),
            (
                b"application/grpc-web-text+proto",
                Form::Text,
                Notation::Proto,
            ),
            (b"application/grpc-web-text", Form::Text, Notation::Proto),
            (b"application/grpc-web+json", Form::Binary, Notation::Json),
            (
                b"application/grpc-web-text+json",
                Form::Text,
                Notation::Json,
            ),
        ];
        let kind = headers::media_type(headers)?;
        let known = KINDS
            .iter()
            .find(|(known, ..)| kind.eq_ignore_ascii_case(known));
        known.map(|(_, form, notation)| (*form, *notation))
    }

    /// That of the reply: what the caller asks for, or what it speaks itself.
    fn of_reply(self, headers: &HeaderMap) -> Self {
        let names = |name: &[u8]| {
            headers.get_all(header::ACCEPT).iter().any(|value| {
                let mut windows = value.as_bytes().windows(name.len());
                windows.any(|window| window.eq_ignore_ascii_case(name))
            })
        };
        if names(b"application/grpc-web-text") {
            Self::Text
        } else if names(b"application/grpc-web") {
            Self::Binary
        } else {
            self
        }
    }

    fn content_type(self, notation: Notation) -> HeaderValue {
        HeaderValue::from_static(match (self, notation) {
            (Self::Binary, Notation::Proto) => "application/grpc-web+proto",
            (Self::Text, Notation::Proto) => "application/grpc-web-text+proto",
            (Self::Binary, Notation::Json) => "application/grpc-web+json",
            (Self::Text, Notation::Json) => "application/grpc-web-text+json",
        })
    }
}

/// Answers one HTTP request whose content type is gRPC-Web.
pub(super) fn answer(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
    (form, notation): (Form, Notation),
) -> impl Future<Output = http::Response<HttpBody>> + Send + use<> {
    let accepted = Accepted::of(request.headers(), &grpc::ACCEPT_ENCODING);
    let reply_form = form.of_reply(request.headers());
    let called = call(dispatch, exchange, request, (form, notation));
    let compression = exchange.compression;
    async move {
        let answered = match called {
            Ok((deadline, codec, reply)) => match reply.await {
                Ok(response) => respond(deadline, response, codec, compression, &accepted),
                Err(status) => Err(status),
            },
            Err(status) => Err(status),
        };
        let mut response = answered.unwrap_or_else(|status| respond_status(&status));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, reply_form.content_type(notation));
        match reply_form {
            Form::Binary => response,
            Form::Text => response.map(text::encode),
        }
    }
}

fn call(
    dispatch: &Dispatch,
    exchange: &Exchange,
    request: http::Request<HttpBody>,
    (form, notation): (Form, Notation),
) -> Called<impl Future<Output = Result<Response<Body>>> + Send + use<>> {
    let (head, body) = request.into_parts();
    let route = dispatch.find(head.uri.path())?;
    let codecs = notation.codecs(route.method, Code::Internal)?;
    let deadline = grpc::read_deadline(&head.headers)?;
    let compression =
        headers::encoding(head.headers.get(grpc::ENCODING).map(HeaderValue::as_bytes))?;
    let body = match form {
        Form::Binary => body,
        Form::Text => text::decode(body),
    };
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
        headers.insert(grpc::ENCODING, HeaderValue::from_static(compression.name()));
    }
    Ok(response)
}

/// The message of the trailers.
fn last(trailers: MetadataMap, status: &Status) -> Frame<Bytes> {
    Frame::data(trailing(&grpc::ending(trailers, status)))
}

fn trailing(headers: &HeaderMap) -> Bytes {
    let mut block = Vec::new();
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            block.extend_from_slice(part);
        }
    }
    encode::envelope(TRAILERS_FLAG, &block)
}

/// A response that is nothing but a status. It stands in the body, where browsers read
/// it whatever CORS shows them of the headers.
fn respond_status(status: &Status) -> http::Response<HttpBody> {
    http::Response::new(HttpBody::from(trailing(&status::trailers(status))))
}
