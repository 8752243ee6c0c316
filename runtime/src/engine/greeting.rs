//! The first frame of a server: it tells that somebody serves there, which a
//! connection that the kernel accepted does not.

use super::{Io, pass_writes::pass_writes};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::oneshot,
};

/// Where a frame says its type, and the type every server starts with
/// (RFC 9113, sections 4.1 and 3.4).
const TYPE_AT: usize = 3;
const SETTINGS: u8 = 4;

/// `io`, and a word to whoever waits for the server's first frame.
pub(super) struct Greeted<T> {
    io: T,
    read: usize,
    waiting: Option<oneshot::Sender<io::Result<bool>>>,
}

/// The receiver hears whether the first frame is a server's, or what went wrong
/// before one came; if the connection just ends, that its sender is gone.
pub(super) fn greeted<T: Io>(io: T) -> (Greeted<T>, oneshot::Receiver<io::Result<bool>>) {
    let (waiting, greeting) = oneshot::channel();
    let greeted = Greeted {
        io,
        read: 0,
        waiting: Some(waiting),
    };
    (greeted, greeting)
}

impl<T: Io> AsyncRead for Greeted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        if let Err(error) = &read
            && let Some(waiting) = self.waiting.take()
        {
            // An alert of the peer's TLS says why it refuses us.
            let _ = waiting.send(Err(io::Error::new(error.kind(), error.to_string())));
        }
        if self.waiting.is_some() {
            let new = &buf.filled()[before..];
            if let Some(kind) = new.get(TYPE_AT - self.read) {
                if let Some(waiting) = self.waiting.take() {
                    let _ = waiting.send(Ok(*kind == SETTINGS));
                }
            } else {
                self.read += new.len();
            }
        }
        Poll::Ready(read)
    }
}

pass_writes!(Greeted);
