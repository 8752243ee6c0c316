//! One connection: reads, starts what has come, writes what there is to say, and
//! knows when it is time to go.

mod calling;
mod due;
mod ending;
mod serving;

use super::{
    clock::Clock,
    frame::{self, setting},
    outbox::{Outbox, PIECES_MAX},
    receive::Receiver,
    state::{Shared, Side, connection_window, stream_window},
};
use crate::engine::Io;
use ending::Phase;
use std::{
    cell::Cell,
    fmt, io,
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};
use tokio::{io::ReadBuf, time::Instant};

pub(in crate::engine) use calling::{Observer, call};
pub(in crate::engine) use serving::serve;

/// Read at once, into a buffer that all connections of a thread share.
const READ_BYTES: usize = 64 << 10;

/// Reads of one turn; then other tasks have theirs.
const READS_PER_TURN: usize = 4;

/// Turns of reading after which a connection that cannot be written to is given up.
const LAST_READS_MAX: usize = 16;

/// With this much waiting for the socket, replies to frames among it, no more is read.
const UNWRITTEN_BYTES_MAX: usize = 512 << 10;

/// Written at once, whatever calls might add.
const GATHERED_BYTES_MAX: usize = 64 << 10;

thread_local! {
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

struct Connection<I, R> {
    io: I,
    role: R,
    shared: Arc<Shared>,
    receiver: Receiver,
    /// What the socket is being given.
    writing: Outbox,
    /// How much of what waits for the socket is accounted for.
    unwritten: usize,
    clock: Clock,
    phase: Phase,
    /// Those for whom something has come.
    woken: Vec<Waker>,
    /// What it writes to may have passed on more than it says, if it fails.
    buffered: bool,
    /// It let other tasks run first, so that one write serves many of them.
    yielded: bool,
}

/// What a connection is for.
trait Role: fmt::Debug {
    /// How many bytes the reader of a body needs at least, by its first ones.
    fn announced(&self, first: &[u8]) -> usize;

    /// Starts what has come; whether there was anything.
    fn start(&mut self, shared: &Arc<Shared>, receiver: &mut Receiver) -> bool;

    /// Whether more has come that could be started now.
    fn may_start(&self, shared: &Shared, receiver: &Receiver) -> bool;
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

impl<I: Io, R: Role> Connection<I, R> {
    fn new(io: I, role: R, shared: Arc<Shared>) -> Self {
        Self {
            clock: Clock::new(Instant::now(), &shared.limits, shared.side),
            io,
            role,
            shared,
            receiver: Receiver::new(),
            writing: Outbox::default(),
            unwritten: 0,
            phase: Phase::Open,
            woken: Vec::new(),
            buffered: true,
            yielded: false,
        }
    }

    fn greet(&mut self) {
        let limits = &self.shared.limits;
        let first = match self.shared.side {
            Side::Client => (setting::ENABLE_PUSH, 0),
            Side::Server => (
                setting::MAX_CONCURRENT_STREAMS,
                limits.streams_per_connection_max,
            ),
        };
        let settings = [
            first,
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
        let started = self.role.start(&self.shared, &mut self.receiver);
        if self.clock.is_due(now) {
            self.look(now);
        }
        if self.gathers(started) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.yielded = false;
        if !self.write(cx, now) {
            self.read_last(cx, now);
            return Poll::Ready(());
        }
        self.proceed(cx, now);
        if self.phase == Phase::Closed {
            return Poll::Ready(());
        }
        self.rest(cx, now, &reading);
        Poll::Pending
    }

    /// Notes why it is over.
    fn ended(&self, error: Option<io::Error>) -> Reading {
        let why = match &error {
            Some(error) => error.to_string(),
            None => "the peer closed it".to_owned(),
        };
        self.shared.lock().why.get_or_insert(why.into());
        Reading::Ended
    }

    /// Whether to write one turn later, when calls that are about to speak have.
    fn gathers(&mut self, started: bool) -> bool {
        if self.yielded {
            return false;
        }
        let state = self.shared.lock();
        let unwritten = state.out.len();
        let others = match self.shared.side {
            // Its own request is what is written.
            Side::Client => state.places.taken() > 1,
            Side::Server => !state.streams.is_empty(),
        };
        let more = started || (unwritten > 0 && others);
        self.yielded = more && unwritten < GATHERED_BYTES_MAX;
        self.yielded
    }

    /// Takes what came before the peer went: answers, or that it took no more calls.
    fn read_last(&mut self, cx: &mut Context<'_>, now: Instant) {
        for _ in 0..LAST_READS_MAX {
            if !matches!(self.read(cx, now), Reading::More) {
                return;
            }
        }
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
                Poll::Ready(Err(error)) => return self.ended(Some(error)),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return self.ended(None),
                Poll::Ready(Ok(())) => {}
            }
            self.clock.last_read = now;
            self.clock.pinged = None;
            if matches!(self.phase, Phase::Closing { .. }) {
                continue;
            }
            let mut state = self.shared.lock();
            state.strikes.forgive(now);
            let role = &self.role;
            let fed = self.receiver.feed(
                buffer.filled(),
                &|first| role.announced(first),
                &self.shared,
                &mut state,
                now,
            );
            std::mem::swap(&mut state.woken, &mut self.woken);
            drop(state);
            self.woken.drain(..).for_each(Waker::wake);
            if let Err(fatal) = fed {
                self.fail(fatal, now);
            }
        }
        Reading::More
    }

    /// Writes all there is, as far as the socket takes it; `false` if it is broken.
    fn write(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        loop {
            if self.writing.is_empty() {
                let mut state = self.shared.lock();
                if state.out.is_empty() {
                    break;
                }
                state.give(&mut self.writing);
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
                Poll::Ready(Ok(0)) => return false,
                Poll::Ready(Err(error)) => {
                    self.ended(Some(error));
                    if self.buffered {
                        // Nobody knows how much of it has left.
                        self.writing = Outbox::default();
                    }
                    return false;
                }
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
            Poll::Ready(Err(error)) => {
                self.ended(Some(error));
                return false;
            }
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
        let idle = self.shared.is_idle(&state) && self.receiver.starting.is_empty();
        match idle {
            true => {
                self.clock.idle_since.get_or_insert(now);
                self.writing.release();
                state.out.release();
            }
            false if self.clock.idle_since.take().is_some() => {
                self.clock.nudged = now;
                self.clock.busy_since = now;
            }
            false => {}
        }
        let blocked = self.clock.write_blocked_since.is_some();
        let goes_on = match reading {
            Reading::More => true,
            Reading::Held => !blocked,
            Reading::Done | Reading::Ended => false,
        };
        // A place that came free while this task was awake.
        let starts = self.role.may_start(&self.shared, &self.receiver);
        // The channel let go of it while this task was awake.
        let hangs_up = idle && self.phase == Phase::Open && !state.places.are_open();
        if goes_on || starts || hangs_up || (!blocked && !state.out.is_empty()) {
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
impl<I, R> Drop for Connection<I, R> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let left = state.left(self.writing.len());
        self.shared.abort(&mut state, left);
        drop(state);
        self.shared.wake_those();
    }
}
