//! Typed messages into the bodies of requests and responses.

use crate::{
    body::{AnyMessage, AnyStream, Body, Kind, PREFIX_BYTES},
    codec::Codec,
    compression::Compression,
    context::Context as CallContext,
    deadline::{self, Deadline},
    engine::{BoxError, HttpBody},
    guard::{self, Guard},
    metrics::Counted,
    status::{Code, Result, Status},
};
use bytes::{BufMut, Bytes, BytesMut};
use http_body::Frame;
use std::{
    pin::Pin,
    task::{Context, Poll},
};
use tonic::metadata::MetadataMap;

/// Messages that are ready together leave in one DATA frame up to about this size.
const BATCH_BYTES: usize = 32 << 10;

/// A batch that came to more was of large messages, each of which gets a buffer of its
/// own size. What follows may be small, and would hold as much.
const GUESS_BYTES_MAX: usize = 2 * BATCH_BYTES;

/// One message with its prefix.
pub(super) fn one(message: &dyn AnyMessage, compression: Option<Compression>) -> Result<Bytes> {
    let mut out = BytesMut::new();
    message.frame(compression, &mut out)?;
    Ok(out.freeze())
}

/// The same, written in some way.
pub(super) fn one_in(
    codec: Codec,
    message: Box<dyn AnyMessage>,
    compression: Option<Compression>,
) -> Result<Bytes> {
    let mut out = BytesMut::new();
    codec.frame(message, compression, &mut out)?;
    Ok(out.freeze())
}

/// The HTTP body of a reply in a protocol whose end is data too.
pub(super) fn reply(
    body: Body,
    deadline: Option<Deadline>,
    codec: Codec,
    compression: Option<Compression>,
    trailers: MetadataMap,
    last: Last,
) -> Result<HttpBody> {
    let deadline = deadline::earlier(deadline, body.deadline);
    let http = match body.kind {
        Kind::One(message) => {
            let mut out = BytesMut::new();
            codec.frame(message, compression, &mut out)?;
            let last = last(trailers, &Status::new(Code::Ok, ""));
            out.extend_from_slice(&last.into_data().unwrap_or_default());
            HttpBody::from(out.freeze())
        }
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
        Kind::Wire(_) => return Err(not_encoded()),
    };
    Ok(http.with_until(deadline.map(Deadline::instant)))
}

/// What the caller hears of a layer that replies with what it was called with.
pub(super) fn not_encoded() -> Status {
    Status::internal("a layer replied with messages it did not encode")
}

/// `payload` as an envelope of its own, with flags that no message has.
pub(super) fn envelope(flags: u8, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(PREFIX_BYTES + payload.len());
    out.put_u8(flags);
    // What a server has to say of itself is far from 4 GiB.
    out.put_u32(u32::try_from(payload.len()).unwrap_or(u32::MAX));
    out.put_slice(payload);
    out.freeze()
}

/// The HTTP body of a stream of messages.
pub(super) struct Encoded {
    messages: Box<dyn AnyStream>,
    codec: Codec,
    compression: Option<Compression>,
    guard: Guard,
    /// What comes after the messages; `None` in a request, which has no trailers.
    ending: Option<(MetadataMap, Last)>,
    state: State,
    /// What the last batch came to, as a guess at the next.
    batch_bytes: usize,
    context: Option<CallContext>,
    _counted: Option<Counted>,
}

/// Says how a reply ended, and its trailers, in the words of a protocol.
pub(super) type Last = fn(MetadataMap, &Status) -> Frame<Bytes>;

enum State {
    Open,
    Ending(Status),
    Ended,
}

impl Encoded {
    pub(super) fn request(messages: Box<dyn AnyStream>, compression: Option<Compression>) -> Self {
        Self {
            messages,
            codec: Codec::GRPC,
            compression,
            guard: Guard::default(),
            ending: None,
            state: State::Open,
            batch_bytes: 0,
            context: None,
            _counted: None,
        }
    }

    pub(super) fn response(
        messages: Box<dyn AnyStream>,
        compression: Option<Compression>,
        guard: Guard,
        trailers: MetadataMap,
        last: Last,
    ) -> Self {
        Self {
            messages,
            codec: Codec::GRPC,
            compression,
            guard,
            ending: Some((trailers, last)),
            state: State::Open,
            batch_bytes: 0,
            context: None,
            _counted: None,
        }
    }

    /// The same, its messages written that way.
    pub(super) fn written(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// The same, counted for as long as it lives.
    pub(super) fn counted(mut self, counted: Option<Counted>) -> Self {
        self._counted = counted;
        self
    }

    /// The same, its messages made within `context`.
    pub(super) fn within(mut self, context: Option<CallContext>) -> Self {
        self.context = context;
        self
    }

    /// Gathers what is ready into `out`; ready once there is something to send
    /// or the messages have ended.
    fn gather(&mut self, cx: &mut Context<'_>, out: &mut BytesMut) -> Poll<()> {
        let Self {
            messages,
            codec,
            compression,
            guard,
            state,
            batch_bytes,
            context,
            ..
        } = self;
        if *batch_bytes <= GUESS_BYTES_MAX {
            out.reserve(*batch_bytes);
        }
        let next = guard.poll(cx, |cx| {
            let mut poll = || messages.poll_frames(cx, *codec, *compression, BATCH_BYTES, out);
            guard::contain(|| match context {
                Some(context) => context.enter(poll),
                None => poll(),
            })
        });
        *batch_bytes = out.len();
        let ended = match next.map(Result::flatten) {
            Poll::Ready(Ok(Some(Ok(())))) => return Poll::Ready(()),
            Poll::Ready(Ok(Some(Err(status))) | Err(status)) => status,
            Poll::Ready(Ok(None)) => Status::new(Code::Ok, ""),
            Poll::Pending if out.is_empty() => return Poll::Pending,
            Poll::Pending => return Poll::Ready(()),
        };
        *state = State::Ending(ended);
        Poll::Ready(())
    }

    fn end(&mut self, status: Status) -> Option<std::result::Result<Frame<Bytes>, BoxError>> {
        match self.ending.take() {
            Some((trailers, last)) => Some(Ok(last(trailers, &status))),
            None if status.code() == Code::Ok && status.metadata().is_empty() => None,
            None => Some(Err(status.into())),
        }
    }
}

impl http_body::Body for Encoded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, BoxError>>> {
        let mut out = BytesMut::new();
        if matches!(self.state, State::Open) && self.gather(cx, &mut out).is_pending() {
            return Poll::Pending;
        }
        if !out.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(out.freeze()))));
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ending(status) => Poll::Ready(self.end(status)),
            State::Open | State::Ended => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Messages;
    use std::task::Waker;

    #[test]
    fn a_buffer_is_about_as_large_as_what_it_holds() {
        let (large, small) = (vec![1; 4 << 20], vec![1; 100]);
        // What is ready together leaves together; a large message leaves alone.
        let turns = [Some(&small), None, Some(&large), Some(&small), None];
        let mut turns = turns.map(Option::<&Vec<u8>>::cloned).into_iter();
        let stream = futures_util::stream::poll_fn(move |cx| match turns.next() {
            Some(Some(message)) => Poll::Ready(Some(Ok(message))),
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        });
        let mut encoded = Encoded::request(Box::new(Messages(Box::pin(stream))), None);
        let mut cx = Context::from_waker(Waker::noop());
        for wanted in [100, 4 << 20, 100] {
            let out = loop {
                let mut out = BytesMut::new();
                let _ = encoded.gather(&mut cx, &mut out);
                if !out.is_empty() {
                    break out;
                }
            };
            assert!(out.len() > wanted, "{wanted}: {}", out.len());
            let room = out.capacity() - out.len();
            assert!(room <= GUESS_BYTES_MAX, "{wanted}: room for {room} more");
        }
    }
}
