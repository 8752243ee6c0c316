//! What the rounds of every row say.

use super::{Workload, load::Sample};
use crate::{
    stacks::Stack,
    stats::median,
    table::{self, figure},
};
use serde::Serialize;

/// All that was measured, and under what conditions.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(super) rounds: usize,
    pub(super) seconds_per_round: f64,
    pub(super) workers: usize,
    pub(super) pinned: bool,
    pub(crate) rows: Vec<Row>,
}

/// One workload, and what everybody made of it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(super) name: String,
    #[serde(flatten)]
    pub(crate) workload: Workload,
    pub(crate) results: Vec<Measured>,
}

/// One stack's samples, a round each, in the order of the rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) stack: Stack,
    /// What is compared with tonic's: `None` of tonic itself, and without it.
    pub(crate) ratios: Option<Ratios>,
    pub(super) samples: Vec<Sample>,
}

/// Medians over tonic's medians, in the same run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Ratios {
    /// Above 1 is better.
    pub(crate) throughput: Option<f64>,
    /// Below 1 is better, as of all that follow.
    pub(crate) cpu: Option<f64>,
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
}

const HEAD: [&str; 15] = [
    "row",
    "stack",
    "throughput x",
    "worst..best",
    "CPU x",
    "p50 x",
    "p99 x",
    "a second",
    "failed",
    "CPU us",
    "p50 us",
    "p99 us",
    "allocs",
    "bytes",
    "client %",
];

impl Row {
    pub(super) fn new(workload: Workload, stacks: impl Iterator<Item = Stack>) -> Self {
        let results = stacks.map(|stack| Measured {
            stack,
            ratios: None,
            samples: Vec::new(),
        });
        Self {
            name: workload.name(),
            workload,
            results: results.collect(),
        }
    }

    pub(crate) fn of(&self, stack: Stack) -> Option<&Measured> {
        self.results.iter().find(|result| result.stack == stack)
    }

    /// Compares everybody with tonic.
    pub(super) fn compare(&mut self) {
        let Some(tonic) = self.of(Stack::Tonic) else {
            return;
        };
        let [throughput, cpu, p50, p99] = tonic.medians();
        for result in &mut self.results {
            let ours = result.medians();
            let over = |ours: Option<f64>, theirs: Option<f64>| Some(ours? / theirs?);
            result.ratios = (result.stack != Stack::Tonic).then_some(Ratios {
                throughput: over(ours[0], throughput),
                cpu: over(ours[1], cpu),
                p50: over(ours[2], p50),
                p99: over(ours[3], p99),
            });
        }
    }

    /// The throughput ratios of single rounds, from worst to best.
    fn spread(&self, result: &Measured) -> String {
        let tonic = self
            .of(Stack::Tonic)
            .filter(|_| result.stack != Stack::Tonic);
        let Some(tonic) = tonic else {
            return "-".to_owned();
        };
        let rounds = result.samples.iter().zip(&tonic.samples);
        let rounds = rounds.map(|(ours, theirs)| ours.per_second / theirs.per_second);
        let (worst, best) = rounds.fold((f64::INFINITY, 0f64), |(worst, best), round| {
            (worst.min(round), best.max(round))
        });
        format!("{worst:.2}..{best:.2}")
    }

    fn cells(&self) -> impl Iterator<Item = [String; 15]> {
        self.results.iter().enumerate().map(|(index, result)| {
            let ratios = result.ratios.unwrap_or_default();
            let name = if index == 0 { self.name.as_str() } else { "" };
            [
                name.to_owned(),
                result.stack.name(),
                figure(ratios.throughput, 2),
                self.spread(result),
                figure(ratios.cpu, 2),
                figure(ratios.p50, 2),
                figure(ratios.p99, 2),
                figure(result.median(|sample| Some(sample.per_second)), 0),
                figure(result.median(|sample| Some(sample.failed_per_second)), 0),
                figure(result.median(|sample| sample.cpu_micros), 2),
                figure(result.median(|sample| sample.p50_micros), 0),
                figure(result.median(|sample| sample.p99_micros), 0),
                figure(result.median(|sample| sample.allocations), 1),
                figure(result.median(|sample| sample.allocated_bytes), 0),
                figure(
                    result.median(|sample| Some(100.0 * sample.generator_busy?)),
                    0,
                ),
            ]
        })
    }

    /// One line, for who waits for the table.
    pub(super) fn progress(&self) -> String {
        let others = self.results.iter().filter_map(|result| {
            let ratios = result.ratios?;
            let [throughput, cpu] = [ratios.throughput, ratios.cpu].map(|ratio| figure(ratio, 2));
            Some(format!("{} {throughput} / {cpu}", result.stack.name()))
        });
        format!("{}: {}", self.name, others.collect::<Vec<_>>().join(", "))
    }
}

impl Measured {
    pub(crate) fn median(&self, of: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.samples.iter().filter_map(of))
    }

    fn medians(&self) -> [Option<f64>; 4] {
        [
            self.median(|sample| Some(sample.per_second)),
            self.median(|sample| sample.cpu_micros),
            self.median(|sample| sample.p50_micros),
            self.median(|sample| sample.p99_micros),
        ]
    }
}

impl Report {
    pub(super) fn print(&self) {
        println!(
            "\nx: over stock tonic, ratios of medians (throughput: more is better; all else: less)\n"
        );
        let rows: Vec<_> = self.rows.iter().flat_map(Row::cells).collect();
        table::print(HEAD, &rows);
    }
}
