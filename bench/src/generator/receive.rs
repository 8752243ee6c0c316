//! What the server sends, frame by frame.

use super::{
    call::{Arrived, Plan, Shape},
    connection::{Connection, STREAM_WINDOW_BYTES, WINDOW_BYTES},
    headers::Blocks,
};
use crate::{
    Result,
    http2::{
        frame::{self, Frame},
        hpack,
    },
};

impl Connection {
    /// Handles all whole frames read.
    pub(super) fn frames(&mut self) -> Result {
        let input = std::mem::take(&mut self.input);
        let mut handled = Ok(());
        while handled.is_ok()
            && let Some((frame, length)) = Frame::first(&input[self.unread.clone()])
        {
            self.unread.start += length;
            handled = self.frame(frame);
        }
        self.input = input;
        if self.unacknowledged > WINDOW_BYTES / 2 {
            frame::window_update(&mut self.output, 0, self.unacknowledged);
            self.unacknowledged = 0;
        }
        handled
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result {
        if self.block.is_some() && frame.kind != frame::CONTINUATION {
            return Err("a block of headers was interrupted".into());
        }
        match frame.kind {
            frame::DATA => self.data(frame),
            frame::HEADERS => {
                let content = frame.content().ok_or("malformed HEADERS")?;
                match frame.has(frame::END_HEADERS) {
                    true => self.headers(frame.stream, frame.flags, content),
                    false => {
                        self.block = Some((frame.stream, frame.flags, content.to_vec()));
                        Ok(())
                    }
                }
            }
            frame::CONTINUATION => {
                let (stream, flags, mut block) =
                    self.block.take().ok_or("CONTINUATION of nothing")?;
                block.extend_from_slice(frame.payload);
                match frame.has(frame::END_HEADERS) {
                    true => self.headers(stream, flags, &block),
                    false => {
                        self.block = Some((stream, flags, block));
                        Ok(())
                    }
                }
            }
            frame::SETTINGS if !frame.has(frame::ACK) => self.settings(frame),
            frame::PING if !frame.has(frame::ACK) => {
                frame::pong(&mut self.output, frame.payload);
                Ok(())
            }
            frame::WINDOW_UPDATE => self.window_update(frame),
            frame::RST_STREAM => self.reset(frame),
            frame::GOAWAY => {
                let text = String::from_utf8_lossy(frame.payload.get(8..).unwrap_or_default());
                Err(format!("the server is going away: {text:?}").into())
            }
            frame::PUSH_PROMISE => Err("the server pushes".into()),
            _ => Ok(()),
        }
    }

    fn settings(&mut self, frame: Frame<'_>) -> Result {
        let mut table_bytes = hpack::TABLE_BYTES;
        for (name, value) in frame.settings() {
            match name {
                frame::HEADER_TABLE_SIZE => table_bytes = value as usize,
                frame::MAX_CONCURRENT_STREAMS => self.calls_max = value as usize,
                frame::MAX_FRAME_SIZE => self.sending.frame_bytes = value as usize,
                frame::INITIAL_WINDOW_SIZE => {
                    let more = i64::from(value) - self.sending.stream_window;
                    self.sending.stream_window += more;
                    self.calls.iter_mut().for_each(|call| call.window += more);
                }
                _ => {}
            }
        }
        frame::head(&mut self.output, 0, frame::SETTINGS, frame::ACK, 0);
        if self.blocks.is_none() {
            self.blocks = Some(Blocks::of(&self.authority, &self.plans, table_bytes));
        } else if table_bytes < hpack::TABLE_BYTES {
            return Err("the server shrank its table while it was used".into());
        }
        self.resume();
        Ok(())
    }

    fn window_update(&mut self, frame: Frame<'_>) -> Result {
        let more = i64::from(frame.number().ok_or("malformed WINDOW_UPDATE")? & 0x7fff_ffff);
        match frame.stream {
            0 => self.sending.window += more,
            stream => {
                if let Some(call) = self.calls.get(stream) {
                    call.window += more;
                }
            }
        }
        self.resume();
        Ok(())
    }

    fn resume(&mut self) {
        let (output, calls) = (&mut self.output, &mut self.calls);
        self.sending.resume(output, calls, &self.plans);
    }

    /// A block of headers: the first of a stream answers it, the second ends it.
    fn headers(&mut self, stream: u32, flags: u8, block: &[u8]) -> Result {
        let heard = self.ear.hear(block)?;
        let call = self.calls.get(stream).ok_or("headers of no call")?;
        if !call.answered && heard.status != Some(200) {
            return Err(format!("a call was answered with {heard:?}").into());
        }
        let ends = flags & frame::END_STREAM != 0;
        if ends && heard.grpc_status.is_none() {
            return Err("a call ended without grpc-status".into());
        }
        if call.answered && !ends {
            return Err("a call was answered twice".into());
        }
        call.answered = true;
        if !ends {
            return Ok(());
        }
        let failed = heard.grpc_status != Some(0);
        let plan = &self.plans[call.plan];
        if !failed && Some(call.received) != plan.reply_bytes() {
            return Err(format!("a call ended well after {} bytes", call.received).into());
        }
        if !failed && call.unsent > 0 {
            return Err("a call was answered before it was made".into());
        }
        let one = plan.shape == (Shape::Replies { count: 1 });
        self.arrived.push(Arrived {
            plan: call.plan,
            messages: u64::from(one && !failed),
            ended: true,
            failed,
            started: (!failed).then_some(call.started),
        });
        self.calls.end(stream);
        Ok(())
    }

    /// A call that the server would not take, or what is left of one that ended.
    fn reset(&mut self, frame: Frame<'_>) -> Result {
        let code = frame.number().ok_or("malformed RST_STREAM")?;
        let Some(call) = self.calls.get(frame.stream) else {
            return Ok(());
        };
        if code != frame::REFUSED_STREAM {
            return Err(format!("the server reset a call with code {code}").into());
        }
        self.arrived.push(Arrived {
            plan: call.plan,
            messages: 0,
            ended: true,
            failed: true,
            started: None,
        });
        self.calls.end(frame.stream);
        Ok(())
    }

    fn data(&mut self, frame: Frame<'_>) -> Result {
        let content = frame.content().ok_or("malformed DATA")?;
        if frame.has(frame::END_STREAM) {
            return Err("a call ended without grpc-status".into());
        }
        let length = frame.payload.len() as u32;
        self.unacknowledged += length;
        let call = self.calls.get(frame.stream).ok_or("data of no call")?;
        if !call.answered {
            return Err("data before headers".into());
        }
        call.unacknowledged += length;
        if call.unacknowledged > STREAM_WINDOW_BYTES / 2 {
            frame::window_update(&mut self.output, frame.stream, call.unacknowledged);
            call.unacknowledged = 0;
        }
        let arrived = Arrived {
            plan: call.plan,
            messages: 1,
            ended: false,
            failed: false,
            started: None,
        };
        let Plan {
            shape,
            request,
            reply,
            ..
        } = &self.plans[call.plan];
        let before = call.received / reply.len();
        check(content, reply, call.received)?;
        call.received += content.len();
        let messages = call.received / reply.len() - before;
        match shape {
            Shape::Replies { count: 1 } => {}
            Shape::Replies { .. } => self.arrived.push(Arrived {
                messages: messages as u64,
                ..arrived
            }),
            Shape::PingPong { .. } => {
                // One goes for each that came.
                for _ in 0..messages {
                    let started = call.left.pop_front().ok_or("more came back than went")?;
                    self.arrived.push(Arrived {
                        started: Some(started),
                        ..arrived
                    });
                    call.left.push_back(self.now);
                }
                call.unsent += messages * request.len();
                self.sending
                    .send(&mut self.output, (frame.stream, call), request);
            }
        }
        Ok(())
    }
}

/// Whether `content` is what messages like `message` have `at` bytes from the first.
fn check(mut content: &[u8], message: &[u8], at: usize) -> Result {
    let mut at = at % message.len();
    while !content.is_empty() {
        let length = content.len().min(message.len() - at);
        let (now, rest) = content.split_at(length);
        if now != &message[at..at + length] {
            return Err("a reply is not what it must be".into());
        }
        (content, at) = (rest, (at + length) % message.len());
    }
    Ok(())
}
