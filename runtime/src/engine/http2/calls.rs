//! How the calls of a client end.
//!
//! A call has a place from its HEADERS on until both sides have said all they
//! will; its stream stays for whoever reads it until that one has.

use super::{
    frame::{self, Reason},
    state::{Shared, Side, State},
};
use crate::engine::{Broken, broken::Loss};
use std::sync::Arc;

impl Shared {
    /// The response has come whole. A request that is still on its way has no use.
    pub(super) fn response_ended(&self, state: &mut State, id: u32) {
        let Some(stream) = state.streams.get_mut(&id) else {
            return;
        };
        stream.incoming.ended = true;
        if !stream.outgoing.ended {
            frame::put_reset(state.out.frames(), id, Reason::NoError);
            self.silence(state, id);
        }
        state.strikes.call_ended();
        state.places.free();
    }

    /// The request has left whole.
    pub(super) fn sent(&self, state: &mut State, id: u32) {
        if let Some(stream) = state.streams.get_mut(&id)
            && !stream.outgoing.ended
        {
            stream.outgoing.ended = true;
            if stream.is_over() {
                state.places.free();
            }
        }
    }

    /// Nothing more is sent of it.
    fn silence(&self, state: &mut State, id: u32) {
        let Some(stream) = state.streams.get_mut(&id) else {
            return;
        };
        let outgoing = &mut stream.outgoing;
        outgoing.ended = true;
        if let Some(task) = stream.task.take() {
            task.abort();
        }
        if let Some(sender) = outgoing.sender.take() {
            sender.wake();
        }
        let held = std::mem::take(&mut outgoing.held);
        if std::mem::take(&mut outgoing.queued) {
            state.unblock(id);
        }
        self.hold(state, held, 0);
        state.wake_blocked();
    }

    /// It ends before its time; what has come of it can still be read.
    pub(super) fn break_off(&self, state: &mut State, id: u32, broken: Broken) {
        let Some(stream) = state.streams.get_mut(&id) else {
            return;
        };
        let was_over = stream.is_over();
        let incoming = &mut stream.incoming;
        if !incoming.ended {
            incoming.ended = true;
            incoming.broken = Some(broken);
            incoming.wake_later(&mut state.woken);
        }
        self.silence(state, id);
        if !was_over {
            state.places.free();
        }
    }

    /// The same because of what the peer did, which is told so.
    pub(super) fn refuse(&self, state: &mut State, id: u32, reason: Reason, broken: Broken) {
        if let Some(stream) = state.streams.get(&id)
            && !stream.incoming.ended
        {
            let window = stream.incoming.window;
            state.ended.reset(id, window);
            self.break_off(state, id, broken);
            frame::put_reset(state.out.frames(), id, reason);
            state.wake();
        }
    }

    /// Its response was read to the end.
    pub(super) fn read_out(&self, state: &mut State, id: u32) {
        if self.side == Side::Client {
            self.remove(state, id);
        }
    }

    /// Nobody reads it any more. If it is not over, the peer is told.
    pub(super) fn cancel(&self, state: &mut State, id: u32) {
        let Some(stream) = state.streams.get(&id) else {
            return;
        };
        let (over, ended) = (stream.is_over(), stream.incoming.ended);
        let window = stream.incoming.window;
        self.silence(state, id);
        self.remove(state, id);
        if over {
            return;
        }
        if !ended {
            state.ended.reset(id, window);
        }
        if !state.closed {
            frame::put_reset(state.out.frames(), id, Reason::Cancel);
        }
        state.places.free();
        state.wake();
    }

    /// The connection is gone, and with it every call that has no response yet. Those
    /// that begin at position `left` or after never reach the peer.
    pub(super) fn lose(&self, state: &mut State, left: u64) {
        let why = state.why.clone();
        let why = why.unwrap_or_else(|| "it was closed".into());
        state.places.close(why.clone());
        let loss = Loss::new(why.clone());
        self.break_those(state, |begins_at, _| match begins_at >= left {
            true => Some(Broken::Unprocessed(why.clone())),
            false => Some(Broken::Lost(loss.clone())),
        });
    }

    /// The peer takes no more calls, and none after stream `last`.
    pub(super) fn turned_away(&self, state: &mut State, last: u32, why: Arc<str>) {
        state.places.close(why.clone());
        self.break_those(state, |_, id| {
            (id > last).then(|| Broken::Unprocessed(why.clone()))
        });
    }

    fn break_those(&self, state: &mut State, broken: impl Fn(u64, u32) -> Option<Broken>) {
        let broken: Vec<_> = state
            .streams
            .iter()
            .filter(|(_, stream)| !stream.is_over())
            .filter_map(|(id, stream)| Some((*id, broken(stream.outgoing.begins_at, *id)?)))
            .collect();
        for (id, broken) in broken {
            self.break_off(state, id, broken);
        }
    }
}
