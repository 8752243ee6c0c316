//! A client's end of a connection: makes calls on it.

use super::{
    body::StreamBody,
    frame::Reason,
    hpack::Start,
    places::Asked,
    room::Room,
    sending::{Gone, Sending},
    state::{Shared, State, stream_window},
    stream::Stream,
};
use crate::{
    engine::{Broken, HttpBody, broken::Loss},
    limits::Limits,
    metrics::Metrics,
};
use http::{Request, Response, request};
use http_body::Body as _;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Instant;

/// Makes calls on one connection, which closes once it is dropped and they have ended.
#[derive(Debug)]
pub(in crate::engine) struct Caller(Arc<Shared>);

/// A request that got no response.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) why: Broken,
    /// The request, if nothing of it has left.
    pub(crate) unsent: Option<Box<Request<HttpBody>>>,
}

/// Why no call can begin.
#[derive(Debug)]
pub(in crate::engine) enum Refused {
    /// The peer takes no more calls at once.
    Full,
    /// The connection takes none.
    Closed(Arc<str>),
}

/// A request on its way, and then the head of its response. Dropped before that has
/// come, or with a response whose body has not ended, it is cancelled.
#[derive(Debug)]
pub(crate) struct Begun {
    shared: Arc<Shared>,
    id: u32,
    /// What of a whole request there was no room for yet.
    rest: Option<Box<Sending>>,
    answered: bool,
}

impl Refused {
    pub(in crate::engine) fn why(self) -> Arc<str> {
        match self {
            Self::Full => "the peer takes no more calls at once".into(),
            Self::Closed(why) => why,
        }
    }
}

impl Caller {
    pub(in crate::engine) fn new(limits: Limits, metrics: Metrics) -> Self {
        Self(Shared::called(limits, metrics))
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        self.0.clone()
    }

    /// Tells `room` whenever a call may have come to begin that was refused before.
    pub(in crate::engine) fn tell(&self, room: Arc<Room>) {
        self.0.lock().places.tell(room);
    }

    /// Why the connection ended, or will soon.
    pub(in crate::engine) fn why(&self) -> Arc<str> {
        let why = self.0.lock().why.clone();
        why.unwrap_or_else(|| "the peer closed it".into())
    }

    /// Whether calls may still be made.
    pub(in crate::engine) fn is_open(&self) -> bool {
        self.0.lock().places.are_open()
    }

    /// How many calls have begun on it.
    pub(in crate::engine) fn begun(&self) -> u32 {
        self.0.lock().places.begun()
    }

    /// Whether it carries no call.
    pub(in crate::engine) fn is_idle(&self) -> bool {
        self.0.lock().places.taken() == 0
    }

    /// Begins a call if there is a place for it, and takes `request` then.
    pub(in crate::engine) fn begin(
        &self,
        request: &mut Option<Box<Request<HttpBody>>>,
    ) -> Result<Begun, Refused> {
        let shared = &self.0;
        let mut state = shared.lock();
        let id = match state.places.ask() {
            Asked::Stream(id) => id,
            Asked::Full => return Err(Refused::Full),
            Asked::Never(why) => return Err(Refused::Closed(why)),
        };
        let (head, mut body) = request.take().unwrap_or_default().into_parts();
        let mut whole = body.take_whole().map(Sending::whole);
        shared.begin(&mut state, id, &head, &mut whole);
        drop(state);
        let mut rest = None;
        match whole {
            Some(sending) if sending.done => {}
            Some(sending) => rest = Some(Box::new(sending)),
            None => upload(shared, id, Sending::default(), body),
        }
        Ok(Begun {
            shared: shared.clone(),
            id,
            rest,
            answered: false,
        })
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state
            .places
            .close("the channel closed its connection".into());
        state.wake();
    }
}

impl Shared {
    /// Begins a call on stream `id`.
    fn begin(
        &self,
        state: &mut State,
        id: u32,
        head: &request::Parts,
        whole: &mut Option<Sending>,
    ) {
        let window = i64::from(stream_window(&self.limits));
        let stream = Stream::called(Instant::now(), window, state.peer.window, state.position());
        state.streams.insert(id, stream);
        let bodiless = whole.as_ref().is_some_and(Sending::is_bodiless);
        let start = Start::Request(&head.method, &head.uri);
        state.put_headers(id, start, &head.headers, bodiless);
        state.strikes.sent(0);
        if let Some(sending) = whole {
            if bodiless {
                sending.done = true;
                self.sent(state, id);
            } else {
                // Where there is no room, the call itself goes on.
                let _ = self.send(state, id, sending);
            }
        }
        state.wake();
    }

    /// Sends what there is room for; whether that is everything.
    fn send(&self, state: &mut State, id: u32, sending: &mut Sending) -> Result<bool, Gone> {
        let all = sending.append(self, state, id)?;
        if all && sending.end {
            sending.done = true;
            self.sent(state, id);
        }
        Ok(all)
    }

    /// The same, until everything has left.
    fn poll_send(
        &self,
        state: &mut State,
        id: u32,
        sending: &mut Sending,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Gone>> {
        let sent = self.send(state, id, sending);
        state.wake();
        match sent {
            Err(gone) => Poll::Ready(Err(gone)),
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => {
                if let Some(stream) = state.streams.get_mut(&id) {
                    stream.outgoing.sender = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

impl Begun {
    fn poll_response(&mut self, cx: &Context<'_>) -> Poll<Result<Response<HttpBody>, Broken>> {
        let mut state = self.shared.lock();
        let state = &mut *state;
        if let Some(rest) = &mut self.rest
            && self.shared.poll_send(state, self.id, rest, cx).is_ready()
        {
            self.rest = None;
        }
        let lost = || Broken::Lost(Loss::new("it forgot the call".into()));
        let incoming = match state.streams.get_mut(&self.id) {
            Some(stream) => &mut stream.incoming,
            None => return Poll::Ready(Err(lost())),
        };
        if let Some(head) = incoming.head.take() {
            self.answered = true;
            if incoming.ended && incoming.broken.is_none() {
                let data = std::mem::take(&mut incoming.data).freeze();
                let trailers = incoming.trailers.take();
                self.shared.read_out(state, self.id);
                state.release_connection(data.len());
                return Poll::Ready(Ok(head.map(|()| HttpBody::whole(data, trailers))));
            }
            let body = StreamBody::new(self.shared.clone(), self.id);
            return Poll::Ready(Ok(head.map(|()| HttpBody::stream(body))));
        }
        if incoming.ended {
            let broken = incoming.broken.take();
            self.shared.read_out(state, self.id);
            return Poll::Ready(Err(broken.unwrap_or_else(lost)));
        }
        incoming.read_by(cx.waker());
        Poll::Pending
    }
}

impl Future for Begun {
    type Output = Result<Response<HttpBody>, Unanswered>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = self.poll_response(cx);
        answered.map_err(|why| Unanswered { why, unsent: None })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if !self.answered {
            let mut state = self.shared.lock();
            self.shared.cancel(&mut state, self.id);
        } else if let Some(rest) = self.rest.take() {
            upload(&self.shared, self.id, *rest, HttpBody::empty());
        }
    }
}

/// Sends the rest of a request beside whoever reads its response.
fn upload(shared: &Arc<Shared>, id: u32, sending: Sending, body: HttpBody) {
    let upload = Upload {
        shared: shared.clone(),
        id,
        done: false,
    };
    let task = tokio::spawn(Box::pin(upload.run(sending, body)));
    let mut state = shared.lock();
    match state.streams.get_mut(&id) {
        Some(stream) if !stream.outgoing.ended => stream.task = Some(task.abort_handle()),
        _ => task.abort(),
    }
}

/// A request that leaves bit by bit.
struct Upload {
    shared: Arc<Shared>,
    id: u32,
    /// Nothing is left to send, or nobody wants it.
    done: bool,
}

impl Upload {
    async fn run(mut self, mut sending: Sending, body: HttpBody) {
        let mut body = pin!(body);
        loop {
            let send = |cx: &mut Context<'_>| {
                let mut state = self.shared.lock();
                self.shared.poll_send(&mut state, self.id, &mut sending, cx)
            };
            if poll_fn(send).await.is_err() || sending.done {
                self.done = true;
                return;
            }
            match poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
                None => sending.end = true,
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => sending.data = data,
                    Err(frame) => {
                        sending.trailers = frame.into_trailers().ok();
                        sending.end = true;
                    }
                },
                Some(Err(error)) => {
                    self.done = true;
                    return self.give_up(Broken::Request(error));
                }
            }
        }
    }

    /// The request has no end that its peer could use.
    fn give_up(&self, why: Broken) {
        let mut state = self.shared.lock();
        let stream = state.streams.get(&self.id);
        if stream.is_some_and(|stream| !stream.incoming.ended) {
            self.shared.refuse(&mut state, self.id, Reason::Cancel, why);
        }
        drop(state);
        self.shared.wake_those();
    }
}

/// One that panicked, or whose runtime has ended, is given up.
impl Drop for Upload {
    fn drop(&mut self) {
        if !self.done {
            self.give_up(Broken::Request("nobody sends the rest of it".into()));
        }
    }
}
