//! A client that sends what it is told, and reads all that comes.

use super::{frame::*, queue, seen::GoAway, seen::Seen};
use crate::Result;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// How long a server may leave what it was sent in the kernel's queue.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a server needs to handle what it has read, and to say so.
const TURN: Duration = Duration::from_millis(1);

/// How a client introduces itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hello {
    /// What a stream may be sent before the client asks for more.
    pub(crate) stream_window: u32,
    /// What the connection may be sent.
    pub(crate) window: u32,
}

impl Default for Hello {
    /// Reads whatever comes.
    fn default() -> Self {
        Self {
            stream_window: WINDOW_MAX,
            window: WINDOW_MAX,
        }
    }
}

/// Why a flood stopped before it was over.
#[derive(Clone, Debug)]
pub(crate) enum Ending {
    GoAway(GoAway),
    Closed,
    /// The server reads no more, and says nothing.
    Stalled,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Peer {
    write: OwnedWriteHalf,
    seen: Arc<Mutex<Seen>>,
    reader: JoinHandle<()>,
    client: SocketAddr,
    server: SocketAddr,
    stalled: bool,
}

impl Peer {
    /// A connection on which both have said hello.
    pub(crate) async fn connect(server: SocketAddr, hello: Hello) -> Result<Self> {
        let tcp = TcpStream::connect(server).await?;
        tcp.set_nodelay(true)?;
        let client = tcp.local_addr()?;
        let (read, mut write) = tcp.into_split();
        let mut first = Frames::new();
        first.settings(&[
            // What the server answers can then be read without a dynamic table.
            (HEADER_TABLE_SIZE, 0),
            (INITIAL_WINDOW_SIZE, hello.stream_window),
        ]);
        if hello.window > WINDOW_DEFAULT {
            first.window_update(0, hello.window - WINDOW_DEFAULT);
        }
        first.push(SETTINGS, ACK, 0, &[]);
        write.write_all(&[PREFACE, first.bytes()].concat()).await?;
        let seen = Arc::new(Mutex::new(Seen::new()));
        let reader = tokio::spawn(read_all(read, seen.clone()));
        let peer = Self {
            write,
            seen,
            reader,
            client,
            server,
            stalled: false,
        };
        peer.wait_until(PATIENCE, |seen| {
            seen.closed || seen.frames.contains_key(&SETTINGS)
        })
        .await;
        Ok(peer)
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it came to that within `patience`.
    pub(crate) async fn wait_until(
        &self,
        patience: Duration,
        done: impl Fn(&Seen) -> bool,
    ) -> bool {
        let end = Instant::now() + patience;
        while !done(&self.seen()) {
            if Instant::now() > end {
                return false;
            }
            sleep(TURN).await;
        }
        true
    }

    /// Sends `frames` at once, and waits until the server has read them; whether
    /// the connection goes on.
    pub(crate) async fn burst(&mut self, frames: &Frames) -> bool {
        if self.ending().is_some() {
            return false;
        }
        match timeout(PATIENCE, self.write.write_all(frames.bytes())).await {
            Ok(Ok(())) => self.settle().await,
            Ok(Err(_)) => {
                // The server closed; what it said before may still have to be read.
                self.wait_until(PATIENCE, |seen| seen.closed).await;
            }
            Err(_) => self.stalled = true,
        }
        self.ending().is_none()
    }

    /// Waits until the server has read everything; on loopback what was written
    /// is in its queue at once, unless that was full.
    async fn settle(&mut self) {
        let end = Instant::now() + PATIENCE;
        let mut empty = 0;
        while empty < 2 && !self.seen().is_over() {
            match queue::unread(self.client, self.server) {
                Some(0) | None => empty += 1,
                Some(_) if Instant::now() > end => {
                    self.stalled = true;
                    return;
                }
                Some(_) => empty = 0,
            }
            sleep(TURN).await;
        }
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        let seen = self.seen();
        match (&seen.goaway, seen.closed) {
            (Some(goaway), _) => Some(Ending::GoAway(goaway.clone())),
            (None, true) => Some(Ending::Closed),
            (None, false) => self.stalled.then_some(Ending::Stalled),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read_all(read: OwnedReadHalf, seen: Arc<Mutex<Seen>>) {
    const BUFFER_BYTES: usize = 64 << 10;
    let mut read = BufReader::with_capacity(BUFFER_BYTES, read);
    let lock = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    let mut payload = Vec::new();
    let mut head = [0; HEAD_BYTES];
    while read.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        payload.resize(length as usize, 0);
        if read.read_exact(&mut payload).await.is_err() {
            break;
        }
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & WINDOW_MAX;
        lock().frame(head[3], head[4], stream, &payload);
    }
    lock().closed = true;
}
