//! What the rounds of every row say.

use super::{Payload, Side, Stack, load::Sample};
use crate::{
    stats::median,
    table::{self, figure},
};
use clap::ValueEnum;
use serde::Serialize;

/// All that was measured, and under what conditions.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) rounds: usize,
    pub(super) seconds_per_round: f64,
    pub(super) workers: usize,
    pub(super) pinned: bool,
    pub(super) rows: Vec<Row>,
}

/// One workload, and every sample of both stacks.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) side: Side,
    pub(super) payload: Payload,
    pub(super) in_flight: usize,
    pub(super) connections: usize,
    /// Ours over tonic's; above 1 is better.
    throughput_ratio: Option<f64>,
    /// Ours over tonic's; below 1 is better.
    cpu_ratio: Option<f64>,
    /// Ours over tonic's; below 1 is better.
    p99_ratio: Option<f64>,
    cordial: Vec<Sample>,
    tonic: Vec<Sample>,
}

impl Row {
    pub(super) fn new(side: Side, payload: Payload, in_flight: usize, connections: usize) -> Self {
        Self {
            side,
            payload,
            in_flight,
            connections,
            throughput_ratio: None,
            cpu_ratio: None,
            p99_ratio: None,
            cordial: Vec::new(),
            tonic: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, stack: Stack, sample: Sample) {
        match stack {
            Stack::Cordial => self.cordial.push(sample),
            Stack::Tonic => self.tonic.push(sample),
            Stack::Lean => {}
        }
        self.throughput_ratio = ratio(throughput(&self.cordial), throughput(&self.tonic));
        self.cpu_ratio = ratio(cpu(&self.cordial), cpu(&self.tonic));
        self.p99_ratio = ratio(p99(&self.cordial), p99(&self.tonic));
    }

    /// One line, for who waits for the table.
    pub(super) fn progress(&self) -> String {
        let (throughput, cpu) = (self.throughput_ratio, self.cpu_ratio);
        let (throughput, cpu) = (figure(throughput, 2), figure(cpu, 2));
        format!("{}: throughput {throughput}, CPU {cpu}", self.name())
    }

    fn name(&self) -> String {
        let name = |value: Option<clap::builder::PossibleValue>| {
            value.map_or_else(String::new, |value| value.get_name().to_owned())
        };
        format!(
            "{} {} c{} n{}",
            name(self.side.to_possible_value()),
            name(self.payload.to_possible_value()),
            self.in_flight,
            self.connections
        )
    }

    fn cells(&self) -> [String; 11] {
        [
            self.name(),
            figure(self.throughput_ratio, 2),
            figure(self.cpu_ratio, 2),
            figure(self.p99_ratio, 2),
            spread(&self.cordial, &self.tonic),
            figure(throughput(&self.cordial), 0),
            figure(throughput(&self.tonic), 0),
            figure(cpu(&self.cordial), 1),
            figure(cpu(&self.tonic), 1),
            figure(p99(&self.cordial), 0),
            figure(p99(&self.tonic), 0),
        ]
    }
}

impl Report {
    pub(super) fn print(&self) {
        println!(
            "\nCordial over tonic, ratios of medians (throughput: more is better; CPU: less)\n"
        );
        let head = [
            "row",
            "throughput x",
            "CPU x",
            "p99 x",
            "worst..best round x",
            "ours calls/s",
            "tonic calls/s",
            "ours us/call",
            "tonic us/call",
            "ours p99 us",
            "tonic p99 us",
        ];
        let rows: Vec<_> = self.rows.iter().map(Row::cells).collect();
        table::print(head, &rows);
    }
}

fn throughput(samples: &[Sample]) -> Option<f64> {
    median(samples.iter().map(|sample| sample.calls_per_second))
}

fn cpu(samples: &[Sample]) -> Option<f64> {
    median(
        samples
            .iter()
            .filter_map(|sample| sample.cpu_micros_per_call),
    )
}

fn p99(samples: &[Sample]) -> Option<f64> {
    median(samples.iter().filter_map(|sample| sample.p99_micros))
}

fn ratio(ours: Option<f64>, theirs: Option<f64>) -> Option<f64> {
    Some(ours? / theirs?)
}

/// The throughput ratios of single rounds, from worst to best.
fn spread(ours: &[Sample], theirs: &[Sample]) -> String {
    let rounds = ours.iter().zip(theirs);
    let rounds = rounds.map(|(ours, theirs)| ours.calls_per_second / theirs.calls_per_second);
    let (worst, best) = rounds.fold((f64::INFINITY, 0f64), |(worst, best), round| {
        (worst.min(round), best.max(round))
    });
    format!("{worst:.2}..{best:.2}")
}
