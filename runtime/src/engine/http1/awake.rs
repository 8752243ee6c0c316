//! The body of a request that wakes its reader now and then though nothing comes: who
//! waits for it looks at its pace then.

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
    body: Incoming,
    apart: Duration,
    /// Until it wakes its reader; `None` while nobody has waited.
    nudge: Option<Pin<Box<Sleep>>>,
}

impl Awake {
    pub(super) fn new(body: Incoming, apart: Duration) -> Self {
        let nudge = None;
        Self { body, apart, nudge }
    }
}

impl Body for Awake {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_pending() {
            let apart = self.apart;
            let nudge = self.nudge.get_or_insert_with(|| Box::pin(sleep(apart)));
            while nudge.as_mut().poll(cx).is_ready() {
                nudge.as_mut().reset(Instant::now() + apart);
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
