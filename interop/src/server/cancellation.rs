//! Counts the streaming calls that their clients left.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use cordial::{BoxStream, Code, Result, Stream};

/// How many calls were left so far. Clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancellations(Arc<AtomicU64>);

impl Cancellations {
    /// How many calls were left so far.
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Counts a call, unless it is told of the call's end before it is dropped.
    pub(super) fn watch(&self) -> Watch {
        Watch {
            cancellations: self.clone(),
            ended: false,
        }
    }
}

/// One call.
#[derive(Debug)]
pub(super) struct Watch {
    cancellations: Cancellations,
    ended: bool,
}

impl Watch {
    /// The handler got so far by itself, unless this is how it learns that the
    /// client has left.
    pub(super) fn end<T>(&mut self, result: &Result<T>) {
        self.ended = !matches!(result, Err(status) if status.code() == Code::Cancelled);
    }

    /// The same messages, whose end is the call's.
    pub(super) fn follow<T: 'static>(
        self,
        messages: impl Stream<Item = Result<T>> + Send + 'static,
    ) -> BoxStream<T> {
        Box::pin(Followed {
            messages: Box::pin(messages),
            watch: self,
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.ended {
            self.cancellations.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

struct Followed<T> {
    messages: BoxStream<T>,
    watch: Watch,
}

impl<T> Stream for Followed<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.messages.as_mut().poll_next(cx)).transpose();
        if !matches!(next, Ok(Some(_))) {
            self.watch.end(&next);
        }
        Poll::Ready(next.transpose())
    }
}
