//! Bodies in base64 (gRPC-Web, "application/grpc-web-text"). Whoever flushes pads, so
//! padding may stand at the end of any four characters, and more may follow it.

use crate::{
    engine::{BoxError, HttpBody},
    status::Status,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// Characters that stand for three bytes, or for the last of some.
const QUANTUM: usize = 4;

/// The same in base64, each piece for itself.
pub(super) fn encode(body: HttpBody) -> HttpBody {
    let until = body.until();
    HttpBody::new(Encoded(body)).with_until(until)
}

/// What was sent in base64.
pub(super) fn decode(body: HttpBody) -> HttpBody {
    HttpBody::new(Decoded {
        body,
        text: BytesMut::new(),
    })
}

struct Encoded(HttpBody);

impl Body for Encoded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        let encode = |data: Bytes| Bytes::from(BASE64_STANDARD.encode(data));
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(encode))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}

struct Decoded {
    body: HttpBody,
    /// Characters that came and are no whole quantum yet.
    text: BytesMut,
}

impl Decoded {
    /// What is whole of the text that has come.
    fn take(&mut self) -> Result<Bytes, Status> {
        let whole = self.text.len() / QUANTUM * QUANTUM;
        let text = self.text.split_to(whole);
        let mut out = Vec::with_capacity(whole / QUANTUM * 3);
        let mut rest = &text[..];
        while !rest.is_empty() {
            // As far as the next padding, which ends a quantum.
            let padding = rest.iter().position(|byte| *byte == b'=');
            let end = padding.map_or(rest.len(), |at| (at / QUANTUM + 1) * QUANTUM);
            let (run, after) = rest.split_at(end);
            BASE64_STANDARD
                .decode_vec(run, &mut out)
                .map_err(|error| Status::internal(format!("the request is not base64: {error}")))?;
            rest = after;
        }
        Ok(out.into())
    }
}

impl Body for Decoded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if self.text.is_empty() => return Poll::Ready(None),
                None => {
                    self.text.clear();
                    let torn =
                        Status::internal("the request ended within four characters of base64");
                    return Poll::Ready(Some(Err(torn.into())));
                }
            };
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            };
            self.text.extend_from_slice(&data);
            let data = self.take()?;
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_empty() && self.body.is_end_stream()
    }
}
