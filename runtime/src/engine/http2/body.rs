//! The body of a request, as its handler reads it.

use super::state::Shared;
use crate::engine::BoxError;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// Data as it comes, then trailers if there are any. Dropping it lets the peer
/// send no more than its window on this stream.
#[derive(Debug)]
pub(crate) struct RequestBody {
    shared: Arc<Shared>,
    id: u32,
    ended: bool,
}

/// The stream was reset, or the connection broke, before the request ended.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream ended before the request did")
    }
}

impl std::error::Error for Broken {}

impl RequestBody {
    pub(super) fn new(shared: Arc<Shared>, id: u32) -> Self {
        let ended = false;
        Self { shared, id, ended }
    }

    /// Bytes that have come and are kept back until more do.
    pub(in super::super) fn buffered(&self) -> usize {
        let state = self.shared.lock();
        let stream = state.streams.get(&self.id);
        stream.map_or(0, |stream| stream.incoming.data.len())
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let Self { shared, id, ended } = &mut *self;
        let mut state = shared.lock();
        let Some(stream) = state.streams.get_mut(id) else {
            *ended = true;
            return Poll::Ready(Some(Err(Broken.into())));
        };
        let incoming = &mut stream.incoming;
        if !incoming.data.is_empty() {
            let read = incoming.count_read();
            let ready = incoming.is_ready();
            let mut data = Bytes::new();
            if ready {
                incoming.wanted = 0;
                incoming.counted = 0;
                data = incoming.data.split().freeze();
                *ended = incoming.ended && incoming.trailers.is_none();
            } else {
                set(&mut incoming.reader, cx.waker());
            }
            state.release(*id, read, &shared.limits);
            return match ready {
                true => Poll::Ready(Some(Ok(Frame::data(data)))),
                false => Poll::Pending,
            };
        }
        if let Some(trailers) = incoming.trailers.take() {
            *ended = true;
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        if incoming.ended {
            *ended = true;
            return Poll::Ready(None);
        }
        set(&mut incoming.reader, cx.waker());
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

fn set(reader: &mut Option<Waker>, waker: &Waker) {
    match reader {
        Some(reader) => reader.clone_from(waker),
        None => *reader = Some(waker.clone()),
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut state = self.shared.lock();
        if let Some(stream) = state.streams.get_mut(&self.id) {
            stream.incoming.unwanted = true;
            let unread = stream.incoming.count_read();
            stream.incoming.data = BytesMut::new();
            stream.incoming.counted = 0;
            state.release_connection(unread);
        }
    }
}
