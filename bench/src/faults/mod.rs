//! What callers notice of servers that die, hang, restart and drown: our channel
//! and servers, and stock tonic's beside them.

mod book;
mod client;
mod cluster;
mod crowd;
mod discovery;
mod load;
mod ours;
mod process;
mod report;
mod rows;
mod serve;
mod theirs;

/// Messages of both stacks, and our stub; the server's trait and client are ours alone.
#[allow(dead_code, reason = "generated")]
pub(crate) mod pb {
    cordial::include_protos!("orders.v1");
}

use crate::{Result, table};
use bench_host::Threads;
use clap::ValueEnum;
use discovery::Discovery;
use report::{Report, RowReport};
use rows::Row;
use serde::Serialize;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Whose servers and whose channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stack {
    /// Ours.
    Cordial,
    /// Stock tonic's, with `Channel::balance_list`.
    Tonic,
}

impl Stack {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Which .proto a server of ours was generated from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    /// The one before `Look` was added.
    Old,
    New,
}

/// What to do to whom.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    part: Option<Part>,
    /// Which rows, all of them by default
    #[arg(long, value_delimiter = ',')]
    only: Vec<Row>,
    /// Whom to measure
    #[arg(long, value_delimiter = ',', default_value = "cordial,tonic")]
    stacks: Vec<Stack>,
    /// Shorter outages, fewer calls
    #[arg(long)]
    quick: bool,
    /// Fail if ours misses a target
    #[arg(long)]
    check: bool,
    /// Write every figure, and the calls that failed, here too
    #[arg(long)]
    json: Option<PathBuf>,
    #[command(flatten)]
    discovery: discovery::Options,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// One server's process.
    #[command(hide = true)]
    Serve(serve::Options),
    /// The client's process of `crowd`.
    #[command(hide = true)]
    Crowd(crowd::Options),
}

/// Plays every row against every stack, prints the table and writes the JSON.
pub(crate) fn run(options: &Options) -> Result {
    match &options.part {
        Some(Part::Serve(options)) => return serve::run(options),
        Some(Part::Crowd(options)) => return crowd::run(options),
        None => {}
    }
    let rows = match options.only.is_empty() {
        true => Row::value_variants(),
        false => &options.only,
    };
    let discovery = Arc::new(Discovery::new(&options.discovery)?);
    if rows.contains(&Row::Wiped) {
        discovery.can_go_away()?;
    }
    let mut report = Report::new(options.quick, &options.stacks, discovery.url());
    for (nth, &row) in rows.iter().enumerate() {
        let mut of_row = RowReport::of(row);
        let count = options.stacks.len();
        for turn in 0..count {
            // Who goes first changes: what a trial leaves behind is nobody's alone.
            let stack = options.stacks[(nth + turn) % count];
            if stack == Stack::Tonic && row.is_of_discovery() {
                continue;
            }
            let runtime =
                Threads::Workers(std::thread::available_parallelism()?.get()).runtime()?;
            let trial = rows::Trial::new(row, stack, options.quick, discovery.clone());
            of_row.add(stack, runtime.block_on(row.run(&trial))?);
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
        report.rows.push(of_row);
    }
    report.print();
    table::write_json(options.json.as_deref(), &report)?;
    match options.check {
        true => report.check(),
        false => Ok(()),
    }
}
