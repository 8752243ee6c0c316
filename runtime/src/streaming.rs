//! Messages that arrive one after another.

use crate::{
    body::{self, Body, Kind, Wire},
    guard::{Guard, contain},
    reply::BoxStream,
    status::{Code, Result, Status},
};
use prost::Message;
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio_stream::Stream;
use tonic::metadata::MetadataMap;

/// Messages that arrive one after another: a [`Stream`] of `Result<T>`.
///
/// Dropping it before its end cancels the call (on the caller's side) or the
/// rest of the request (on the handler's).
pub struct Streaming<T> {
    source: Source<T>,
    guard: Guard,
    trailers: MetadataMap,
    ended: bool,
}

enum Source<T> {
    Wire(Box<Wire>),
    Local(BoxStream<T>),
}

impl<T> Streaming<T> {
    /// The messages of `stream`, as if they had arrived: for calling a handler
    /// in a test.
    pub fn new(stream: impl Stream<Item = Result<T>> + Send + 'static) -> Self {
        Self::of(Source::Local(Box::pin(stream)))
    }

    fn of(source: Source<T>) -> Self {
        Self {
            source,
            guard: Guard::default(),
            trailers: MetadataMap::new(),
            ended: false,
        }
    }

    pub(crate) fn guarded(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    pub(crate) fn with_trailers(mut self, trailers: MetadataMap) -> Self {
        self.trailers = trailers;
        self
    }
}

impl<T: Message + Default + 'static> Streaming<T> {
    pub(crate) fn from_body(body: Body) -> Result<Self> {
        Ok(Self::of(match body.kind {
            Kind::Wire(wire) => Source::Wire(wire),
            Kind::Many(many) => Source::Local(body::many(many)?),
            Kind::One(one) => {
                let message = body::one::<T>(one)?;
                Source::Local(Box::pin(tokio_stream::once(Ok(message))))
            }
        }))
    }

    /// The next message; `None` after the last one. Cancellation safe: a
    /// message is never lost between two calls.
    ///
    /// # Errors
    /// The status the peer, the connection or the deadline ended the call with.
    pub async fn message(&mut self) -> Result<Option<T>> {
        poll_fn(|cx| self.poll_message(cx)).await.transpose()
    }

    /// Waits for the end and gives the metadata that came with it; messages
    /// not yet read are discarded.
    ///
    /// # Errors
    /// The status the call ended with, unless that is OK.
    pub async fn trailers(&mut self) -> Result<MetadataMap> {
        while self.message().await?.is_some() {}
        Ok(std::mem::take(&mut self.trailers))
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let Self { source, guard, .. } = self;
        let next = ready!(guard.poll(cx, |cx| source.poll(cx)));
        let next = match next.flatten().transpose() {
            Some(Err(status)) if status.code() == Code::Ok => {
                let mut trailers = std::mem::take(&mut self.trailers).into_headers();
                trailers.extend(status.metadata().clone().into_headers());
                self.trailers = MetadataMap::from_headers(trailers);
                None
            }
            // On a wire the status arrives among the trailers.
            Some(Err(mut status)) if !self.trailers.is_empty() => {
                let mut trailers = std::mem::take(&mut self.trailers).into_headers();
                trailers.extend(std::mem::take(status.metadata_mut()).into_headers());
                *status.metadata_mut() = MetadataMap::from_headers(trailers);
                Some(Err(status))
            }
            next => next,
        };
        if !matches!(next, Some(Ok(_))) {
            self.ended = true;
            if let Source::Wire(wire) = &mut self.source {
                self.trailers = wire.trailers();
            }
            // What is left of the call is dropped with its source.
            self.source = Source::Local(Box::pin(tokio_stream::empty()));
        }
        Poll::Ready(next)
    }
}

impl<T: Message + Default + 'static> Source<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>>> {
        match self {
            Self::Wire(wire) => {
                let bytes = ready!(wire.poll_message(cx))?;
                Poll::Ready(bytes.map(|bytes| wire.decode(bytes)).transpose())
            }
            Self::Local(stream) => contain(|| stream.as_mut().poll_next(cx))
                .map(|next: Result<Option<Result<T>>, Status>| next?.transpose()),
        }
    }
}

impl<T: Message + Default + 'static> Stream for Streaming<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        self.poll_message(cx)
    }
}

impl<T> fmt::Debug for Streaming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
