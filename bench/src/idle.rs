//! Memory and CPU of a server whose connections do nothing.

use crate::{
    Result,
    echo::Method,
    generator::{Generator, Load, Source},
    measure::{Options as Measuring, Payload, Workload, trial::Running},
    stacks::Stack,
    stats::median,
    table::{self, figure},
};
use bench_host::End;
use serde::Serialize;
use std::{
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, Command, Stdio},
    time::Duration,
};

/// Files that a process has open besides its connections.
const OTHER_FILES: u64 = 200;
const QUIET: Duration = Duration::from_secs(1);
/// What a server may still do about a connection that was just opened.
const SETTLING: Duration = Duration::from_millis(300);

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Connections to hold, as far as the limit of open files allows
    #[arg(long, default_value_t = 10_000)]
    connections: u64,
    #[command(flatten)]
    measuring: Measuring,
}

/// What one round found.
#[derive(Clone, Copy, Debug, Serialize)]
struct Sample {
    /// Bytes of the server for each connection that was only greeted,
    greeted_bytes: f64,
    /// and for each on which a call was made.
    called_bytes: f64,
    /// CPU time of the server in a second in which nothing happens.
    idle_cpu_micros: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Measured {
    stack: Stack,
    samples: Vec<Sample>,
}

#[derive(Debug, Serialize)]
struct Report {
    connections: u64,
    results: Vec<Measured>,
}

/// Prints a table and writes the JSON.
pub(crate) fn run(options: &Options) -> Result {
    let room = bench_host::raise_file_limit()?.saturating_sub(OTHER_FILES);
    let connections = options.connections.min(room);
    if connections < options.connections {
        println!("only {connections} connections: more files must not be open (`ulimit -Hn`)");
    }
    let peers = &options.measuring.peers;
    Stack::prepare(peers)?;
    let results = peers.iter().map(|&stack| Measured {
        stack,
        samples: Vec::new(),
    });
    let mut results: Vec<_> = results.collect();
    for round in 0..options.measuring.rounds {
        let count = results.len();
        for turn in 0..count {
            let result = &mut results[(round + turn) % count];
            let workers = options.measuring.workers()?;
            let sample = measure(result.stack, workers, connections)?;
            result.samples.push(sample);
        }
    }
    let report = Report {
        connections,
        results,
    };
    report.print();
    table::write_json(options.measuring.json.as_deref(), &report)
}

fn measure(stack: Stack, workers: usize, connections: u64) -> Result<Sample> {
    let server = Running::start(stack.server(workers)?)?;
    let memory = || {
        std::thread::sleep(SETTLING);
        let bytes = bench_host::resident_bytes(server.pid());
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(
            bytes.ok_or("this system does not say what memory a process holds")? as f64,
        )
    };
    let before = memory()?;
    let mut hold = Command::new(std::env::current_exe()?);
    hold.args(["hold", "--address", &server.address]);
    hold.args(["--connections", &connections.to_string()]);
    let mut holder = hold.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(holder.stdout.take().ok_or("no standard output")?).lines();
    let mut told = holder.stdin.take();
    let mut step = |told: &mut Option<ChildStdin>| -> Result {
        if let Some(told) = told {
            writeln!(told)?;
        }
        said.next().ok_or("the client failed")??;
        Ok(())
    };
    step(&mut told)?;
    let greeted = memory()?;
    step(&mut told)?;
    let called = memory()?;
    let cpu = bench_host::cpu_time(server.pid());
    std::thread::sleep(QUIET);
    let cpu = bench_host::cpu_time(server.pid()).zip(cpu);
    drop(told);
    holder.wait()?;
    Ok(Sample {
        greeted_bytes: (greeted - before) / connections as f64,
        called_bytes: (called - before) / connections as f64,
        idle_cpu_micros: cpu.map(|(after, before)| (after - before).as_secs_f64() * 1e6),
    })
}

impl Report {
    fn print(&self) {
        let of = |result: &Measured, value: fn(&Sample) -> Option<f64>| {
            median(result.samples.iter().filter_map(value))
        };
        let tonic = self
            .results
            .iter()
            .find(|result| result.stack == Stack::Tonic);
        let rows = self.results.iter().map(|result| {
            let greeted = of(result, |sample| Some(sample.greeted_bytes));
            let called = of(result, |sample| Some(sample.called_bytes));
            let theirs = tonic.and_then(|tonic| of(tonic, |sample| Some(sample.called_bytes)));
            let ratio = called.zip(theirs).map(|(ours, theirs)| ours / theirs);
            let mib = |bytes: Option<f64>| bytes.map(|bytes| bytes * 1e4 / f64::from(1 << 20));
            [
                result.stack.name(),
                figure(ratio, 2),
                figure(mib(greeted), 0),
                figure(mib(called), 0),
                figure(greeted, 0),
                figure(called, 0),
                figure(of(result, |sample| sample.idle_cpu_micros), 0),
            ]
        });
        println!(
            "\n{} idle connections; memory x is of those called\n",
            self.connections
        );
        let head = [
            "stack",
            "memory x",
            "MiB of 10,000 greeted",
            "MiB of 10,000 called",
            "bytes greeted",
            "bytes called",
            "CPU us a second",
        ];
        table::print(head, &rows.collect::<Vec<_>>());
    }
}

/// What the client's process is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Hold {
    #[arg(long)]
    address: String,
    #[arg(long)]
    connections: usize,
}

/// Holds connections. Each line it reads is a step: connect, call; each line
/// it prints says that the step is done.
pub(crate) fn hold(options: &Hold) -> Result {
    bench_host::raise_file_limit()?;
    bench_host::pin(End::Client);
    let load = Load::InFlight(options.connections);
    let sources = Workload::of(Method::Echo, Payload::Small, load).sources()?;
    let sources: Vec<_> = sources
        .into_iter()
        .map(|source| Source {
            connections: 0..options.connections,
            ..source
        })
        .collect();
    let mut steps = std::io::stdin().lines();
    steps.next().ok_or("nobody said when")??;
    let mut generator = Generator::new(&options.address, &sources)?;
    println!();
    steps.next().ok_or("nobody said when")??;
    generator.call_once()?;
    println!();
    steps.next().transpose()?;
    Ok(())
}
