//! What the rounds say.

use super::{
    project::{Kind, Sample},
    protos::Shape,
};
use crate::{
    stats::median,
    table::{self, figure},
};
use serde::Serialize;

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    shape: Shape,
    rounds: usize,
    rows: Vec<Row>,
}

/// One generator, and every sample of it.
#[derive(Debug, Serialize)]
struct Row {
    kind: Kind,
    /// Over tonic's, generation and check together; below 1 is better.
    time_ratio: Option<f64>,
    samples: Vec<Sample>,
}

impl Report {
    pub(super) fn new(shape: Shape, rounds: usize) -> Self {
        let row = |kind| Row {
            kind,
            time_ratio: None,
            samples: Vec::new(),
        };
        Self {
            shape,
            rounds,
            rows: Kind::ALL.map(row).into(),
        }
    }

    pub(super) fn add(&mut self, kind: Kind, sample: Sample) {
        for row in &mut self.rows {
            if row.kind == kind {
                row.samples.push(sample);
            }
        }
        let tonic = self.rows.iter().find(|row| row.kind == Kind::Tonic);
        let tonic = tonic.and_then(|row| row.median(whole));
        for row in &mut self.rows {
            row.time_ratio = row.median(whole).zip(tonic).map(|(row, tonic)| row / tonic);
        }
    }

    pub(super) fn print(&self) {
        println!(
            "\nMedians in seconds; the ratio is of all of it to stock tonic's (less is better)\n"
        );
        let head = ["generator", "generation", "check", "together", "time x"];
        let rows: Vec<_> = self.rows.iter().map(Row::cells).collect();
        table::print(head, &rows);
    }
}

impl Row {
    fn median(&self, of: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(self.samples.iter().map(of))
    }

    fn cells(&self) -> [String; 5] {
        let name = match self.kind {
            Kind::Messages => "messages alone",
            kind => kind.name(),
        };
        [
            name.to_owned(),
            figure(self.median(|sample| sample.generation_seconds), 2),
            figure(self.median(|sample| sample.check_seconds), 2),
            figure(self.median(whole), 2),
            figure(self.time_ratio, 2),
        ]
    }
}

fn whole(sample: &Sample) -> f64 {
    sample.generation_seconds + sample.check_seconds
}
