use super::{BoxError, activity::Busy, http1::Awake, http2::StreamBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::time::Instant;

/// The body of an HTTP request or response, as `tower` layers at the outside
/// of a server see it.
pub struct HttpBody {
    kind: Kind,
    /// The connection is counted as busy for as long as this lives.
    busy: Option<Busy>,
    until: Option<Instant>,
}

enum Kind {
    Empty,
    Whole(Option<Bytes>, Option<HeaderMap>),
    Stream(StreamBody),
    Hyper(Awake),
    Boxed(Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl HttpBody {
    /// No bytes at all.
    pub const fn empty() -> Self {
        Self::of(Kind::Empty)
    }

    /// Whatever `body` yields.
    pub fn new<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::of(Kind::Boxed(Box::pin(Erase { body })))
    }

    /// `data` in one piece, then `trailers`.
    pub(crate) fn whole(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        let data = Some(data).filter(|data| !data.is_empty());
        Self::of(Kind::Whole(data, trailers))
    }

    pub(super) fn stream(body: StreamBody) -> Self {
        Self::of(Kind::Stream(body))
    }

    /// Bytes that have come and are kept back until more do.
    pub(crate) fn buffered(&self) -> usize {
        match &self.kind {
            Kind::Stream(body) => body.buffered(),
            _ => 0,
        }
    }

    /// Nobody waits for it any longer than until then.
    pub(crate) fn with_until(mut self, until: Option<Instant>) -> Self {
        self.until = until;
        self
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Its data and trailers, if they are known already.
    pub(crate) fn take_whole(&mut self) -> Option<(Bytes, Option<HeaderMap>)> {
        match &mut self.kind {
            Kind::Empty => Some((Bytes::new(), None)),
            Kind::Whole(data, trailers) => Some((data.take().unwrap_or_default(), trailers.take())),
            _ => None,
        }
    }

    pub(super) fn hyper(body: Awake) -> Self {
        Self::of(Kind::Hyper(body))
    }

    /// Keeps the connection counted as busy until the body is done with.
    pub(super) fn with_busy(mut self, busy: Busy) -> Self {
        self.busy = Some(busy);
        self
    }

    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            busy: None,
            until: None,
        }
    }
}

impl Default for HttpBody {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for HttpBody {
    fn from(data: Bytes) -> Self {
        Self::whole(data, None)
    }
}

impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBody").finish_non_exhaustive()
    }
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Whole(data, trailers) => Poll::Ready(
                data.take()
                    .map(Frame::data)
                    .or_else(|| trailers.take().map(Frame::trailers))
                    .map(Ok),
            ),
            Kind::Stream(body) => Pin::new(body).poll_frame(cx),
            Kind::Hyper(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Kind::Boxed(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Whole(data, trailers) => data.is_none() && trailers.is_none(),
            Kind::Stream(body) => body.is_end_stream(),
            Kind::Hyper(body) => body.is_end_stream(),
            Kind::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            // Exact would make a content-length, which gRPC has no use for.
            Kind::Whole(..) => SizeHint::default(),
            Kind::Stream(_) => SizeHint::default(),
            Kind::Hyper(body) => body.size_hint(),
            Kind::Boxed(body) => body.size_hint(),
        }
    }
}

pin_project_lite::pin_project! {
    struct Erase<B> {
        #[pin]
        body: B,
    }
}

impl<B> Body for Erase<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.project().body.poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
