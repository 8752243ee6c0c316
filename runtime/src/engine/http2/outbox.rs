//! Bytes on their way to the socket.

use bytes::{Buf, Bytes};
use std::{collections::VecDeque, io::IoSlice};

/// Payloads from this size on are sent from where they are; smaller ones are
/// copied, which costs less than a piece of their own.
const SHARED_BYTES_MIN: usize = 4 << 10;

/// What is kept for the next frames when the connection is busy.
const KEPT_BYTES_MAX: usize = 64 << 10;

/// Pieces of one system call.
pub(super) const PIECES_MAX: usize = 64;

/// Frames in order: small ones in one buffer, large payloads between them.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    small: Vec<u8>,
    /// How much of `small` has been written.
    written: usize,
    /// Payloads, each with the length `small` had when it came.
    shared: VecDeque<(usize, Bytes)>,
    shared_bytes: usize,
}

impl Outbox {
    /// Where frames are appended.
    pub(super) fn frames(&mut self) -> &mut Vec<u8> {
        &mut self.small
    }

    pub(super) fn payload(&mut self, data: Bytes) {
        if data.len() < SHARED_BYTES_MIN {
            self.small.extend_from_slice(&data);
        } else {
            self.shared_bytes += data.len();
            self.shared.push_back((self.small.len(), data));
        }
    }

    /// Bytes not yet written.
    pub(super) fn len(&self) -> usize {
        self.small.len() - self.written + self.shared_bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next pieces in order; how many there are.
    pub(super) fn pieces<'a>(&'a self, pieces: &mut [IoSlice<'a>; PIECES_MAX]) -> usize {
        let mut count = 0;
        let mut at = self.written;
        for (end, data) in &self.shared {
            if count + 2 > PIECES_MAX {
                return count;
            }
            if at < *end {
                pieces[count] = IoSlice::new(&self.small[at..*end]);
                count += 1;
                at = *end;
            }
            pieces[count] = IoSlice::new(data);
            count += 1;
        }
        if at < self.small.len() && count < PIECES_MAX {
            pieces[count] = IoSlice::new(&self.small[at..]);
            count += 1;
        }
        count
    }

    /// The first `count` bytes were written.
    pub(super) fn advance(&mut self, mut count: usize) {
        while count > 0 {
            let end = self
                .shared
                .front()
                .map_or(self.small.len(), |(end, _)| *end);
            let plain = count.min(end - self.written);
            self.written += plain;
            count -= plain;
            if let Some((_, data)) = self.shared.front_mut() {
                let part = count.min(data.len());
                data.advance(part);
                self.shared_bytes -= part;
                count -= part;
                if data.is_empty() {
                    self.shared.pop_front();
                }
            } else if plain == 0 {
                break;
            }
        }
        if self.is_empty() {
            self.written = 0;
            self.small.clear();
            if self.small.capacity() > KEPT_BYTES_MAX {
                self.small = Vec::new();
            }
        }
    }

    /// Gives its memory back; it holds nothing.
    pub(super) fn release(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests;
