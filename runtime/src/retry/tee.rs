//! A streamed body that several attempts read, each from the start.

use super::budget::{Budget, Held};
use crate::{
    engine::{BoxError, HttpBody},
    status::Status,
};
use bytes::Bytes;
use http_body::{Body, Frame};
use std::{
    collections::VecDeque,
    mem::size_of,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker, ready},
};

/// The body, and what of it has been read and is kept.
pub(super) struct Tee {
    state: Mutex<State>,
    parked: Arc<Parked>,
}

struct State {
    /// `None` once the reader that is left reads it alone.
    source: Option<HttpBody>,
    pieces: VecDeque<Bytes>,
    /// How many pieces came before those that are kept.
    dropped: usize,
    /// How many pieces each reader has read; `None` if its attempt has failed.
    read: Vec<Option<usize>>,
    ended: Option<Result<(), Status>>,
    /// The only reader left.
    committed: Option<u32>,
    /// Who waits for that.
    watcher: Option<Waker>,
    held: Held<Arc<Budget>>,
}

impl Tee {
    pub(super) fn new(source: HttpBody, held: Held<Arc<Budget>>) -> Self {
        Self {
            state: Mutex::new(State {
                source: Some(source),
                pieces: VecDeque::new(),
                dropped: 0,
                read: Vec::new(),
                ended: None,
                committed: None,
                watcher: None,
                held,
            }),
            parked: Arc::default(),
        }
    }

    /// A reader from the start.
    pub(super) fn reader(self: &Arc<Self>) -> Reader {
        let mut state = self.lock();
        let id = state.read.len() as u32;
        state.read.push(Some(0));
        Reader {
            id,
            from: Reads::Tee(self.clone()),
        }
    }

    /// Another reader from the start, unless what it would read is gone.
    pub(super) fn another(self: &Arc<Self>) -> Option<Reader> {
        (!self.is_committed()).then(|| self.reader())
    }

    /// Whether no other reader can start: one was chosen, or what is read was no
    /// request in the end.
    pub(super) fn is_committed(&self) -> bool {
        let state = self.lock();
        state.committed.is_some() || matches!(state.ended, Some(Err(_)))
    }

    /// The only reader left.
    pub(super) fn committed(&self) -> Option<u32> {
        self.lock().committed
    }

    /// Leaves everything to this reader, unless another has it all. What it has read is freed.
    pub(super) fn commit(&self, reader: u32) {
        self.lock().commit(reader);
        self.parked.wake_all();
    }

    /// Says that the attempt with this reader has failed. Its connection may not have
    /// noticed, and must not read on: what it reads could commit the call to it.
    pub(super) fn retire(&self, reader: u32) {
        if let Some(read) = self.lock().read.get_mut(reader as usize) {
            *read = None;
        }
    }

    /// Ready once [`is_committed`](Self::is_committed) to a reader.
    pub(super) fn poll_committed(&self, cx: &Context<'_>) -> Poll<u32> {
        let mut state = self.lock();
        match state.committed {
            Some(reader) => Poll::Ready(reader),
            None => {
                state.watcher = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece for a reader; `None` at the end.
    fn poll_piece(&self, reader: u32, cx: &mut Context<'_>) -> Poll<Step> {
        let mut state = self.lock();
        if state.is_lost(reader) {
            let lost = Status::cancelled("this attempt of the call is over");
            return Poll::Ready(Step::Ended(Err(lost)));
        }
        if let Some(piece) = state.kept(reader) {
            return Poll::Ready(Step::Piece(piece));
        }
        if let Some(ended) = &state.ended {
            return Poll::Ready(Step::Ended(ended.clone()));
        }
        if state.committed.is_some()
            && let Some(source) = state.source.take()
        {
            return Poll::Ready(Step::Alone(source));
        }
        // Whichever reader polls last, a piece is news for all that wait.
        self.parked.park(reader, cx.waker());
        let waker = Waker::from(self.parked.clone());
        let step = ready!(state.poll_source(reader, &mut Context::from_waker(&waker)));
        drop(state);
        self.parked.leave(reader);
        self.parked.wake_all();
        Poll::Ready(step)
    }
}

enum Step {
    Piece(Bytes),
    Ended(Result<(), Status>),
    /// Nobody else reads it any more.
    Alone(HttpBody),
}

impl State {
    fn read_by(&self, reader: u32) -> Option<usize> {
        self.read.get(reader as usize).copied().flatten()
    }

    fn has_read_one(&mut self, reader: u32) {
        if let Some(Some(read)) = self.read.get_mut(reader as usize) {
            *read += 1;
        }
    }

    /// Whether nobody waits any more for what this reader sends.
    fn is_lost(&self, reader: u32) -> bool {
        let other = self.committed.is_some_and(|chosen| chosen != reader);
        other || self.read_by(reader).is_none()
    }

    fn is_at_end(&self, reader: u32) -> bool {
        let all = self.dropped + self.pieces.len();
        matches!(self.ended, Some(Ok(()))) && self.read_by(reader).is_some_and(|read| read >= all)
    }

    /// A piece that was read before, for a reader that has not read it.
    fn kept(&mut self, reader: u32) -> Option<Bytes> {
        let place = self.read_by(reader)?.checked_sub(self.dropped)?;
        let piece = self.pieces.get(place)?.clone();
        self.has_read_one(reader);
        if self.committed.is_some() {
            self.free(reader);
        }
        Some(piece)
    }

    /// A piece that was not read before, for a reader that has read all others.
    fn poll_source(&mut self, reader: u32, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            let Some(source) = &mut self.source else {
                return Poll::Ready(Step::Ended(Ok(())));
            };
            let ended = match ready!(Pin::new(source).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => {
                        self.keep(reader, &piece);
                        return Poll::Ready(Step::Piece(piece));
                    }
                    // A request of gRPC has no trailers.
                    Err(_) => continue,
                },
                Some(Err(error)) => Err(status_of(error)),
                None => Ok(()),
            };
            self.source = None;
            self.ended = Some(ended.clone());
            return Poll::Ready(Step::Ended(ended));
        }
    }

    /// Keeps what `reader` has just read, or commits to it where that is too much: it
    /// is the one that has sent the most.
    fn keep(&mut self, reader: u32, piece: &Bytes) {
        self.has_read_one(reader);
        match self.held.grow(piece.len() + size_of::<Bytes>()) {
            true => self.pieces.push_back(piece.clone()),
            false => {
                self.dropped += 1;
                self.commit(reader);
            }
        }
    }

    fn commit(&mut self, reader: u32) {
        if self.committed.is_none() {
            self.committed = Some(reader);
            self.free(reader);
            if let Some(watcher) = self.watcher.take() {
                watcher.wake();
            }
        }
    }

    /// Frees what the only reader left has read.
    fn free(&mut self, reader: u32) {
        let read = self.read_by(reader).unwrap_or_default();
        let freed = read.saturating_sub(self.dropped).min(self.pieces.len());
        self.pieces.drain(..freed);
        self.dropped += freed;
        if self.pieces.is_empty() {
            self.pieces = VecDeque::new();
            self.held.release();
        }
    }
}

/// What a request's own stream ended with, for each of its readers.
fn status_of(error: BoxError) -> Status {
    match error.downcast::<Status>() {
        Ok(status) => *status,
        Err(error) => Status::cancelled(error.to_string()),
    }
}

/// Reads the body of one attempt.
pub(super) struct Reader {
    id: u32,
    from: Reads,
}

enum Reads {
    Tee(Arc<Tee>),
    Source(HttpBody),
}

impl Reader {
    pub(super) fn id(&self) -> u32 {
        self.id
    }
}

impl Body for Reader {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let id = self.id;
            let step = match &mut self.from {
                Reads::Source(source) => return Pin::new(source).poll_frame(cx),
                Reads::Tee(tee) => ready!(tee.poll_piece(id, cx)),
            };
            return Poll::Ready(match step {
                Step::Piece(piece) => Some(Ok(Frame::data(piece))),
                Step::Ended(Ok(())) => None,
                Step::Ended(Err(status)) => Some(Err(status.into())),
                Step::Alone(source) => {
                    self.from = Reads::Source(source);
                    continue;
                }
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.from {
            Reads::Source(source) => source.is_end_stream(),
            Reads::Tee(tee) => tee.lock().is_at_end(self.id),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Reads::Tee(tee) = &self.from {
            tee.parked.leave(self.id);
        }
    }
}

/// The readers that wait for the source. Its waker wakes them all: the one that polled
/// last may be gone, or kept from reading by its connection.
#[derive(Default)]
struct Parked(Mutex<Vec<(u32, Waker)>>);

impl Parked {
    fn park(&self, reader: u32, waker: &Waker) {
        let mut parked = self.lock();
        match parked.iter_mut().find(|(parked, _)| *parked == reader) {
            Some((_, parked)) => parked.clone_from(waker),
            None => parked.push((reader, waker.clone())),
        }
    }

    fn leave(&self, reader: u32) {
        self.lock().retain(|(parked, _)| *parked != reader);
    }

    fn wake_all(&self) {
        let parked = std::mem::take(&mut *self.lock());
        for (_, waker) in parked {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(u32, Waker)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}
