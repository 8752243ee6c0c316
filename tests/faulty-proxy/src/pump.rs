//! Carries bytes one way.

use crate::{Break, Faults, Way};
use std::{
    io,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

const CHUNK_BYTES_MAX: usize = 16 << 10;
/// What may be on its way; whoever sends more waits.
const CHUNKS_MAX: usize = 64;
/// A slow line passes on what it carries in this time, and then waits for as long.
const PACE: Duration = Duration::from_millis(5);

pub(crate) struct Pump<'a> {
    pub(crate) faults: watch::Receiver<Faults>,
    pub(crate) way: fn(&Faults) -> Way,
    pub(crate) random: fastrand::Rng,
    pub(crate) carried: &'a AtomicU64,
}

/// The connection is to be reset, at both ends.
pub(crate) struct Reset;

impl From<io::Error> for Reset {
    fn from(_: io::Error) -> Self {
        Self
    }
}

struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
}

impl Pump<'_> {
    /// Until there is no more to carry.
    pub(crate) async fn run(self, from: ReadHalf<'_>, to: WriteHalf<'_>) -> Result<(), Reset> {
        let (sender, chunks) = mpsc::channel(CHUNKS_MAX);
        let Self {
            faults,
            way,
            random,
            carried,
        } = self;
        let reading = read(from, faults.clone(), way, random, sender);
        let writing = Writing {
            faults,
            way,
            carried,
            to,
            written: 0,
            closed: false,
        };
        tokio::try_join!(reading, writing.run(chunks))?;
        Ok(())
    }
}

async fn read(
    mut from: ReadHalf<'_>,
    faults: watch::Receiver<Faults>,
    way: fn(&Faults) -> Way,
    mut random: fastrand::Rng,
    sender: mpsc::Sender<Chunk>,
) -> Result<(), Reset> {
    let mut buffer = vec![0; CHUNK_BYTES_MAX];
    let mut last = Instant::now();
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let Way { delay, jitter, .. } = way(&faults.borrow());
        last = last.max(Instant::now() + delay + jitter.mul_f64(random.f64()));
        let chunk = Chunk {
            due: last,
            bytes: buffer[..length].to_vec(),
        };
        // The writer has ended, and says why.
        if sender.send(chunk).await.is_err() {
            return Ok(());
        }
    }
}

struct Writing<'a> {
    faults: watch::Receiver<Faults>,
    way: fn(&Faults) -> Way,
    carried: &'a AtomicU64,
    to: WriteHalf<'a>,
    written: u64,
    closed: bool,
}

impl Writing<'_> {
    async fn run(mut self, mut chunks: mpsc::Receiver<Chunk>) -> Result<(), Reset> {
        loop {
            self.suffer().await?;
            let chunk = tokio::select! {
                chunk = chunks.recv() => chunk,
                Ok(()) = self.faults.changed() => continue,
            };
            let Some(Chunk { due, bytes }) = chunk else {
                return Ok(self.to.shutdown().await?);
            };
            if Instant::now() < due {
                sleep_until(due).await;
            }
            self.write(&bytes).await?;
        }
    }

    /// Does what is to be done once so many bytes have passed; ends when more may.
    async fn suffer(&mut self) -> Result<(), Reset> {
        loop {
            let way = (self.way)(&self.faults.borrow_and_update());
            match way.breaks {
                Some((how, after)) if after <= self.written => match how {
                    Break::Reset => return Err(Reset),
                    // If nobody can change it any more, the link is about to be dropped.
                    Break::Silence => self.faults.changed().await.map_err(|_| Reset)?,
                    Break::HalfClose => {
                        if !std::mem::replace(&mut self.closed, true) {
                            self.to.shutdown().await?;
                        }
                        return Ok(());
                    }
                },
                _ => return Ok(()),
            }
        }
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), Reset> {
        while !bytes.is_empty() {
            self.suffer().await?;
            if self.closed {
                return Ok(());
            }
            let way = (self.way)(&self.faults.borrow());
            let mut length = bytes.len();
            if let Some((_, after)) = way.breaks {
                length = length
                    .min(usize::try_from(after.saturating_sub(self.written)).unwrap_or(length));
            }
            let rate = way.bytes_per_second.map(|rate| rate.max(1) as f64);
            if let Some(rate) = rate {
                length = length.min((rate * PACE.as_secs_f64()).ceil() as usize);
            }
            let (now, later) = bytes.split_at(length);
            // Whoever has received a byte finds it counted.
            self.carried.fetch_add(now.len() as u64, Relaxed);
            self.to.write_all(now).await?;
            self.written += now.len() as u64;
            if let Some(rate) = rate {
                sleep(Duration::from_secs_f64(now.len() as f64 / rate)).await;
            }
            bytes = later;
        }
        Ok(())
    }
}
