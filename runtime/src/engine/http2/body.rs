//! The body of a request, as its handler reads it, or of a response.

use super::state::{Shared, Side};
use crate::engine::{BoxError, Broken};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Data as it comes, then trailers if there are any. A request that is dropped lets
/// the peer send no more than its window on this stream; a response that is dropped
/// cancels its call.
#[derive(Debug)]
pub(crate) struct StreamBody {
    shared: Arc<Shared>,
    id: u32,
    ended: bool,
}

impl StreamBody {
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

impl Body for StreamBody {
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
            return Poll::Ready(Some(Err(Broken::Left.into())));
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
                *ended = incoming.ended && incoming.trailers.is_none() && incoming.broken.is_none();
            } else {
                incoming.read_by(cx.waker());
            }
            state.release(*id, read, &shared.limits);
            if *ended {
                shared.read_out(&mut state, *id);
            }
            return match ready {
                true => Poll::Ready(Some(Ok(Frame::data(data)))),
                false => Poll::Pending,
            };
        }
        if incoming.ended {
            *ended = true;
            let last = match (incoming.broken.take(), incoming.trailers.take()) {
                (Some(broken), _) => Some(Err(broken.into())),
                (None, trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
            };
            shared.read_out(&mut state, *id);
            return Poll::Ready(last);
        }
        incoming.read_by(cx.waker());
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut state = self.shared.lock();
        if self.shared.side == Side::Client {
            return self.shared.cancel(&mut state, self.id);
        }
        if let Some(stream) = state.streams.get_mut(&self.id) {
            stream.incoming.unwanted = true;
            let unread = stream.incoming.count_read();
            stream.incoming.data = BytesMut::new();
            stream.incoming.counted = 0;
            state.release_connection(unread);
        }
    }
}
