//! What keeps a call from outliving its deadline and a panic from spreading.

use crate::{
    deadline::Deadline,
    status::{self, Result, Status},
};
use pin_project_lite::pin_project;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::time::{Sleep, sleep_until};

/// Ends whatever is polled through it at a deadline.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    deadline: Option<Deadline>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Guard {
    pub(crate) fn new(deadline: Option<Deadline>) -> Self {
        Self {
            deadline,
            sleep: None,
        }
    }

    /// What `poll` says, or DEADLINE_EXCEEDED once the deadline has passed.
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T>> {
        let Some(deadline) = self.deadline else {
            return poll(cx).map(Ok);
        };
        if deadline.has_passed() {
            return Poll::Ready(Err(status::deadline_exceeded()));
        }
        if let Poll::Ready(ready) = poll(cx) {
            return Poll::Ready(Ok(ready));
        }
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline.instant())));
        match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(status::deadline_exceeded())),
            Poll::Pending => Poll::Pending,
        }
    }
}

pin_project! {
    /// What [`until`] returns. By hand, since an `async fn` keeps a future that it is
    /// given twice; and with the timer in it, where a [`Guard`] has a box.
    pub(crate) struct Until<F> {
        deadline: Option<Deadline>,
        #[pin]
        future: F,
        #[pin]
        sleep: Option<Sleep>,
    }
}

/// What `future` ends with, or DEADLINE_EXCEEDED at the deadline.
pub(crate) fn until<T, F>(deadline: Option<Deadline>, future: F) -> Until<F>
where
    F: Future<Output = Result<T>>,
{
    Until {
        deadline,
        future,
        sleep: None,
    }
}

impl<T, F: Future<Output = Result<T>>> Future for Until<F> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let mut this = self.project();
        let Some(deadline) = *this.deadline else {
            return this.future.poll(cx);
        };
        if deadline.has_passed() {
            return Poll::Ready(Err(status::deadline_exceeded()));
        }
        if let Poll::Ready(ready) = this.future.poll(cx) {
            return Poll::Ready(ready);
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(sleep_until(deadline.instant())));
        }
        match this.sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx).map(|()| Err(status::deadline_exceeded())),
            None => Poll::Pending,
        }
    }
}

/// What `poll` says; a panic in it is INTERNAL, and the log's alone to tell.
pub(crate) fn contain<T>(poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T>> {
    match contain_now(poll) {
        Ok(polled) => polled.map(Ok),
        Err(status) => Poll::Ready(Err(status)),
    }
}

/// What `run` returns; a panic in it is INTERNAL, and the log's alone to tell.
pub(crate) fn contain_now<T>(run: impl FnOnce() -> T) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(returned) => Ok(returned),
        Err(panic) => {
            let what = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("something that is no text");
            tracing::error!(panic = what, "a handler panicked");
            Err(Status::internal("the handler panicked"))
        }
    }
}
