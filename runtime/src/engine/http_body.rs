use super::{BoxError, activity::Busy, http2::RequestBody};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{sync::oneshot, time::Instant};

/// The body of an HTTP request or response, as `tower` layers at the outside
/// of a server see it.
pub struct HttpBody {
    kind: Kind,
    hold: Hold,
    until: Option<Instant>,
}

/// What else ends with the body, or ends it.
enum Hold {
    Nothing,
    Busy {
        _busy: Busy,
    },
    /// A response: without it nobody waits for the rest of the request.
    Response {
        _link: Link,
    },
    /// A request: for as long as its response is waited for.
    Request(oneshot::Receiver<Infallible>),
}

/// Ties a request to its response: once dropped, the request is cancelled.
#[derive(Debug)]
pub(super) struct Link {
    _sender: oneshot::Sender<Infallible>,
}

enum Kind {
    Empty,
    Whole(Option<Bytes>, Option<HeaderMap>),
    Request(RequestBody),
    Hyper(hyper::body::Incoming),
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
        Self::of(Kind::Whole(Some(data), trailers))
    }

    pub(super) fn request(body: RequestBody) -> Self {
        Self::of(Kind::Request(body))
    }

    /// Bytes that have come and are kept back until more do.
    pub(crate) fn buffered(&self) -> usize {
        match &self.kind {
            Kind::Request(body) => body.buffered(),
            _ => 0,
        }
    }

    /// Nobody waits for it any longer than until then.
    pub(crate) fn with_until(mut self, until: Option<Instant>) -> Self {
        self.until = until;
        self
    }

    pub(super) fn until(&self) -> Option<Instant> {
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

    pub(crate) fn hyper(body: hyper::body::Incoming) -> Self {
        Self::of(Kind::Hyper(body))
    }

    /// Keeps the connection counted as busy until the body is done with.
    pub(super) fn with_busy(mut self, busy: Busy) -> Self {
        self.hold = Hold::Busy { _busy: busy };
        self
    }

    /// The body of a request, which ends when the link to its response is
    /// dropped. hyper itself goes on sending a stream of messages that nobody
    /// waits for the reply of, and the server never learns that the call is over.
    ///
    /// A body that is whole already is sent whatever becomes of the response.
    pub(super) fn linked(mut self) -> (Self, Option<Link>) {
        if matches!(self.kind, Kind::Empty | Kind::Whole(..)) {
            return (self, None);
        }
        let (_sender, linked) = oneshot::channel();
        self.hold = Hold::Request(linked);
        (self, Some(Link { _sender }))
    }

    pub(super) fn with_link(mut self, link: Option<Link>) -> Self {
        if let Some(link) = link {
            self.hold = Hold::Response { _link: link };
        }
        self
    }

    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            hold: Hold::Nothing,
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
        if let Hold::Request(linked) = &mut self.hold
            && Pin::new(linked).poll(cx).is_ready()
        {
            let cancelled = h2::Error::from(h2::Reason::CANCEL);
            return Poll::Ready(Some(Err(cancelled.into())));
        }
        match &mut self.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Whole(data, trailers) => Poll::Ready(
                data.take()
                    .map(Frame::data)
                    .or_else(|| trailers.take().map(Frame::trailers))
                    .map(Ok),
            ),
            Kind::Request(body) => Pin::new(body).poll_frame(cx),
            Kind::Hyper(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Kind::Boxed(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Whole(data, trailers) => data.is_none() && trailers.is_none(),
            Kind::Request(body) => body.is_end_stream(),
            Kind::Hyper(body) => body.is_end_stream(),
            Kind::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            // Exact would make a content-length, which gRPC has no use for.
            Kind::Whole(..) => SizeHint::default(),
            Kind::Request(_) => SizeHint::default(),
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
