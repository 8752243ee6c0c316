//! The body of a request that wakes its reader now and then though nothing comes: who
//! waits for it looks at its pace then.

use super::linger::linger;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep};

pub(in super::super) struct Awake {
    /// `None` once it has ended.
    body: Option<Incoming>,
    apart: Duration,
    /// Until it wakes its reader; `None` while nobody has waited.
    nudge: Option<Pin<Box<Sleep>>>,
}

impl Awake {
    pub(super) fn new(body: Incoming, apart: Duration) -> Self {
        Self {
            body: Some(body),
            apart,
            nudge: None,
        }
    }
}

impl Awake {
    fn wake_later(&mut self, cx: &mut Context<'_>) {
        let apart = self.apart;
        let nudge = self.nudge.get_or_insert_with(|| Box::pin(sleep(apart)));
        while nudge.as_mut().poll(cx).is_ready() {
            nudge.as_mut().reset(Instant::now() + apart);
        }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            linger(body);
        }
    }
}

impl Body for Awake {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(ended) => {
                self.body = None;
                Poll::Ready(ended)
            }
            Poll::Pending => {
                self.wake_later(cx);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_ref();
        body.map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}
