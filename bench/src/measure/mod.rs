//! Measures servers and clients side by side.

pub(crate) mod load;
pub(crate) mod report;
pub(crate) mod trial;
mod workload;

pub(crate) use workload::{Beside, Payload, Side, Workload};

use crate::{Result, stacks::Stack};
use report::{Report, Row};
use std::path::PathBuf;

/// How long to measure, and whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds of each measurement, after a warm-up
    #[arg(long, default_value_t = 0.5)]
    pub(crate) seconds_per_round: f64,
    /// Measurements of each stack, interleaved
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Whom to measure
    #[arg(long, value_delimiter = ',', default_value = "tonic,cordial")]
    pub(crate) peers: Vec<Stack>,
    /// Threads of the runtimes measured [default: one for each core that they may use]
    #[arg(long)]
    workers: Option<usize>,
    /// Write every measurement here too
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
}

impl Options {
    /// How many threads a runtime has that nobody told.
    pub(crate) fn workers(&self) -> Result<usize> {
        Ok(match self.workers {
            Some(workers) => workers.max(1),
            // tokio's own default: a process that is pinned to a core counts one.
            None if bench_host::can_pin() => 1,
            None => std::thread::available_parallelism()?.get(),
        })
    }

    /// Measures every row, prints a table of ratios and writes the JSON.
    pub(crate) fn measure(&self, workloads: &[Workload]) -> Result<Report> {
        if self.rounds == 0 || self.seconds_per_round <= 0.0 {
            return Err("rounds and seconds must be more than nothing".into());
        }
        Stack::prepare(&self.peers)?;
        let (workers, pinned) = (self.workers()?, bench_host::can_pin());
        println!(
            "{} rounds of {} s; runtimes of {workers} threads; {}\n\
             each row: throughput x / CPU x",
            self.rounds,
            self.seconds_per_round,
            match pinned {
                true => "server and client each on a core of its own",
                false => "one core only: server and client share it",
            }
        );
        let mut rows = Vec::new();
        for workload in workloads {
            let stacks = self.peers.iter().copied();
            let mut row = Row::new(*workload, stacks.filter(|stack| workload.suits(*stack)));
            self.fill(&mut row, workers)?;
            println!("  {}", row.progress());
            rows.push(row);
        }
        let report = Report {
            rounds: self.rounds,
            seconds_per_round: self.seconds_per_round,
            workers,
            pinned,
            rows,
        };
        report.print();
        crate::table::write_json(self.json.as_deref(), &report)?;
        Ok(report)
    }

    /// Every round of one row. Who goes first changes from round to round: what
    /// a round leaves behind, warm or throttled, is then as often the one's as
    /// the other's.
    fn fill(&self, row: &mut Row, workers: usize) -> Result {
        for round in 0..self.rounds {
            let count = row.results.len();
            for turn in 0..count {
                let result = &mut row.results[(round + turn) % count];
                let seconds = self.seconds_per_round;
                let sample = trial::measure(row.workload, result.stack, workers, seconds)?;
                result.samples.push(sample);
            }
        }
        row.compare();
        Ok(())
    }
}
