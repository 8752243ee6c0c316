//! Typed messages into the bodies of requests and responses.

use crate::{
    body::{AnyMessage, AnyStream},
    compression::Compression,
    context::Context as CallContext,
    engine::BoxError,
    guard::{self, Guard},
    metrics::Counted,
    status::{self, Code, Result, Status},
};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
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

/// The HTTP body of a stream of messages.
pub(super) struct Encoded {
    messages: Box<dyn AnyStream>,
    compression: Option<Compression>,
    guard: Guard,
    /// What comes after the messages; `None` in a request, which has no trailers.
    trailers: Option<MetadataMap>,
    state: State,
    /// What the last batch came to, as a guess at the next.
    batch_bytes: usize,
    context: Option<CallContext>,
    _counted: Option<Counted>,
}

enum State {
    Open,
    Ending(Status),
    Ended,
}

impl Encoded {
    pub(super) fn request(messages: Box<dyn AnyStream>, compression: Option<Compression>) -> Self {
        Self {
            messages,
            compression,
            guard: Guard::default(),
            trailers: None,
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
    ) -> Self {
        Self {
            messages,
            compression,
            guard,
            trailers: Some(trailers),
            state: State::Open,
            batch_bytes: 0,
            context: None,
            _counted: None,
        }
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
            let mut poll = || messages.poll_frames(cx, *compression, BATCH_BYTES, out);
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
        let ok = status.code() == Code::Ok && status.metadata().is_empty();
        match self.trailers.take() {
            Some(trailers) if ok => Some(Ok(Frame::trailers(status::ok_trailers(trailers)))),
            Some(trailers) => {
                let mut headers = trailers.into_headers();
                headers.extend(status::trailers(&status));
                Some(Ok(Frame::trailers(headers)))
            }
            None if ok => None,
            None => Some(Err(status.into())),
        }
    }
}

impl Body for Encoded {
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
