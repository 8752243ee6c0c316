//! A stream without end, out of a future for each of its items.

use crate::{reply::BoxStream, status::Result};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio_stream::Stream;

/// What `step` makes of `state`, then of the state that this left, and so on.
pub(crate) fn unfold<S, T, F>(state: S, mut step: impl Step<S, F>) -> BoxStream<T>
where
    S: 'static,
    T: 'static,
    F: Future<Output = (Result<T>, S)> + Send + 'static,
{
    let next = Box::pin(step(state));
    Box::pin(Unfold { next, step })
}

/// Starts the future of the next item.
pub(crate) trait Step<S, F>: FnMut(S) -> F + Send + Unpin + 'static {}
impl<S, F, G: FnMut(S) -> F + Send + Unpin + 'static> Step<S, F> for G {}

struct Unfold<F, G> {
    next: Pin<Box<F>>,
    step: G,
}

impl<S, T, F, G> Stream for Unfold<F, G>
where
    F: Future<Output = (Result<T>, S)>,
    G: FnMut(S) -> F + Unpin,
{
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let (item, state) = ready!(self.next.as_mut().poll(cx));
        let next = (self.step)(state);
        self.next.set(next);
        Poll::Ready(Some(item))
    }
}
