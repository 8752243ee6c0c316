//! What a connection and its calls share, on either side.

use super::{
    budget::Budget,
    frame::{self, Reason, WINDOW_DEFAULT},
    hpack::Encoder,
    outbox::Outbox,
    places::Places,
    stream::{Ended, Stream, Streams},
    strikes::Strikes,
    window::Window,
};
use crate::{
    engine::{Broken, Settings, connection::window},
    limits::Limits,
    metrics::Metrics,
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    task::Waker,
};
use tokio::time::Instant;

/// The largest DATA frame we send, whatever the peer would take: a larger one
/// would keep other calls waiting.
pub(super) const SENT_FRAME_BYTES_MAX: usize = 64 << 10;

/// Calls append their replies while less than this waits for the socket.
pub(super) const OUTBOX_BYTES_MAX: usize = 128 << 10;

/// Which end of a connection is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// One connection's state, and what can be known of it without its lock.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) side: Side,
    pub(super) limits: Limits,
    pub(super) metrics: Metrics,
    budget: Arc<Budget>,
    /// Bytes of replies that wait for the peer.
    held: AtomicUsize,
    /// Handlers that run, those of reset calls included.
    pub(super) running: AtomicU32,
    /// One of the calls goes alone.
    pub(super) alone: AtomicBool,
}

pub(super) struct State {
    pub(super) streams: Streams,
    pub(super) ended: Ended,
    pub(super) out: Outbox,
    pub(super) encoder: Encoder,
    pub(super) peer: PeerSettings,
    pub(super) strikes: Strikes,
    /// What all streams together may send.
    pub(super) send_window: Window,
    /// What the peer may send on all streams together.
    pub(super) receive_window: Window,
    /// Bytes that were read and that the peer has not been told of.
    released: u32,
    /// Streams that wait for what all of them share: the window, the outbox.
    blocked: VecDeque<u32>,
    /// Calls whose handlers wait until the peer reads.
    gated: Vec<Waker>,
    /// Those who are woken as soon as what has come was looked at.
    pub(super) woken: Vec<Waker>,
    /// Bytes that were given to the socket, or are about to be.
    given: u64,
    /// Those of a client's calls.
    pub(super) places: Places,
    /// Why a client's connection ended or will soon.
    pub(super) why: Option<Arc<str>>,
    /// When somebody has to look whether streams have stalled.
    pub(super) stall_check: Option<Instant>,
    /// Nothing more is sent.
    pub(super) closed: bool,
    /// The connection's task, and whether it runs or will soon.
    task: Option<Waker>,
    awake: bool,
}

/// What the peer wants (RFC 9113, section 6.5.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerSettings {
    pub(super) window: i64,
    pub(super) frame_bytes_max: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("streams", &self.streams.len())
            .field("unsent", &self.out.len())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// A server's, of a connection like its others.
    pub(super) fn served(settings: &Settings) -> Arc<Self> {
        let limits = settings.limits.clone();
        let metrics = settings.metrics.clone();
        Self::new(Side::Server, limits, metrics, settings.unsent.clone())
    }

    /// A client's.
    pub(super) fn called(limits: Limits, metrics: Metrics) -> Arc<Self> {
        Self::new(Side::Client, limits, metrics, Arc::default())
    }

    fn new(side: Side, limits: Limits, metrics: Metrics, budget: Arc<Budget>) -> Arc<Self> {
        let window = i64::from(connection_window(&limits));
        Arc::new(Self {
            state: Mutex::new(State {
                streams: Streams::default(),
                ended: Ended::default(),
                out: Outbox::default(),
                encoder: Encoder::default(),
                peer: PeerSettings {
                    window: WINDOW_DEFAULT,
                    frame_bytes_max: frame::PAYLOAD_BYTES_MAX,
                },
                strikes: Strikes::new(&limits, side, Instant::now()),
                send_window: Window::new(WINDOW_DEFAULT),
                receive_window: Window::new(window),
                released: 0,
                blocked: VecDeque::new(),
                gated: Vec::new(),
                woken: Vec::new(),
                given: 0,
                places: Places::default(),
                why: None,
                stall_check: None,
                closed: false,
                task: None,
                awake: true,
            }),
            side,
            limits,
            metrics,
            budget,
            held: AtomicUsize::new(0),
            running: AtomicU32::new(0),
            alone: AtomicBool::new(false),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those for whom something has come.
    pub(super) fn wake_those(&self) {
        let woken = std::mem::take(&mut self.lock().woken);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Whether the peer reads so little that its handlers have to wait: over the
    /// connection's bound, or over that of all and not without guilt.
    pub(super) fn is_congested(&self) -> bool {
        let held = self.held.load(Ordering::Relaxed);
        held >= self.limits.unsent_bytes_per_connection_max || (held > 0 && self.is_pressed())
    }

    /// Whether all peers together read too little.
    pub(super) fn is_pressed(&self) -> bool {
        self.budget.held() >= self.limits.unsent_bytes_max
    }

    /// Says that a stream holds `after` bytes instead of `before`, and lets the
    /// waiting handlers look again if that is less.
    pub(super) fn hold(&self, state: &mut State, before: usize, after: usize) {
        if before == after {
            return;
        }
        self.budget.change(before, after);
        if after > before {
            self.held.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.held.fetch_sub(before - after, Ordering::Relaxed);
            if !self.is_congested() {
                state.open_gate();
            }
        }
    }

    /// Forgets a stream. What it held is free again.
    pub(super) fn remove(&self, state: &mut State, id: u32) -> Option<Stream> {
        let mut stream = state.streams.remove(&id)?;
        if stream.outgoing.queued {
            state.unblock(id);
        }
        let unread = stream.incoming.unread();
        stream.incoming.wake();
        if let Some(sender) = stream.outgoing.sender.take() {
            sender.wake();
        }
        self.hold(state, stream.outgoing.held, 0);
        state.release_connection(unread);
        state.wake_blocked();
        Some(stream)
    }

    /// Whether no call is in flight.
    pub(super) fn is_idle(&self, state: &State) -> bool {
        match self.side {
            Side::Client => state.places.taken() == 0,
            Side::Server => state.streams.is_empty(),
        }
    }

    /// Ends all streams and their handlers at once. What was appended from position
    /// `left` on never leaves.
    pub(super) fn abort(&self, state: &mut State, left: u64) {
        state.closed = true;
        if self.side == Side::Client {
            return self.lose(state, left);
        }
        let streams = std::mem::take(&mut state.streams);
        for mut stream in streams.into_values() {
            if let Some(task) = stream.task {
                task.abort();
            }
            stream.incoming.wake();
            self.hold(state, stream.outgoing.held, 0);
        }
    }

    /// Ends a stream and its handler at once, and says so to the peer.
    pub(super) fn reset(&self, state: &mut State, id: u32, reason: Reason) {
        if self.side == Side::Client {
            return self.refuse(state, id, reason, Broken::Malformed);
        }
        if let Some(stream) = self.remove(state, id) {
            if let Some(task) = stream.task {
                task.abort();
            }
            if !stream.incoming.ended {
                state.ended.reset(id, stream.incoming.window);
            }
            frame::put_reset(state.out.frames(), id, reason);
            state.wake();
        }
    }

    /// The whole reply is on its way. A peer that still sends its request is
    /// told that nobody reads it (RFC 9113, section 8.1).
    pub(super) fn finish(&self, state: &mut State, id: u32) {
        let Some(stream) = self.remove(state, id) else {
            return;
        };
        if stream.incoming.ended {
            state.ended.finished(id);
        } else {
            state.ended.reset(id, stream.incoming.window);
            frame::put_reset(state.out.frames(), id, Reason::NoError);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.budget.change(*self.held.get_mut(), 0);
    }
}

/// What a peer may send on one stream before it is read.
pub(super) fn stream_window(limits: &Limits) -> u32 {
    window(limits.unread_bytes_per_stream_max)
}

/// The connection's window is the protocol's own at least: it cannot be lowered.
pub(super) fn connection_window(limits: &Limits) -> u32 {
    window(limits.unread_bytes_per_connection_max).max(WINDOW_DEFAULT as u32)
}

impl State {
    /// How many bytes were appended before the next.
    pub(super) fn position(&self) -> u64 {
        self.given + self.out.len() as u64
    }

    /// Exchanges what waits for the socket for `empty`.
    pub(super) fn give(&mut self, empty: &mut Outbox) {
        self.given += self.out.len() as u64;
        std::mem::swap(&mut self.out, empty);
    }

    /// How many bytes have left, with `unwritten` of those given still there.
    pub(super) fn left(&self, unwritten: usize) -> u64 {
        self.given - unwritten as u64
    }

    /// Runs the connection's task soon, unless it will anyway.
    pub(super) fn wake(&mut self) {
        if !self.awake {
            self.awake = true;
            if let Some(task) = &self.task {
                task.wake_by_ref();
            }
        }
    }

    /// The connection's task runs.
    pub(super) fn awake(&mut self) {
        self.awake = true;
    }

    /// The connection's task sleeps until woken.
    pub(super) fn sleep(&mut self, waker: &Waker) {
        self.awake = false;
        match &mut self.task {
            Some(task) => task.clone_from(waker),
            None => self.task = Some(waker.clone()),
        }
    }

    /// Wakes the call when the peer has read some.
    pub(super) fn gate(&mut self, waker: &Waker) {
        if !self.gated.iter().any(|known| known.will_wake(waker)) {
            self.gated.push(waker.clone());
        }
    }

    /// Lets handlers that wait look again whether they still must, and the
    /// connection whether it may start more.
    pub(super) fn open_gate(&mut self) {
        for waker in self.gated.drain(..) {
            waker.wake();
        }
        self.wake();
    }

    /// Whether others have waited for room before this stream, which would have
    /// it before them. Small replies may: they cost nobody a turn.
    pub(super) fn must_queue(&self, id: u32, bytes: usize) -> bool {
        const SMALL_BYTES_MAX: usize = 4 << 10;
        bytes > SMALL_BYTES_MAX
            && !self.blocked.is_empty()
            && self
                .streams
                .get(&id)
                .is_some_and(|stream| !stream.outgoing.turn)
    }

    /// Puts a stream in the queue for what all share: in front if it had its turn
    /// and found no room.
    pub(super) fn block(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id)
            && !stream.outgoing.queued
        {
            stream.outgoing.queued = true;
            match std::mem::take(&mut stream.outgoing.turn) {
                true => self.blocked.push_front(id),
                false => self.blocked.push_back(id),
            }
        }
    }

    /// Takes a stream out of the queue.
    pub(super) fn unblock(&mut self, id: u32) {
        self.blocked.retain(|waiting| *waiting != id);
    }

    /// Room there is for the streams that wait for it.
    fn room(&self) -> usize {
        let outbox = OUTBOX_BYTES_MAX.saturating_sub(self.out.len());
        self.send_window.room(outbox)
    }

    /// Wakes as many of the waiting as there is room for, in their order.
    pub(super) fn wake_blocked(&mut self) {
        if self.blocked.is_empty() {
            return;
        }
        let mut room = self.room();
        while room > 0
            && let Some(id) = self.blocked.pop_front()
        {
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.outgoing.queued = false;
                stream.outgoing.turn = true;
                let wants = stream.outgoing.window.room(stream.outgoing.held);
                room = room.saturating_sub(wants);
                if let Some(sender) = stream.outgoing.sender.take() {
                    sender.wake();
                }
            }
        }
    }

    /// `bytes` of a stream were read or are none of anybody's business: its peer may send as many more, and is
    /// told once that is worth a frame.
    pub(super) fn release(&mut self, id: u32, bytes: usize, limits: &Limits) {
        if bytes == 0 {
            return;
        }
        if let Some(stream) = self.streams.get_mut(&id)
            && !stream.incoming.ended
            && !stream.incoming.unwanted
        {
            let incoming = &mut stream.incoming;
            incoming.released += bytes as u32;
            if incoming.released >= stream_window(limits) / 2 {
                let released = std::mem::take(&mut incoming.released);
                incoming.window.give_back(released);
                frame::put_window_update(self.out.frames(), id, released);
                self.wake();
            }
        }
        self.release_connection(bytes);
    }

    /// The same for all streams together.
    pub(super) fn release_connection(&mut self, bytes: usize) {
        // Half of the protocol's own window: a peer that was told of no larger one has as much left.
        const TOLD_BYTES: u32 = WINDOW_DEFAULT as u32 / 2;
        self.released += bytes as u32;
        if self.released >= TOLD_BYTES {
            let released = std::mem::take(&mut self.released);
            self.receive_window.give_back(released);
            frame::put_window_update(self.out.frames(), 0, released);
            self.wake();
        }
    }
}
