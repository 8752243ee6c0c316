//! Streams of messages with their type forgotten, and found again.

use crate::{
    codec::Codec,
    compression::Compression,
    engine::BoxFuture,
    erased::{downcast, unframe},
    framing::{self, PREFIX_BYTES},
    guard::{Guard, contain},
    reply::BoxStream,
    status::{self, Result, Status},
};
use bytes::BytesMut;
use prost::Message;
use std::{
    any::{Any, TypeId},
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::{Stream, wrappers::ReceiverStream};

/// Messages of some type, one after another.
pub(crate) trait AnyStream: Send {
    /// Appends the messages that are ready, each with its prefix, until `out` holds
    /// `bytes` at least; pending messages leave what is there already.
    fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
        codec: Codec,
        compression: Option<Compression>,
        bytes: usize,
        out: &mut BytesMut,
    ) -> Poll<Option<Result<()>>>;
    fn message_type(&self) -> TypeId;
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
    /// The same messages through a channel that holds `capacity` of them, and
    /// the future that moves them there, until `over`: what a socket does for the
    /// two ends.
    fn pump(
        self: Box<Self>,
        guard: Guard,
        over: BoxFuture<Status>,
        capacity: usize,
    ) -> (Box<dyn AnyStream>, BoxFuture<()>);
}

/// Messages of type `T`.
pub(crate) struct Messages<T>(pub(crate) BoxStream<T>);

impl<T: Message + 'static> AnyStream for Messages<T> {
    fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
        codec: Codec,
        compression: Option<Compression>,
        bytes: usize,
        out: &mut BytesMut,
    ) -> Poll<Option<Result<()>>> {
        while let Some(message) = ready!(self.0.as_mut().poll_next(cx)) {
            match codec {
                Codec::Proto(_) => framing::append(&message?, compression, out)?,
                #[cfg(feature = "json")]
                Codec::Json(_) => codec.frame(Box::new(message?), compression, out)?,
            }
            if out.len() >= bytes {
                return Poll::Ready(Some(Ok(())));
            }
        }
        Poll::Ready(None)
    }

    fn message_type(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn pump(
        self: Box<Self>,
        guard: Guard,
        over: BoxFuture<Status>,
        capacity: usize,
    ) -> (Box<dyn AnyStream>, BoxFuture<()>) {
        let (sender, receiver) = mpsc::channel(capacity.clamp(1, Semaphore::MAX_PERMITS));
        let arriving = Messages(Box::pin(ReceiverStream::new(receiver)));
        (
            Box::new(arriving),
            Box::pin(forward(self.0, guard, over, sender)),
        )
    }
}

/// Moves messages until they end, are to end or nobody receives them any more.
async fn forward<T>(
    mut stream: BoxStream<T>,
    mut guard: Guard,
    mut over: BoxFuture<Status>,
    sender: mpsc::Sender<Result<T>>,
) {
    let mut next =
        async || poll_fn(|cx| guard.poll(cx, |cx| contain(|| stream.as_mut().poll_next(cx)))).await;
    loop {
        let next = tokio::select! {
            next = next() => next.flatten(),
            over = &mut over => Err(over),
            () = sender.closed() => return,
        };
        let message = match next {
            Ok(Some(message)) => message,
            Ok(None) => return,
            Err(status) => Err(status),
        };
        let message = message.map_err(|status| status::as_if_sent(&status));
        let last = message.is_err();
        if sender.send(message).await.is_err() || last {
            return;
        }
    }
}

/// The messages as `T`s, as [`one`](crate::erased::one) does it.
pub(crate) fn many<T>(messages: Box<dyn AnyStream>) -> Result<BoxStream<T>>
where
    T: Message + Default + 'static,
{
    match messages.message_type() == TypeId::of::<T>() {
        true => downcast::<Messages<T>>(messages.into_any()).map(|messages| messages.0),
        false => Ok(Box::pin(Recoded(messages, PhantomData))),
    }
}

/// Messages of another type that become `T`s one by one.
struct Recoded<T>(Box<dyn AnyStream>, PhantomData<fn() -> T>);

impl<T: Message + Default> Stream for Recoded<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let mut framed = BytesMut::new();
        let next = ready!(
            self.0
                .poll_frames(cx, Codec::GRPC, None, PREFIX_BYTES, &mut framed)
        );
        Poll::Ready(next.map(|next| next.and_then(|()| unframe(framed))))
    }
}
