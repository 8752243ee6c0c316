//! Flow control (RFC 9113, section 5.2 and 6.9).

use super::frame::{Fatal, Reason, WINDOW_MAX};

/// What may still be sent, to the peer or by it. It is below zero after the
/// initial size was lowered (section 6.9.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Window(i64);

impl Window {
    pub(super) const fn new(bytes: i64) -> Self {
        Self(bytes)
    }

    /// How many bytes fit, at most `wanted`.
    pub(super) fn room(self, wanted: usize) -> usize {
        wanted.min(usize::try_from(self.0).unwrap_or(0))
    }

    pub(super) fn take(&mut self, bytes: usize) {
        self.0 -= bytes as i64;
    }

    /// Takes what the peer sent, if it might.
    pub(super) fn take_received(&mut self, bytes: usize) -> Result<(), Fatal> {
        if self.room(bytes) < bytes {
            let reason = Reason::FlowControl;
            return Err(Fatal::new(reason, "more data than the window allows"));
        }
        self.take(bytes);
        Ok(())
    }

    /// Gives back what was taken by [`take_received`](Self::take_received).
    pub(super) fn give_back(&mut self, bytes: u32) {
        self.0 += i64::from(bytes);
        debug_assert!(self.0 <= WINDOW_MAX, "more was given back than taken");
    }

    pub(super) fn grow(&mut self, bytes: i64) -> Result<(), Fatal> {
        self.0 += bytes;
        if self.0 > WINDOW_MAX {
            let reason = Reason::FlowControl;
            return Err(Fatal::new(reason, "a window above 2^31 - 1 bytes"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
