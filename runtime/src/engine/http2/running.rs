//! One call: runs whoever answers, and sends what the answer is.

use super::{
    frame::Reason,
    sending::{Gone, Sending},
    state::Shared,
};
use crate::{
    engine::{Answer, BoxError, HttpBody},
    limits::Limit,
};
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::Body;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::time::{Instant, Sleep, sleep_until};

/// A call that runs. Dropped before its reply is whole, it resets the stream.
pub(super) struct Running {
    shared: Arc<Shared>,
    id: u32,
    /// It goes alone while all peers together read too little.
    alone: AtomicBool,
    done: bool,
}

/// What a body says next.
enum Next {
    Frame(Option<Result<http_body::Frame<Bytes>, BoxError>>),
    /// Nothing yet, while the head has not been sent.
    Later,
}

/// Answers one request and sends the answer. Aborted, it drops the handler.
pub(super) async fn run<A: Answer>(answer: A, request: http::Request<HttpBody>, mut call: Running) {
    let bodiless = request.method() == Method::HEAD;
    // A call that has to wait has not begun, and counts for nothing yet.
    poll_fn(|cx| call.poll_gate(cx)).await;
    let response = {
        let mut answering = pin!(answer.answer(request));
        poll_fn(|cx| call.poll_gated(cx, |cx| answering.as_mut().poll(cx))).await
    };
    let (head, mut body) = response.into_parts();
    if bodiless || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&head.status) {
        body = HttpBody::empty();
    }
    let until = body.until();
    let mut sending = Sending {
        head: Some((head.status, head.headers)),
        ..Sending::default()
    };
    // An error means that the stream is gone, and with it whoever would hear of it.
    let _ = match body.take_whole() {
        Some((data, trailers)) => {
            sending.data = data;
            sending.trailers = trailers;
            sending.end = true;
            call.send_until(&mut sending, until).await
        }
        // In a box: calls without a stream need no room for it.
        None => Box::pin(call.send_stream(&mut sending, body, until)).await,
    };
    call.done = true;
}

impl Running {
    /// One more handler that runs, for stream `id`.
    pub(super) fn start(shared: &Arc<Shared>, id: u32) -> Self {
        shared.running.fetch_add(1, Ordering::AcqRel);
        Self {
            shared: shared.clone(),
            id,
            alone: AtomicBool::new(false),
            done: false,
        }
    }

    /// Ready when the peer has read enough of what it was sent before. While all
    /// peers together read too little, nothing is made that its windows would keep
    /// here, and the calls of a connection go one at a time: until what the one
    /// before has made is accounted for.
    fn poll_gate(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.shared.is_pressed() && !self.shared.is_congested() {
            return Poll::Ready(());
        }
        let mut state = self.shared.lock();
        // What it waits for may have happened before the lock was taken.
        let goes = !self.shared.is_pressed()
            || self.alone.load(Ordering::Relaxed)
            || (!self.shared.is_congested() && self.has_window(&mut state, cx));
        if goes && self.is_open() {
            return Poll::Ready(());
        }
        state.gate(cx.waker());
        let limit = match self.shared.is_pressed() {
            true => Limit::UnsentBytesMax,
            false => Limit::UnsentBytesPerConnectionMax,
        };
        self.shared.metrics.reached(limit);
        Poll::Pending
    }

    /// Whether the peer's windows let anything through; woken when they do.
    fn has_window(&self, state: &mut super::state::State, cx: &Context<'_>) -> bool {
        let shared_open = state.send_window.room(1) > 0;
        let Some(stream) = state.streams.get_mut(&self.id) else {
            return true;
        };
        let own_open = stream.outgoing.window.room(1) > 0;
        if shared_open && own_open {
            return true;
        }
        stream.outgoing.sender = Some(cx.waker().clone());
        if own_open {
            state.block(self.id);
        }
        false
    }

    fn is_open(&self) -> bool {
        if self.shared.is_congested() {
            return false;
        }
        if !self.shared.is_pressed() || self.alone.load(Ordering::Relaxed) {
            return true;
        }
        let free = !self.shared.alone.swap(true, Ordering::AcqRel);
        self.alone.store(free, Ordering::Relaxed);
        free
    }

    /// Lets the next one go, if this one went alone.
    fn make_way(&self) {
        if self.alone.swap(false, Ordering::Relaxed) {
            let mut state = self.shared.lock();
            self.shared.alone.store(false, Ordering::Release);
            state.open_gate();
        }
    }

    /// Polls what makes a reply, through the gate.
    fn poll_gated<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        ready!(self.poll_gate(cx));
        let polled = poll(cx);
        if polled.is_pending() {
            self.make_way();
        }
        polled
    }

    async fn send_stream(
        &self,
        sending: &mut Sending,
        body: HttpBody,
        until: Option<Instant>,
    ) -> Result<(), Gone> {
        let mut body = pin!(body);
        while !sending.end {
            match poll_fn(|cx| self.poll_next(cx, body.as_mut(), sending)).await {
                Next::Later => {}
                Next::Frame(None) => sending.end = true,
                Next::Frame(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => sending.data = data,
                    Err(frame) => {
                        sending.trailers = frame.into_trailers().ok();
                        sending.end = true;
                    }
                },
                Next::Frame(Some(Err(error))) => {
                    tracing::debug!(%error, "the body of a response broke");
                    self.reset(Reason::Internal);
                    return Err(Gone);
                }
            }
            self.send_until(sending, until).await?;
        }
        Ok(())
    }

    fn poll_next(
        &self,
        cx: &mut Context<'_>,
        body: Pin<&mut HttpBody>,
        sending: &Sending,
    ) -> Poll<Next> {
        match self.poll_gated(cx, |cx| body.poll_frame(cx)) {
            Poll::Ready(frame) => Poll::Ready(Next::Frame(frame)),
            Poll::Pending if sending.head.is_some() => Poll::Ready(Next::Later),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Sends all of it, or resets the stream once nobody waits for it any more.
    async fn send_until(&self, sending: &mut Sending, until: Option<Instant>) -> Result<(), Gone> {
        let mut late: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            let sent = self.poll_send(cx, sending);
            self.make_way();
            if sent.is_ready() {
                return sent;
            }
            let Some(until) = until else {
                return Poll::Pending;
            };
            let late = late.get_or_insert_with(|| Box::pin(sleep_until(until)));
            ready!(late.as_mut().poll(cx));
            self.reset(Reason::Cancel);
            Poll::Ready(Err(Gone))
        })
        .await
    }

    fn poll_send(&self, cx: &mut Context<'_>, sending: &mut Sending) -> Poll<Result<(), Gone>> {
        let mut state = self.shared.lock();
        let state = &mut *state;
        let sent = match sending.append(&self.shared, state, self.id) {
            Err(gone) => return Poll::Ready(Err(gone)),
            Ok(sent) => sent,
        };
        state.wake();
        if !sent {
            if let Some(stream) = state.streams.get_mut(&self.id) {
                stream.outgoing.sender = Some(cx.waker().clone());
            }
            return Poll::Pending;
        }
        if sending.end {
            state.strikes.call_ended();
            self.shared.finish(state, self.id);
        }
        Poll::Ready(Ok(()))
    }

    fn reset(&self, reason: Reason) {
        let mut state = self.shared.lock();
        self.shared.reset(&mut state, self.id, reason);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.make_way();
        let running = self.shared.running.fetch_sub(1, Ordering::AcqRel);
        // The connection starts no more at that many, and waits for one to end.
        let waited_for = running >= self.shared.limits.streams_per_connection_max;
        if self.done && !waited_for {
            return;
        }
        let mut state = self.shared.lock();
        if !self.done {
            self.shared.reset(&mut state, self.id, Reason::Internal);
        }
        state.wake();
    }
}
