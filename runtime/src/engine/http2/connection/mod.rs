//! One connection: reads, starts calls, writes what they reply, and knows when
//! it is time to go.

mod due;
mod ending;

use super::{
    body::RequestBody,
    clock::Clock,
    frame::{self, setting},
    outbox::{Outbox, PIECES_MAX},
    receive::Receiver,
    running::{self, Running},
    state::{Shared, State, connection_window, stream_window},
};
use crate::engine::{Answer, HttpBody, Io, Peer, Settings};
use ending::Phase;
use std::{
    cell::Cell,
    future::poll_fn,
    io::IoSlice,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};
use tokio::{io::ReadBuf, sync::watch, time::Instant};

/// Read at once, into a buffer that all connections of a thread share.
const READ_BYTES: usize = 64 << 10;

/// Reads of one turn; then other tasks have theirs.
const READS_PER_TURN: usize = 4;

/// With this much waiting for the socket, replies to frames among it, no more is read.
const UNWRITTEN_BYTES_MAX: usize = 512 << 10;

/// Written at once, whatever calls might add.
const GATHERED_BYTES_MAX: usize = 64 << 10;

/// Calls started at once: a system call for fewer replies costs more than it gains.
const STARTED_MIN: usize = 8;

/// A request this small is given to its handler whole. Larger ones count against
/// the connection's window until they are read.
const WHOLE_BYTES_MAX: usize = 4 << 10;

thread_local! {
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

struct Connection<I, A> {
    io: I,
    peer: Peer,
    answer: A,
    shared: Arc<Shared>,
    receiver: Receiver,
    /// What the socket is being given.
    writing: Outbox,
    /// How much of what waits for the socket is accounted for.
    unwritten: usize,
    clock: Clock,
    phase: Phase,
    /// It let other tasks run first, so that one write serves many of them.
    yielded: bool,
}

/// What reading came to.
enum Reading {
    /// The socket has no more for now.
    Done,
    /// It may have more.
    More,
    /// It was not asked: too much waits to be written.
    Held,
    /// The peer has hung up, or the socket is broken.
    Ended,
}

/// Serves until either side has gone. `io` has given the preface.
pub(in crate::engine) async fn serve<I: Io, A: Answer>(
    io: I,
    peer: Peer,
    answer: A,
    settings: &Settings,
    drain: &mut watch::Receiver<bool>,
) {
    let shared = Shared::new(settings);
    let mut connection = Connection {
        clock: Clock::new(Instant::now(), &shared.limits),
        io,
        peer,
        answer,
        shared,
        receiver: Receiver::new(),
        writing: Outbox::default(),
        unwritten: 0,
        phase: Phase::Open,
        yielded: false,
    };
    connection.greet();
    let mut draining = pin!(drain.wait_for(|draining| *draining));
    let mut drained = false;
    poll_fn(|cx| {
        if !drained && draining.as_mut().poll(cx).is_ready() {
            drained = true;
            connection.leave("", None);
        }
        connection.poll(cx)
    })
    .await;
}

impl<I: Io, A: Answer> Connection<I, A> {
    fn greet(&mut self) {
        let limits = &self.shared.limits;
        let settings = [
            (
                setting::MAX_CONCURRENT_STREAMS,
                limits.streams_per_connection_max,
            ),
            (setting::INITIAL_WINDOW_SIZE, stream_window(limits)),
            (setting::MAX_HEADER_LIST_SIZE, limits.header_bytes_max),
        ];
        let more = connection_window(limits) - frame::WINDOW_DEFAULT as u32;
        let mut state = self.shared.lock();
        frame::put_settings(state.out.frames(), &settings);
        if more > 0 {
            frame::put_window_update(state.out.frames(), 0, more);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        self.shared.lock().awake();
        let reading = self.read(cx, now);
        if matches!(reading, Reading::Ended) {
            return Poll::Ready(());
        }
        let started = self.start();
        if self.clock.is_due(now) {
            self.look(now);
        }
        if self.gathers(started) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.yielded = false;
        if !self.write(cx, now) {
            return Poll::Ready(());
        }
        self.proceed(cx, now);
        if self.phase == Phase::Closed {
            return Poll::Ready(());
        }
        self.rest(cx, now, &reading);
        Poll::Pending
    }

    /// Whether to write one turn later, when calls that are about to reply have.
    fn gathers(&mut self, started: bool) -> bool {
        if self.yielded {
            return false;
        }
        let state = self.shared.lock();
        let unwritten = state.out.len();
        let more = started || (unwritten > 0 && !state.streams.is_empty());
        self.yielded = more && unwritten < GATHERED_BYTES_MAX;
        self.yielded
    }

    fn read(&mut self, cx: &mut Context<'_>, now: Instant) -> Reading {
        let scratch = SCRATCH.take();
        let mut scratch = scratch.unwrap_or_else(|| vec![0; READ_BYTES].into_boxed_slice());
        let reading = self.read_into(&mut scratch, cx, now);
        SCRATCH.set(Some(scratch));
        reading
    }

    fn read_into(&mut self, scratch: &mut [u8], cx: &mut Context<'_>, now: Instant) -> Reading {
        for _ in 0..READS_PER_TURN {
            if self.writing.len() + self.shared.lock().out.len() > UNWRITTEN_BYTES_MAX {
                return Reading::Held;
            }
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Pending => return Reading::Done,
                Poll::Ready(Err(_)) => return Reading::Ended,
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Reading::Ended,
                Poll::Ready(Ok(())) => {}
            }
            self.clock.last_read = now;
            self.clock.pinged = None;
            if matches!(self.phase, Phase::Closing { .. }) {
                continue;
            }
            let mut state = self.shared.lock();
            let answer = &self.answer;
            let fed = self.receiver.feed(
                buffer.filled(),
                &|first| answer.announced(first),
                &self.shared,
                &mut state,
                now,
            );
            drop(state);
            if let Err(fatal) = fed {
                self.fail(fatal, now);
            }
        }
        Reading::More
    }

    /// Starts the handlers of the requests that have come; whether there were any.
    fn start(&mut self) -> bool {
        // The first half, so that their replies are with the peer while the others run.
        let mut left = self.receiver.starting.len().div_ceil(2).max(STARTED_MIN);
        let mut started = false;
        // Handlers of reset calls run until they notice, and count until then.
        while left > 0
            && self.may_start()
            && let Some((id, request)) = self.receiver.begin()
        {
            let body = self.body(&mut self.shared.lock(), id);
            let Some(body) = body else {
                continue;
            };
            let mut request = request.map(|()| body);
            request.extensions_mut().insert(self.peer.clone());
            let call = Running::start(&self.shared, id);
            // Not under the lock: a runtime that shuts down drops the call at once.
            // In a box: spawning moves what it is given several times.
            let call = Box::pin(running::run(self.answer.clone(), request, call));
            let task = tokio::spawn(call);
            if let Some(stream) = self.shared.lock().streams.get_mut(&id) {
                stream.task = Some(task.abort_handle());
            }
            started = true;
            left -= 1;
        }
        started
    }

    /// Whether the peer has as few handlers at work, and reads as much, as it must.
    fn may_start(&self) -> bool {
        let max = self.shared.limits.streams_per_connection_max;
        self.shared.running.load(Ordering::Acquire) < max && !self.shared.is_congested()
    }

    /// The body of a request; `None` if it was reset meanwhile.
    fn body(&self, state: &mut State, id: u32) -> Option<HttpBody> {
        let incoming = &mut state.streams.get_mut(&id)?.incoming;
        let whole =
            incoming.ended && incoming.trailers.is_none() && incoming.data.len() <= WHOLE_BYTES_MAX;
        if !whole {
            let body = RequestBody::new(self.shared.clone(), id);
            return Some(HttpBody::request(body));
        }
        let data = std::mem::take(&mut incoming.data).freeze();
        state.release_connection(data.len());
        Some(match data.is_empty() {
            true => HttpBody::empty(),
            false => HttpBody::whole(data, None),
        })
    }

    /// Writes all there is, as far as the socket takes it; `false` if it is broken.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        loop {
            if self.writing.is_empty() {
                let mut state = self.shared.lock();
                if state.out.is_empty() {
                    break;
                }
                std::mem::swap(&mut state.out, &mut self.writing);
                state.wake_blocked();
            }
            let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
            let count = self.writing.pieces(&mut pieces);
            let io = Pin::new(&mut self.io);
            let written = match count {
                1 => io.poll_write(cx, &pieces[0]),
                _ => io.poll_write_vectored(cx, &pieces[..count]),
            };
            match written {
                Poll::Ready(Ok(0) | Err(_)) => return false,
                Poll::Ready(Ok(written)) => {
                    self.writing.advance(written);
                    self.clock.write_blocked_since = None;
                }
                Poll::Pending => {
                    self.clock.write_blocked_since.get_or_insert(now);
                    self.hold_unwritten();
                    return true;
                }
            }
        }
        if self.unwritten > 0 {
            self.hold_unwritten();
        }
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(Ok(())) => self.clock.write_blocked_since = None,
            Poll::Ready(Err(_)) => return false,
            Poll::Pending => {
                self.clock.write_blocked_since.get_or_insert(now);
            }
        }
        true
    }

    /// Accounts for what the socket does not take.
    fn hold_unwritten(&mut self) {
        let mut state = self.shared.lock();
        let unwritten = self.writing.len() + state.out.len();
        self.shared.hold(&mut state, self.unwritten, unwritten);
        self.unwritten = unwritten;
    }

    /// Sleeps until something happens or is due.
    fn rest(&mut self, cx: &mut Context<'_>, now: Instant, reading: &Reading) {
        let mut state = self.shared.lock();
        let idle = state.streams.is_empty() && self.receiver.starting.is_empty();
        match idle {
            true => {
                self.clock.idle_since.get_or_insert(now);
                self.writing.release();
                state.out.release();
            }
            false if self.clock.idle_since.take().is_some() => self.clock.nudged = now,
            false => {}
        }
        let blocked = self.clock.write_blocked_since.is_some();
        let goes_on = match reading {
            Reading::More => true,
            Reading::Held => !blocked,
            Reading::Done | Reading::Ended => false,
        };
        // A place that came free while this task was awake.
        let starts = !self.receiver.starting.is_empty() && self.may_start();
        if goes_on || starts || (!blocked && !state.out.is_empty()) {
            cx.waker().wake_by_ref();
        } else {
            state.sleep(cx.waker());
        }
        let stall_check = state.stall_check;
        drop(state);
        let next = self.next(stall_check);
        self.clock.arm(next, now, cx);
    }
}

/// Whoever is still at work is stopped.
impl<I, A> Drop for Connection<I, A> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        self.shared.abort(&mut state);
    }
}
