//! Unary calls: our server and our client against stock tonic's.

mod caller;
mod lean;
pub(crate) mod load;
mod message;
mod ours;
mod pair;
mod process;
mod report;
pub(crate) mod serve;
mod theirs;

use crate::Result;
use clap::ValueEnum;
use report::{Report, Row};
use serde::Serialize;
use std::path::PathBuf;

/// What to measure, and how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds of each measurement, after a warm-up
    #[arg(long, default_value_t = 1.0)]
    seconds_per_round: f64,
    /// Measurements of each stack, interleaved
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Sizes of the payload, which comes back as it went
    #[arg(long, value_delimiter = ',', default_value = "small,1k,64k")]
    only: Vec<Payload>,
    /// Calls in flight on one connection
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    in_flight: Vec<usize>,
    /// Connections they are spread over, where the server is measured
    #[arg(long, value_delimiter = ',', default_value = "1")]
    connections: Vec<usize>,
    /// Whose performance to measure; the other end is bare h2, the same for both
    #[arg(long, default_value = "both")]
    side: Sides,
    /// Threads of the runtimes measured [default: one for each core that they may use]
    #[arg(long)]
    workers: Option<usize>,
    /// Write every measurement here too
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sides {
    Server,
    Client,
    Both,
}

impl Sides {
    fn each(self) -> &'static [Side] {
        match self {
            Self::Server => &[Side::Server],
            Self::Client => &[Side::Client],
            Self::Both => &[Side::Server, Side::Client],
        }
    }
}

/// Which end is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    /// The server; its client is bare h2.
    Server,
    /// The client; its server is bare h2.
    Client,
}

/// Which code an end runs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Stack {
    /// Ours.
    Cordial,
    /// The peer's.
    Tonic,
    /// Bare h2.
    Lean,
}

#[derive(Clone, Copy, Debug, ValueEnum, Serialize)]
enum Payload {
    /// 16 bytes
    #[serde(rename = "small")]
    Small,
    /// 1 KiB
    #[value(name = "1k")]
    #[serde(rename = "1k")]
    Kibi,
    /// 64 KiB
    #[value(name = "64k")]
    #[serde(rename = "64k")]
    Kibi64,
}

impl Payload {
    const fn bytes(self) -> usize {
        match self {
            Self::Small => 16,
            Self::Kibi => 1 << 10,
            Self::Kibi64 => 64 << 10,
        }
    }
}

/// Measures every row, prints a table of ratios and writes the JSON.
pub(crate) fn run(options: &Options) -> Result {
    if options.rounds == 0 || options.seconds_per_round <= 0.0 || options.in_flight.contains(&0) {
        return Err("rounds, seconds and calls in flight are at least one".into());
    }
    let pinned = process::can_pin();
    let workers = match options.workers {
        Some(workers) => workers.max(1),
        // tokio's own default: a process that is pinned to a core counts one.
        None if pinned => 1,
        None => std::thread::available_parallelism()?.get(),
    };
    println!(
        "{} rounds of {} s; runtimes of {workers} threads; {}",
        options.rounds,
        options.seconds_per_round,
        match pinned {
            true => "server and client each on a core of its own",
            false => "one core only: server and client share it",
        }
    );
    let mut rows = Vec::new();
    for &side in options.side.each() {
        for &payload in &options.only {
            for &in_flight in &options.in_flight {
                for &connections in &options.connections {
                    if connections > 1 && (side == Side::Client || in_flight < connections) {
                        continue;
                    }
                    let mut row = Row::new(side, payload, in_flight, connections);
                    measure(&mut row, options, workers)?;
                    println!("  {}", row.progress());
                    rows.push(row);
                }
            }
        }
    }
    let report = Report {
        rounds: options.rounds,
        seconds_per_round: options.seconds_per_round,
        workers,
        pinned,
        rows,
    };
    report.print();
    crate::table::write_json(options.json.as_deref(), &report)
}

/// Every round of one row. Who goes first alternates: what a round leaves
/// behind, warm or throttled, is then as often the one's as the other's.
fn measure(row: &mut Row, options: &Options, workers: usize) -> Result {
    for round in 0..options.rounds {
        let mut order = [Stack::Cordial, Stack::Tonic];
        if round % 2 == 1 {
            order.reverse();
        }
        for stack in order {
            let pair = pair::Pair {
                side: row.side,
                stack,
                workers,
                payload_bytes: row.payload.bytes(),
                in_flight: row.in_flight,
                connections: row.connections,
                seconds: options.seconds_per_round,
            };
            row.add(stack, pair.measure()?);
        }
    }
    Ok(())
}
