//! One connection: reads, starts calls, writes what they reply, and knows when
//! it is time to go.

use super::{
    super::{Answer, HttpBody, Io, Peer, Settings},
    body::RequestBody,
    call::{self, Call},
    clock::{Clock, after},
    frame::{self, Fatal, Reason},
    outbox::{Outbox, PIECES_MAX},
    receive::Receiver,
    state::{Shared, State, connection_window},
};
use crate::limits::Limit;
use std::{
    cell::Cell,
    future::poll_fn,
    io::IoSlice,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
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

/// A request this small is given to its handler whole. Larger ones count against
/// the connection's window until they are read.
const WHOLE_BYTES_MAX: usize = 4 << 10;

/// How long a peer has to hear of our going before its new calls are ignored.
const WARNING: Duration = Duration::from_secs(1);

/// How long a peer has to hang up after us. Hanging up first, with bytes of its
/// unread, could keep our last ones from it.
const LINGER: Duration = Duration::from_secs(1);

/// What our PINGs say: that of the farewell is known by it.
const FAREWELL: [u8; 8] = *b"farewell";
const KEEPALIVE: [u8; 8] = *b"alive?  ";

thread_local! {
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// How far the connection's end has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Open,
    /// The peer was asked to open no more streams, and may not have heard.
    Warned {
        since: Instant,
        grace: Option<Duration>,
    },
    /// It has been told which streams are served. They end, by `cut` at the latest.
    Leaving {
        cut: Option<Instant>,
    },
    /// Nothing is left to say.
    Closing {
        since: Instant,
        shut: bool,
    },
    Closed,
}

struct Connection<I, A> {
    io: I,
    peer: Peer,
    answer: A,
    shared: Arc<Shared>,
    receiver: Receiver,
    /// What the socket is being given.
    writing: Outbox,
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
pub(in super::super) async fn serve<I: Io, A: Answer>(
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
            (0x3, limits.streams_per_connection_max),
            (
                0x4,
                super::super::connection::window(limits.unread_bytes_per_stream_max),
            ),
            (0x6, limits.header_bytes_max),
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
        let more = started || (unwritten > 0 && state.streams.len() > 1);
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
        let mut started = false;
        // Handlers of reset calls run until they notice, and count until then.
        while self.shared.running.load(Ordering::Acquire)
            < self.shared.limits.streams_per_connection_max
            && let Some((id, request)) = self.receiver.begin()
        {
            let body = self.body(&mut self.shared.lock(), id);
            let Some(body) = body else {
                continue;
            };
            let mut request = request.map(|()| body);
            request.extensions_mut().insert(self.peer.clone());
            let call = Call::start(&self.shared, id);
            // Not under the lock: a runtime that shuts down drops the call at once.
            let task = tokio::spawn(call::run(self.answer.clone(), request, call));
            if let Some(stream) = self.shared.lock().streams.get_mut(&id) {
                stream.task = Some(task.abort_handle());
            }
            started = true;
        }
        started
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
                    return true;
                }
            }
        }
        !matches!(Pin::new(&mut self.io).poll_flush(cx), Poll::Ready(Err(_)))
    }

    /// Asks the peer to open no more streams; calls in flight go on, for `grace`
    /// if that is said.
    fn leave(&mut self, debug: &str, grace: Option<Duration>) {
        if self.phase != Phase::Open {
            return;
        }
        let since = Instant::now();
        self.phase = Phase::Warned { since, grace };
        let mut state = self.shared.lock();
        let out = state.out.frames();
        frame::put_goaway(out, frame::STREAM_MAX, Reason::NoError, debug);
        frame::put_ping(out, 0, FAREWELL);
    }

    /// Ends everything at once, and says why.
    fn fail(&mut self, fatal: Fatal, now: Instant) {
        tracing::debug!(peer = ?self.peer, reason = ?fatal.reason, fatal.debug, "connection closed");
        if let Some(limit) = fatal.limit {
            self.shared.metrics.reached(limit);
        }
        let mut state = self.shared.lock();
        let last = self.receiver.last.min(self.receiver.last_served);
        self.receiver.starting.clear();
        self.shared.abort(&mut state);
        frame::put_goaway(state.out.frames(), last, fatal.reason, fatal.debug);
        drop(state);
        self.phase = Phase::Closing {
            since: now,
            shut: false,
        };
    }

    /// Goes through the phases of the end as far as they have come.
    fn proceed(&mut self, cx: &mut Context<'_>, now: Instant) {
        if let Phase::Warned { since, grace } = self.phase
            && (self.receiver.pong == Some(FAREWELL) || now >= since + WARNING)
        {
            self.receiver.last_served = self.receiver.last;
            let mut state = self.shared.lock();
            let out = state.out.frames();
            frame::put_goaway(out, self.receiver.last, Reason::NoError, "");
            drop(state);
            let cut = grace.map(|grace| after(now, grace));
            self.phase = Phase::Leaving { cut };
            self.write(cx, now);
        }
        let leaving = matches!(self.phase, Phase::Leaving { .. });
        if (leaving || (self.phase == Phase::Open && self.receiver.peer_leaves))
            && self.receiver.starting.is_empty()
            && self.shared.lock().streams.is_empty()
        {
            self.phase = Phase::Closing {
                since: now,
                shut: false,
            };
        }
        if let Phase::Closing { since, shut: false } = self.phase
            && self.writing.is_empty()
            && self.shared.lock().out.is_empty()
        {
            let shut = Pin::new(&mut self.io).poll_shutdown(cx);
            match shut {
                Poll::Ready(Ok(())) => self.phase = Phase::Closing { since, shut: true },
                Poll::Ready(Err(_)) => self.phase = Phase::Closed,
                Poll::Pending => {}
            }
        }
    }

    /// Does what is due.
    fn look(&mut self, now: Instant) {
        let limits = &self.shared.limits;
        let due =
            |since: Option<Instant>, span| since.is_some_and(|since| now >= after(since, span));
        if due(self.clock.write_blocked_since, limits.stalled_write_timeout) {
            return self.cut(Limit::StalledWriteTimeout);
        }
        if due(self.clock.pinged, limits.keepalive_timeout) {
            return self.cut(Limit::KeepaliveTimeout);
        }
        if !self.receiver.is_settled() && due(Some(self.clock.opened), limits.preface_timeout) {
            return self.cut(Limit::PrefaceTimeout);
        }
        if due(self.receiver.block_since, limits.header_timeout) {
            let late = Fatal::calm(Limit::HeaderTimeout, "header_timeout");
            return self.fail(late, now);
        }
        match self.phase {
            Phase::Leaving { cut: Some(cut) } if now >= cut => {
                return self.cut(Limit::ConnectionAgeGrace);
            }
            Phase::Closing { since, .. } if now >= since + LINGER => {
                self.phase = Phase::Closed;
                return;
            }
            _ => {}
        }
        if self.clock.pinged.is_none() && due(Some(self.clock.last_read), limits.keepalive_interval)
        {
            self.clock.pinged = Some(now);
            frame::put_ping(self.shared.lock().out.frames(), 0, KEEPALIVE);
        }
        self.nudge(now);
        self.reset_stalled(now);
        if due(self.clock.idle_since, self.shared.limits.idle_timeout) && self.phase == Phase::Open
        {
            self.shared.metrics.reached(Limit::IdleTimeout);
            self.leave("max_idle", None);
        }
        if due(Some(self.clock.opened), self.clock.age_max) && self.phase == Phase::Open {
            self.shared.metrics.reached(Limit::ConnectionAgeMax);
            self.leave("max_age", Some(self.shared.limits.connection_age_grace));
        }
    }

    /// Wakes those who wait for the rest of a request, to look at its pace, and
    /// handlers that waited for what other connections held.
    fn nudge(&mut self, now: Instant) {
        if now < after(self.clock.nudged, self.clock.nudges_apart) {
            return;
        }
        self.clock.nudged = now;
        let mut state = self.shared.lock();
        for stream in state.streams.values_mut() {
            stream.incoming.wake();
        }
        if !self.shared.is_congested() {
            state.open_gate();
        }
    }

    /// Resets the calls whose peer has not read for too long, if it is over its bytes.
    fn reset_stalled(&mut self, now: Instant) {
        let timeout = self.shared.limits.stalled_reply_timeout;
        let mut state = self.shared.lock();
        if state.stall_check.is_none_or(|check| now < check) {
            return;
        }
        state.stall_check = None;
        let stalled = |since: Instant| now >= after(since, timeout);
        let waiting: Vec<_> = state
            .streams
            .iter()
            .filter_map(|(id, stream)| Some((*id, stream.outgoing.stalled_since?)))
            .collect();
        let mut next = None::<Instant>;
        for (id, since) in waiting {
            if stalled(since) && self.shared.is_congested() {
                self.shared.metrics.reached(Limit::StalledReplyTimeout);
                self.shared.reset(&mut state, id, Reason::EnhanceYourCalm);
            } else {
                let check = after(since, timeout).max(after(now, timeout / 4));
                next = Some(next.map_or(check, |next| next.min(check)));
            }
        }
        state.stall_check = next;
    }

    /// Gives the connection up without a word: nobody would hear it.
    fn cut(&mut self, limit: Limit) {
        tracing::debug!(peer = ?self.peer, limit = limit.name(), "connection cut");
        self.shared.metrics.reached(limit);
        self.phase = Phase::Closed;
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
        if goes_on || (!blocked && !state.out.is_empty()) {
            cx.waker().wake_by_ref();
        } else {
            state.sleep(cx.waker());
        }
        let stall_check = state.stall_check;
        drop(state);
        let next = self.next(stall_check);
        self.clock.arm(next, now, cx);
    }

    /// The earliest thing that is due though nothing happens.
    fn next(&self, stall_check: Option<Instant>) -> Instant {
        let limits = &self.shared.limits;
        let clock = &self.clock;
        let at = |since: Option<Instant>, span| since.map(|since| after(since, span));
        let open = self.phase == Phase::Open;
        let phase = match self.phase {
            Phase::Open => at(Some(clock.opened), clock.age_max),
            Phase::Warned { since, .. } => Some(since + WARNING),
            Phase::Leaving { cut } => cut,
            Phase::Closing { since, .. } => Some(since + LINGER),
            Phase::Closed => None,
        };
        let unsettled = (!self.receiver.is_settled()).then_some(clock.opened);
        let keepalive = match clock.pinged {
            Some(_) => at(clock.pinged, limits.keepalive_timeout),
            None => at(Some(clock.last_read), limits.keepalive_interval),
        };
        let earliest = [
            phase,
            stall_check,
            keepalive,
            clock
                .idle_since
                .is_none()
                .then(|| after(clock.nudged, clock.nudges_apart)),
            at(unsettled, limits.preface_timeout),
            at(self.receiver.block_since, limits.header_timeout),
            at(clock.write_blocked_since, limits.stalled_write_timeout),
            at(clock.idle_since.filter(|_| open), limits.idle_timeout),
        ];
        let earliest = earliest.into_iter().flatten().min();
        earliest.unwrap_or_else(|| after(clock.opened, Duration::MAX))
    }
}

/// Whoever is still at work is stopped.
impl<I, A> Drop for Connection<I, A> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        self.shared.abort(&mut state);
    }
}
