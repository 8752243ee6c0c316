//! Bytes into frames. Data is passed on as it comes; every other frame is
//! gathered first. Nothing is copied that comes in one piece.

use super::frame::{
    Fatal, HEAD_BYTES, Head, PAYLOAD_BYTES_MAX, PRIORITY_BYTES, SETTING_BYTES, flag, kind,
};

/// What is between the last byte read and the next.
#[derive(Debug)]
pub(super) struct Parser {
    expects: Expects,
    /// The beginning of a frame's head or payload.
    partial: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Expects {
    Head,
    Payload(Head),
    Padding(Head),
    Data(Rest),
    Skip { left: usize },
}

/// What is to come of a DATA frame's data, and the padding after it.
#[derive(Clone, Copy, Debug)]
struct Rest {
    head: Head,
    left: usize,
    padding: usize,
}

/// One step of a connection's bytes.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// A frame begins. Its payload follows, whole or as data, unless its
    /// receiver has no use for it.
    Head(Head),
    /// Some data of a stream.
    Data {
        stream: u32,
        data: &'a [u8],
        /// Bytes that flow control counts too; said with the last of the frame.
        padding: usize,
        end_stream: bool,
    },
    /// The payload of any other frame.
    Payload(Head, &'a [u8]),
}

impl Parser {
    pub(super) fn new() -> Self {
        Self {
            expects: Expects::Head,
            partial: Vec::new(),
        }
    }

    /// Passes on what `input` holds; stops at the first error.
    pub(super) fn feed(
        &mut self,
        mut input: &[u8],
        mut take: impl FnMut(Event<'_>) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        let input = &mut input;
        loop {
            let next = match self.expects {
                Expects::Head => match self.gather(input, HEAD_BYTES, Head::read) {
                    None => None,
                    Some(head) => {
                        let head = head?;
                        take(Event::Head(head))?;
                        Some(Expects::after(head))
                    }
                },
                Expects::Payload(head) => {
                    let whole = |payload: &[u8]| take(Event::Payload(head, payload));
                    match self.gather(input, head.length, whole) {
                        None => None,
                        Some(taken) => taken.map(|()| Some(Expects::Head))?,
                    }
                }
                Expects::Padding(head) => padding(head, input)?,
                Expects::Data(rest) => rest.pass(input, &mut take)?,
                Expects::Skip { left } => skip(left, input),
            };
            match next {
                Some(next) => self.expects = next,
                None => return Ok(()),
            }
        }
    }

    /// Gives `take` the next `length` bytes; `None` if they have not all come.
    fn gather<T>(
        &mut self,
        input: &mut &[u8],
        length: usize,
        take: impl FnOnce(&[u8]) -> T,
    ) -> Option<T> {
        if self.partial.is_empty()
            && let Some((whole, rest)) = input.split_at_checked(length)
        {
            *input = rest;
            return Some(take(whole));
        }
        let missing = length - self.partial.len();
        let (here, rest) = input.split_at(missing.min(input.len()));
        self.partial.extend_from_slice(here);
        *input = rest;
        if self.partial.len() < length {
            return None;
        }
        // Taken out, so that an idle connection keeps no buffer.
        Some(take(&std::mem::take(&mut self.partial)))
    }
}

impl Rest {
    /// Passes on what has come of it; `None` if that is nothing.
    fn pass(
        mut self,
        input: &mut &[u8],
        take: &mut impl FnMut(Event<'_>) -> Result<(), Fatal>,
    ) -> Result<Option<Expects>, Fatal> {
        let (data, rest) = input.split_at(self.left.min(input.len()));
        if data.is_empty() && self.left > 0 {
            return Ok(None);
        }
        *input = rest;
        self.left -= data.len();
        let done = self.left == 0;
        take(Event::Data {
            stream: self.head.stream,
            data,
            padding: match done {
                true => self.head.length - self.head.data_length(self.padding),
                false => 0,
            },
            end_stream: done && self.head.has(flag::END_STREAM),
        })?;
        let left = self.padding;
        Ok(Some(match done {
            true => Expects::Skip { left },
            false => Expects::Data(self),
        }))
    }
}

/// The first byte of padded data says how long the padding is.
fn padding(head: Head, input: &mut &[u8]) -> Result<Option<Expects>, Fatal> {
    let Some((padding, rest)) = input.split_first() else {
        return Ok(None);
    };
    *input = rest;
    let padding = usize::from(*padding);
    let left = (head.length - 1)
        .checked_sub(padding)
        .ok_or(Fatal::protocol("more padding than payload"))?;
    Ok(Some(Expects::Data(Rest {
        head,
        left,
        padding,
    })))
}

fn skip(left: usize, input: &mut &[u8]) -> Option<Expects> {
    let here = left.min(input.len());
    *input = &input[here..];
    match left - here {
        0 => Some(Expects::Head),
        _ if here == 0 => None,
        left => Some(Expects::Skip { left }),
    }
}

impl Head {
    /// A frame's head, if a frame may be like that whatever came before.
    fn read(bytes: &[u8]) -> Result<Self, Fatal> {
        let mut head = [0; HEAD_BYTES];
        head.copy_from_slice(bytes);
        let head = Self::parse(&head);
        if head.length > PAYLOAD_BYTES_MAX {
            return Err(Fatal::size("a frame larger than SETTINGS_MAX_FRAME_SIZE"));
        }
        head.check()?;
        Ok(head)
    }

    /// What of a DATA frame's payload is no padding.
    fn data_length(self, padding: usize) -> usize {
        match self.has(flag::PADDED) {
            true => self.length - 1 - padding,
            false => self.length,
        }
    }

    /// Rules of one frame alone: its length, and whether it is of a stream.
    fn check(self) -> Result<(), Fatal> {
        let of_a_stream = self.stream != 0;
        let wanted = match self.kind {
            kind::DATA | kind::HEADERS | kind::CONTINUATION => Some(true),
            kind::PRIORITY | kind::RST_STREAM => Some(true),
            kind::SETTINGS | kind::PING | kind::GOAWAY => Some(false),
            _ => None,
        };
        if wanted.is_some_and(|wanted| wanted != of_a_stream) {
            return Err(Fatal::protocol("a frame on a stream where it cannot be"));
        }
        let fits = match self.kind {
            kind::DATA => self.length > 0 || !self.has(flag::PADDED),
            kind::PRIORITY => self.length == PRIORITY_BYTES,
            kind::RST_STREAM | kind::WINDOW_UPDATE => self.length == 4,
            kind::PING => self.length == 8,
            kind::GOAWAY => self.length >= 8,
            kind::SETTINGS if self.has(flag::ACK) => self.length == 0,
            kind::SETTINGS => self.length.is_multiple_of(SETTING_BYTES),
            _ => true,
        };
        match fits {
            true => Ok(()),
            false => Err(Fatal::size("a frame whose length cannot be")),
        }
    }
}

impl Expects {
    fn after(head: Head) -> Self {
        match head.kind {
            kind::DATA if head.has(flag::PADDED) => Self::Padding(head),
            kind::DATA => Self::Data(Rest {
                head,
                left: head.length,
                padding: 0,
            }),
            kind::HEADERS
            | kind::CONTINUATION
            | kind::PRIORITY
            | kind::RST_STREAM
            | kind::SETTINGS
            | kind::PING
            | kind::GOAWAY
            | kind::WINDOW_UPDATE => Self::Payload(head),
            _ => Self::Skip { left: head.length },
        }
    }
}

#[cfg(test)]
mod tests;
