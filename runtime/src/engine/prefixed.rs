//! Reading what a new connection speaks before choosing who serves it.

use super::pass_writes::pass_writes;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// What an HTTP/2 client says first (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The bytes read so far, then the rest of `io`.
pub(super) struct Prefixed<T> {
    head: [u8; PREFACE.len()],
    read: usize,
    given: usize,
    io: T,
}

impl<T> Prefixed<T> {
    /// What follows the bytes read so far.
    pub(super) fn into_rest(self) -> T {
        self.io
    }
}

/// Reads until it is clear whether `io` speaks HTTP/2; nothing read is lost.
pub(super) async fn speaks_http2<T>(mut io: T) -> io::Result<(bool, Prefixed<T>)>
where
    T: AsyncRead + Unpin,
{
    let mut head = [0; PREFACE.len()];
    let mut read = 0;
    let mut http2 = true;
    while http2 && read < head.len() {
        let more = io.read(&mut head[read..]).await?;
        if more == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read += more;
        http2 = head[..read] == PREFACE[..read];
    }
    let given = 0;
    Ok((
        http2,
        Prefixed {
            head,
            read,
            given,
            io,
        },
    ))
}

impl<T: AsyncRead + Unpin> AsyncRead for Prefixed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given < self.read {
            let count = buf.remaining().min(self.read - self.given);
            buf.put_slice(&self.head[self.given..self.given + count]);
            self.given += count;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

pass_writes!(Prefixed);
