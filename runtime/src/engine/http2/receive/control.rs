//! Frames about streams and the connection, not of calls.

use super::{Context, Receiver};
use crate::{
    engine::http2::{
        frame::{
            self, FRAME_BYTES_MAX, Fatal, Head, PAYLOAD_BYTES_MAX, Reason, SETTING_BYTES, flag,
            setting,
        },
        state::{SENT_FRAME_BYTES_MAX, Side, State},
        strikes::TOO_MANY_PINGS,
    },
    engine::{Broken, ErrorCode},
    limits::Limit,
};
use std::{sync::Arc, time::Duration};

/// What is kept of a peer's reason to go.
const DEBUG_BYTES_MAX: usize = 256;

/// Settings of one frame that cost the peer nothing: all that there are, and more.
const SETTINGS_USUAL: usize = 16;

/// A call that lived as long before its peer gave it up was no trick.
const RESET_IN_GOOD_FAITH: Duration = Duration::from_millis(100);

impl Receiver {
    pub(super) fn reset(
        &mut self,
        id: u32,
        payload: &[u8],
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        if self.is_idle(id, &context) {
            return Err(Fatal::protocol("RST_STREAM on an idle stream"));
        }
        let Context {
            shared, state, now, ..
        } = context;
        if shared.side == Side::Client {
            if !state.streams.contains_key(&id) {
                state.ended.forget(id);
                return state.strikes.frame();
            }
            let code = ErrorCode(word(payload));
            shared.break_off(state, id, Broken::Reset(code));
            return Ok(());
        }
        let Some(stream) = shared.remove(state, id) else {
            return state.strikes.frame();
        };
        match stream.task {
            Some(task) => task.abort(),
            None => {
                self.starting.retain(|(waiting, _)| *waiting != id);
                self.reset_unstarted += 1;
                if self.reset_unstarted > shared.limits.pending_resets_max {
                    return Err(Fatal::calm(Limit::PendingResetsMax, "too_many_resets"));
                }
            }
        }
        match now.duration_since(stream.opened) < RESET_IN_GOOD_FAITH {
            true => state.strikes.reset(now),
            false => Ok(()),
        }
    }

    /// The peer goes (section 6.8).
    pub(super) fn goaway(&mut self, payload: &[u8], context: Context<'_>) -> Result<(), Fatal> {
        self.peer_leaves = true;
        let Context { shared, state, .. } = context;
        if shared.side == Side::Client {
            let (last, rest) = payload.split_at(4);
            let (code, debug) = rest.split_at(4);
            let code = ErrorCode(word(code));
            let debug = &debug[..debug.len().min(DEBUG_BYTES_MAX)];
            let why = match debug.escape_ascii().to_string() {
                debug if debug.is_empty() => format!("the peer went away: {code}"),
                debug => format!("the peer went away: {code}, \"{debug}\""),
            };
            self.pinged_too_often |=
                code == ErrorCode::ENHANCE_YOUR_CALM && debug == TOO_MANY_PINGS.as_bytes();
            let why: Arc<str> = why.into();
            state.why = Some(why.clone());
            shared.turned_away(state, word(last) & frame::STREAM_MAX, why);
        }
        Ok(())
    }

    pub(super) fn settings(
        &mut self,
        head: Head,
        payload: &[u8],
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        if head.has(flag::ACK) {
            return match self.settled {
                true => Ok(()),
                false => Err(Fatal::protocol("the first frame acknowledges SETTINGS")),
            };
        }
        self.settled = true;
        let Context { shared, state, .. } = context;
        for (nth, setting) in payload.chunks_exact(SETTING_BYTES).enumerate() {
            if nth >= SETTINGS_USUAL {
                state.strikes.frame()?;
            }
            let id = u16::from_be_bytes([setting[0], setting[1]]);
            let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
            apply(state, shared.side, id, value)?;
        }
        frame::put_settings_ack(state.out.frames());
        Ok(())
    }

    pub(super) fn ping(
        &mut self,
        head: Head,
        payload: &[u8],
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        let Context {
            shared, state, now, ..
        } = context;
        let mut opaque = [0; 8];
        opaque.copy_from_slice(payload);
        if head.has(flag::ACK) {
            self.pong = Some(opaque);
            // One that nobody asked for is noise.
            return match self.pings.checked_sub(1) {
                Some(left) => {
                    self.pings = left;
                    Ok(())
                }
                None => state.strikes.frame(),
            };
        }
        let calls = !state.streams.is_empty();
        state.strikes.ping(now, calls, &shared.limits)?;
        frame::put_ping(state.out.frames(), flag::ACK, opaque);
        Ok(())
    }

    pub(super) fn window_update(
        &mut self,
        id: u32,
        payload: &[u8],
        context: Context<'_>,
    ) -> Result<(), Fatal> {
        let idle = self.is_idle(id, &context);
        let Context { shared, state, .. } = context;
        let bytes = i64::from(word(payload) & frame::STREAM_MAX);
        if bytes == 0 {
            return Err(Fatal::protocol("a WINDOW_UPDATE of nothing"));
        }
        state.strikes.window_update(bytes)?;
        if id == 0 {
            state.send_window.grow(bytes)?;
            state.wake_blocked();
            return Ok(());
        }
        if idle && id <= self.last_served {
            return Err(Fatal::protocol("WINDOW_UPDATE on an idle stream"));
        }
        let Some(stream) = state.streams.get_mut(&id) else {
            return Ok(());
        };
        let outgoing = &mut stream.outgoing;
        if outgoing.window.grow(bytes).is_err() {
            shared.reset(state, id, Reason::FlowControl);
            return state.strikes.local_reset();
        }
        if let Some(sender) = outgoing.sender.take() {
            sender.wake();
        }
        Ok(())
    }
}

/// The first four bytes.
fn word(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// Takes one of the peer's settings (section 6.5.2).
fn apply(state: &mut State, side: Side, id: u16, value: u32) -> Result<(), Fatal> {
    let push_max = u32::from(side == Side::Server);
    match id {
        setting::HEADER_TABLE_SIZE => state.encoder.resize(value),
        setting::ENABLE_PUSH if value > push_max => {
            return Err(Fatal::protocol(
                "SETTINGS_ENABLE_PUSH is 0, or 1 of a client",
            ));
        }
        setting::MAX_CONCURRENT_STREAMS => state.places.resize(value),
        setting::INITIAL_WINDOW_SIZE => {
            let window = i64::from(value);
            let change = window - state.peer.window;
            state.peer.window = window;
            if window > frame::WINDOW_MAX {
                let reason = Reason::FlowControl;
                return Err(Fatal::new(
                    reason,
                    "SETTINGS_INITIAL_WINDOW_SIZE above 2^31 - 1",
                ));
            }
            for stream in state.streams.values_mut() {
                stream.outgoing.window.grow(change)?;
                if let Some(sender) = stream.outgoing.sender.take() {
                    sender.wake();
                }
            }
        }
        setting::MAX_FRAME_SIZE => {
            let bytes = value as usize;
            if !(PAYLOAD_BYTES_MAX..=FRAME_BYTES_MAX).contains(&bytes) {
                return Err(Fatal::protocol("SETTINGS_MAX_FRAME_SIZE out of range"));
            }
            state.peer.frame_bytes_max = bytes.min(SENT_FRAME_BYTES_MAX);
        }
        _ => {}
    }
    Ok(())
}

/// A stream that depends on itself (RFC 7540, section 5.3.1, which h2spec tests).
pub(super) fn depends_on_itself(id: u32, priority: &[u8]) -> Result<(), Fatal> {
    match word(priority) & frame::STREAM_MAX == id {
        true => Err(Fatal::protocol("a stream that depends on itself")),
        false => Ok(()),
    }
}
