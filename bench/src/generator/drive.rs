//! Keeps calls in flight, or lets them start at a rate, and takes their times.

use super::{Connection, Plan};
use crate::Result;
use hdrhistogram::Histogram;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};
use std::{
    num::NonZeroU64,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

/// When calls start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Load {
    /// As soon as another one ended, so that there are always this many.
    InFlight(usize),
    /// So many a second, whatever became of those before.
    PerSecond(f64),
}

/// Calls of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) plan: Plan,
    pub(crate) load: Load,
    /// The connections they are spread over.
    pub(crate) connections: Range<usize>,
}

/// What came of one source.
pub(crate) struct Tally {
    load: Load,
    connections: Range<usize>,
    /// Calls in flight on each connection, of a load that counts them.
    in_flight: Vec<usize>,
    /// Calls started so far, of a load with a rate.
    started: u64,
    /// The connection whose turn it is.
    turn: usize,
    /// Messages that came back since the last [`reset`](Generator::reset).
    pub(crate) messages: u64,
    /// Calls that ended with another status than OK, or were refused.
    pub(crate) failed: u64,
    /// How long calls that ended well took from when they were to start, in nanoseconds; of
    /// those that go on, messages.
    pub(crate) latencies: Histogram<u64>,
}

/// All connections, and what came of the calls on them.
pub(crate) struct Generator {
    connections: Vec<Connection>,
    began: Instant,
    pub(crate) tallies: Vec<Tally>,
}

const LATENCY_NANOS_MAX: u64 = 60_000_000_000;
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How late the system may wake this thread; its default is 50,000.
const TIMER_SLACK_NANOS: NonZeroU64 = NonZeroU64::new(1_000).expect("it is not zero");

impl Generator {
    /// Connects as often as the `sources` say.
    pub(crate) fn new(address: &str, sources: &[Source]) -> Result<Self> {
        #[cfg(target_os = "linux")]
        rustix::thread::set_current_timer_slack(Some(TIMER_SLACK_NANOS))?;
        let plans: Arc<[Plan]> = sources.iter().map(|source| source.plan.clone()).collect();
        let count = sources.iter().map(|source| source.connections.end).max();
        let connections = (0..count.unwrap_or(0)).map(|_| Connection::to(address, plans.clone()));
        let connections: Vec<_> = connections.collect::<Result<_>>()?;
        let tally = |source: &Source| {
            Ok(Tally {
                load: source.load,
                connections: source.connections.clone(),
                in_flight: vec![0; connections.len()],
                started: 0,
                turn: 0,
                messages: 0,
                failed: 0,
                latencies: Histogram::new_with_bounds(1, LATENCY_NANOS_MAX, 3)?,
            })
        };
        let tallies = sources.iter().map(tally).collect::<Result<_>>()?;
        Ok(Self {
            connections,
            began: Instant::now(),
            tallies,
        })
    }

    /// Forgets what was counted.
    pub(crate) fn reset(&mut self) {
        for tally in &mut self.tallies {
            tally.messages = 0;
            tally.failed = 0;
            tally.latencies.reset();
        }
    }

    /// Goes on for `time`.
    pub(crate) fn run(&mut self, time: Duration) -> Result {
        let until = self.now() + nanos(time);
        loop {
            let now = self.now();
            if now >= until {
                return Ok(());
            }
            let mut next = until;
            for (plan, tally) in self.tallies.iter_mut().enumerate() {
                next = next.min(tally.start(plan, &mut self.connections, now));
            }
            for connection in &mut self.connections {
                connection.flush()?;
            }
            let now = self.now();
            self.wait(next.saturating_sub(now))?;
        }
    }

    /// Counts calls that are due and have not ended with the time they took so
    /// far: a server that hangs would look fast if it took their times with it.
    pub(crate) fn count_unfinished(&mut self) {
        let now = self.now();
        for (plan, tally) in self.tallies.iter_mut().enumerate() {
            let Load::PerSecond(rate) = tally.load else {
                continue;
            };
            let mut record = |started: u64| {
                let latency = now.saturating_sub(started).max(1);
                tally.latencies.saturating_record(latency);
            };
            for connection in &self.connections {
                connection.unfinished(plan).for_each(&mut record);
            }
            let dues = (tally.started..).map(|call| due(call, rate));
            dues.take_while(|due| *due <= now).for_each(&mut record);
        }
    }

    /// Makes one call on each connection, of the first source.
    pub(crate) fn call_once(&mut self) -> Result {
        let now = self.now();
        for connection in &mut self.connections {
            connection.start(0, now);
            connection.flush()?;
        }
        self.tallies[0].in_flight.fill(1);
        while self.tallies[0].in_flight.iter().any(|count| *count > 0) {
            self.wait(nanos(CALL_TIMEOUT))?;
        }
        Ok(())
    }

    fn now(&self) -> u64 {
        nanos(self.began.elapsed())
    }

    /// Waits for the server, for `time` nanoseconds at most, and reads what it sent.
    fn wait(&mut self, time: u64) -> Result {
        let mut sockets: Vec<_> = self.connections.iter().map(watched).collect();
        let timeout = Timespec {
            tv_sec: (time / 1_000_000_000) as i64,
            tv_nsec: (time % 1_000_000_000) as _,
        };
        match poll(&mut sockets, Some(&timeout)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(format!("cannot wait for the server: {error}").into()),
        }
        let ready: Vec<_> = sockets
            .iter()
            .map(|socket| !socket.revents().is_empty())
            .collect();
        let connections = self.connections.iter_mut().enumerate().zip(ready);
        for ((index, connection), _) in connections.filter(|(_, ready)| *ready) {
            let arrived = connection.receive(nanos(self.began.elapsed()))?;
            let now = nanos(self.began.elapsed());
            for arrived in arrived {
                let tally = &mut self.tallies[arrived.plan];
                tally.messages += arrived.messages;
                tally.failed += u64::from(arrived.failed);
                if arrived.ended && matches!(tally.load, Load::InFlight(_)) {
                    tally.in_flight[index] -= 1;
                }
                if let Some(started) = arrived.started {
                    let latency = now.saturating_sub(started).max(1);
                    tally.latencies.saturating_record(latency);
                }
            }
        }
        Ok(())
    }
}

impl Tally {
    /// Starts what is to start by `now`; when the next one is to.
    fn start(&mut self, plan: usize, connections: &mut [Connection], now: u64) -> u64 {
        let own = self.connections.clone();
        match self.load {
            Load::InFlight(count) => {
                for (share, index) in own.clone().enumerate() {
                    let share = (count + own.len() - 1 - share) / own.len();
                    let connection = &mut connections[index];
                    while self.in_flight[index] < share && connection.has_room() {
                        connection.start(plan, now);
                        self.in_flight[index] += 1;
                    }
                }
                u64::MAX
            }
            Load::PerSecond(rate) => loop {
                let due = due(self.started, rate);
                if due > now {
                    return due;
                }
                let turns = (0..own.len()).map(|turn| own.start + (self.turn + turn) % own.len());
                let room = turns
                    .into_iter()
                    .find(|index| connections[*index].has_room());
                let Some(index) = room else {
                    return u64::MAX;
                };
                connections[index].start(plan, due);
                self.turn = index - own.start + 1;
                self.started += 1;
            },
        }
    }
}

/// When a call is to start, of a load of `rate` a second.
fn due(call: u64, rate: f64) -> u64 {
    (call as f64 / rate * 1e9) as u64
}

fn watched(connection: &Connection) -> PollFd<'_> {
    let blocked = match connection.is_blocked() {
        true => PollFlags::OUT,
        false => PollFlags::empty(),
    };
    PollFd::new(connection.socket(), PollFlags::IN | blocked)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
