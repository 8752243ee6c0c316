//! Keeps calls in flight, or lets them start at a rate, and takes their times.

use super::{Connection, Plan};
use crate::Result;
use hdrhistogram::Histogram;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// When calls start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Load {
    /// As soon as another one ended, so that there are always this many.
    Closed { in_flight: usize },
    /// So many a second, whatever became of those before.
    Open { per_second: f64 },
}

const LATENCY_NANOS_MAX: u64 = 60_000_000_000;

/// All connections, and what came of the calls on them.
pub(crate) struct Generator {
    load: Load,
    connections: Vec<Connection>,
    began: Instant,
    /// Calls started so far, of an open load.
    started: u64,
    /// The connection whose turn it is.
    turn: usize,
    /// Calls that ended, or messages that came back, since the last [`reset`](Self::reset).
    pub(crate) ended: u64,
    /// How long each of them took from when it was to start, in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
}

impl Generator {
    pub(crate) fn new(address: &str, connections: usize, plan: Plan, load: Load) -> Result<Self> {
        let plan = Arc::new(plan);
        let connections = (0..connections).map(|_| Connection::to(address, plan.clone()));
        let connections = connections.collect::<Result<_>>()?;
        Ok(Self {
            load,
            connections,
            began: Instant::now(),
            started: 0,
            turn: 0,
            ended: 0,
            latencies: Histogram::new_with_bounds(1, LATENCY_NANOS_MAX, 3)?,
        })
    }

    /// Forgets what was counted.
    pub(crate) fn reset(&mut self) {
        self.ended = 0;
        self.latencies.reset();
    }

    /// Bytes of messages that came back in all.
    pub(crate) fn received(&self) -> u64 {
        self.connections.iter().map(Connection::received).sum()
    }

    /// Goes on for `time`.
    pub(crate) fn run(&mut self, time: Duration) -> Result {
        let until = self.now() + nanos(time);
        loop {
            let now = self.now();
            if now >= until {
                return Ok(());
            }
            let next = self.start(now);
            for connection in &mut self.connections {
                connection.flush()?;
            }
            let now = self.now();
            self.wait(next.min(until).saturating_sub(now))?;
        }
    }

    fn now(&self) -> u64 {
        nanos(self.began.elapsed())
    }

    /// Starts what is to start by `now`; when the next one is to.
    fn start(&mut self, now: u64) -> u64 {
        match self.load {
            Load::Closed { in_flight } => {
                let count = self.connections.len();
                for (index, connection) in self.connections.iter_mut().enumerate() {
                    let share = (in_flight + count - 1 - index) / count;
                    while connection.in_flight() < share && connection.has_room() {
                        connection.start(now);
                    }
                }
                u64::MAX
            }
            Load::Open { per_second } => loop {
                let due = (self.started as f64 / per_second * 1e9) as u64;
                if due > now {
                    return due;
                }
                let Some(connection) = self.with_room() else {
                    return u64::MAX;
                };
                connection.start(due);
                self.started += 1;
            },
        }
    }

    /// The next connection whose server allows a call; `None` if none does.
    fn with_room(&mut self) -> Option<&mut Connection> {
        let count = self.connections.len();
        let index = (self.turn..self.turn + count)
            .map(|index| index % count)
            .find(|index| self.connections[*index].has_room())?;
        self.turn = index + 1;
        self.connections.get_mut(index)
    }

    /// Waits for the server, for `nanos` at most, and reads what it sent.
    fn wait(&mut self, nanos: u64) -> Result {
        let mut sockets: Vec<_> = self.connections.iter().map(watched).collect();
        let timeout = Timespec {
            tv_sec: (nanos / 1_000_000_000) as i64,
            tv_nsec: (nanos % 1_000_000_000) as _,
        };
        match poll(&mut sockets, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(format!("cannot wait for the server: {error}").into()),
        }
        let ready: Vec<_> = sockets
            .iter()
            .map(|socket| !socket.revents().is_empty())
            .collect();
        for (connection, ready) in self.connections.iter_mut().zip(ready) {
            if !ready {
                continue;
            }
            let before = self.began.elapsed();
            let ended = connection.receive(self::nanos(before))?;
            let now = self::nanos(self.began.elapsed());
            for call in ended {
                self.ended += 1;
                self.latencies
                    .saturating_record(now.saturating_sub(call.started).max(1));
            }
        }
        Ok(())
    }
}

fn watched(connection: &Connection) -> PollFd<'_> {
    let blocked = if connection.is_blocked() {
        PollFlags::OUT
    } else {
        PollFlags::empty()
    };
    PollFd::new(connection.socket(), PollFlags::IN | blocked)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
