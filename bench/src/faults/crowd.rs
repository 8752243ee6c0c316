//! The client's process of `crowd`, and who talks to it.

use super::{
    client::{Ask, Client, Method},
    pb::Order,
};
use crate::Result;
use bench_host::Threads;
use rustix::time::{ClockId, clock_gettime};
use std::{
    io::{BufRead, BufReader, Write, stdin},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const TIMEOUT: Duration = Duration::from_secs(10);
const CALLERS: usize = 4;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[arg(long)]
    registry: String,
}

/// What the process did in one span.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
    pub(super) calls: u64,
    pub(super) failed: u64,
}

/// Does as each line says, for so many milliseconds: `rest 500` or `call 500`.
pub(super) fn run(options: &Options) -> Result {
    bench_host::raise_file_limit()?;
    let workers = std::thread::available_parallelism()?.get();
    let runtime = Threads::Workers(workers).runtime()?;
    let client = {
        let _entered = runtime.enter();
        Client::find(&options.registry)?
    };
    let mut first = ask();
    first.waits = true;
    runtime.block_on(client.call(&first))?;
    println!("ready");
    for line in stdin().lines() {
        let line = line?;
        let (what, millis) = line.split_once(' ').ok_or("no span")?;
        let span = Duration::from_millis(millis.parse()?);
        let (began, before) = (Instant::now(), cpu());
        let (calls, failed) = runtime.block_on(async {
            match what {
                "call" => call(&client, span).await,
                _ => {
                    tokio::time::sleep(span).await;
                    (0, 0)
                }
            }
        });
        let (cpu, wall) = (cpu().saturating_sub(before), began.elapsed());
        println!("{} {} {calls} {failed}", cpu.as_nanos(), wall.as_nanos());
    }
    Ok(())
}

/// Of all threads this process ever had.
fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime)
        .try_into()
        .unwrap_or_default()
}

fn ask() -> Ask {
    Ask::new(Method::Put, Order::default(), TIMEOUT)
}

/// One call after another, by a few callers.
async fn call(client: &Client, span: Duration) -> (u64, u64) {
    let until = Instant::now() + span;
    let callers = (0..CALLERS).map(|_| {
        let client = client.clone();
        async move {
            let (mut calls, mut failed) = (0, 0);
            while Instant::now() < until {
                failed += u64::from(client.call(&ask()).await.is_err());
                calls += 1;
            }
            (calls, failed)
        }
    });
    let callers: JoinSet<(u64, u64)> = callers.collect();
    let ended = callers.join_all().await.into_iter();
    ended.fold((0, 0), |sum, of_one| (sum.0 + of_one.0, sum.1 + of_one.1))
}

/// That process, as its parent sees it; killed when dropped.
#[derive(Debug)]
pub(super) struct Caller {
    child: Child,
    orders: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Caller {
    /// One that has made its first call.
    pub(super) fn start(registry: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["faults", "crowd", "--registry", registry]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().ok_or("no standard input")?;
        let replies = child.stdout.take().ok_or("no standard output")?;
        let mut caller = Self {
            child,
            orders,
            replies: BufReader::new(replies),
        };
        match caller.reply()?.as_str() {
            "ready" => Ok(caller),
            other => Err(format!("the client said `{other}`").into()),
        }
    }

    /// What it spends while it makes no call.
    pub(super) fn rest(&mut self, span: Duration) -> Result<Spent> {
        self.ask("rest", span)
    }

    /// What it spends on calls.
    pub(super) fn call(&mut self, span: Duration) -> Result<Spent> {
        self.ask("call", span)
    }

    fn ask(&mut self, what: &str, span: Duration) -> Result<Spent> {
        writeln!(self.orders, "{what} {}", span.as_millis())?;
        let reply = self.reply()?;
        let numbers = reply.split(' ').map(str::parse);
        let numbers = numbers.collect::<std::result::Result<Vec<u64>, _>>()?;
        let [cpu, wall, calls, failed] = numbers[..] else {
            return Err(format!("the client said `{reply}`").into());
        };
        Ok(Spent {
            cpu: Duration::from_nanos(cpu),
            wall: Duration::from_nanos(wall),
            calls,
            failed,
        })
    }

    fn reply(&mut self) -> Result<String> {
        let mut line = String::new();
        self.replies.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("bench: cannot end the client: {error}");
        }
    }
}
