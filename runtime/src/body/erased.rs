//! Messages with their type forgotten, and found again.

use crate::{
    engine::BoxFuture,
    guard::{Guard, contain},
    reply::BoxStream,
    status::{Result, Status},
};
use bytes::{Bytes, BytesMut};
use prost::Message;
use std::{
    any::Any,
    future::poll_fn,
    task::{Context, Poll},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// A message of some type.
pub(crate) trait AnyMessage: Send {
    fn encoded_len(&self) -> usize;
    fn encode(&self, buf: &mut BytesMut);
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<T: Message + 'static> AnyMessage for T {
    fn encoded_len(&self) -> usize {
        Message::encoded_len(self)
    }

    fn encode(&self, buf: &mut BytesMut) {
        self.encode_raw(buf);
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// Messages of some type, one after another.
pub(crate) trait AnyStream: Send {
    /// Hands the next message to `take`, if one is ready.
    fn poll_each(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut dyn FnMut(&dyn AnyMessage) -> Result<()>,
    ) -> Poll<Option<Result<()>>>;
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
    /// The same messages through a channel that holds `capacity` of them, and
    /// the future that moves them there: what a socket does for the two ends.
    fn pump(self: Box<Self>, guard: Guard, capacity: usize) -> (Box<dyn AnyStream>, BoxFuture<()>);
}

/// Messages of type `T`.
pub(crate) struct Messages<T>(pub(crate) BoxStream<T>);

impl<T: Message + 'static> AnyStream for Messages<T> {
    fn poll_each(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut dyn FnMut(&dyn AnyMessage) -> Result<()>,
    ) -> Poll<Option<Result<()>>> {
        self.0
            .as_mut()
            .poll_next(cx)
            .map(|next| next.map(|message| take(&message?)))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn pump(self: Box<Self>, guard: Guard, capacity: usize) -> (Box<dyn AnyStream>, BoxFuture<()>) {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let arriving = Messages(Box::pin(ReceiverStream::new(receiver)));
        (Box::new(arriving), Box::pin(forward(self.0, guard, sender)))
    }
}

/// Moves messages until they end or nobody receives them any more.
async fn forward<T>(mut stream: BoxStream<T>, mut guard: Guard, sender: mpsc::Sender<Result<T>>) {
    let mut next =
        async || poll_fn(|cx| guard.poll(cx, |cx| contain(|| stream.as_mut().poll_next(cx)))).await;
    loop {
        let next = tokio::select! {
            next = next() => next.flatten(),
            () = sender.closed() => return,
        };
        let message = match next {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(status) => Err(status),
        };
        let last = message.is_err();
        if sender.send(message).await.is_err() || last {
            return;
        }
    }
}

pub(crate) fn downcast<T: 'static>(message: Box<dyn Any + Send>) -> Result<T> {
    match message.downcast::<T>() {
        Ok(message) => Ok(*message),
        Err(_) => Err(Status::internal(
            "the two ends of an in-process call disagree on a message's type",
        )),
    }
}

pub(crate) fn decode<T: Message + Default>(bytes: Bytes) -> Result<T> {
    T::decode(bytes)
        .map_err(|error| Status::internal(format!("a message does not decode: {error}")))
}
