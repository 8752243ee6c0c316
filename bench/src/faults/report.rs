//! What was found, in a table, in a file, and against the targets.

use super::{Stack, load::Failed, rows::Row};
use crate::{
    Result,
    table::{self, figure},
};
use serde::Serialize;

/// Of the calls that failed, so many are written down.
const FAILED_MAX: usize = 1_000;

/// What a figure must be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

/// One thing that was found. `None` is what never happened.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    what: &'static str,
    unit: &'static str,
    value: Option<f64>,
    target: Option<Target>,
}

impl Figure {
    pub(super) fn new(
        what: &'static str,
        unit: &'static str,
        value: impl Into<Option<f64>>,
    ) -> Self {
        Self {
            what,
            unit,
            value: value.into(),
            target: None,
        }
    }

    pub(super) fn count(what: &'static str, unit: &'static str, count: usize) -> Self {
        Self::new(what, unit, count as f64)
    }

    pub(super) fn at_most(mut self, most: f64) -> Self {
        self.target = Some(Target::AtMost(most));
        self
    }

    pub(super) fn at_least(mut self, least: f64) -> Self {
        self.target = Some(Target::AtLeast(least));
        self
    }

    fn is_reached(&self) -> bool {
        match (self.target, self.value) {
            (Some(Target::AtMost(most)), Some(value)) => value <= most,
            (Some(Target::AtLeast(least)), Some(value)) => value >= least,
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    fn shown(&self) -> String {
        let places = match self.unit {
            "x" => 3,
            "ms" | "s" | "%" => 1,
            _ => 0,
        };
        let missed = if self.is_reached() { "" } else { " !" };
        format!("{}{missed}", figure(self.value, places))
    }
}

impl Target {
    fn shown(self) -> String {
        match self {
            Self::AtMost(most) => format!("<= {most}"),
            Self::AtLeast(least) => format!(">= {least}"),
        }
    }
}

/// What one trial found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Found {
    pub(super) figures: Vec<Figure>,
    pub(super) failed: Vec<Failed>,
}

#[derive(Debug, Serialize)]
pub(super) struct RowReport {
    row: Row,
    results: Vec<(Stack, Found)>,
}

impl RowReport {
    pub(super) fn of(row: Row) -> Self {
        Self {
            row,
            results: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, stack: Stack, mut found: Found) {
        found.failed.truncate(FAILED_MAX);
        self.results.push((stack, found));
    }

    fn figures(&self, stack: Stack) -> &[Figure] {
        let found = self.results.iter().find(|(of, _)| *of == stack);
        found.map_or(&[], |(_, found)| &found.figures)
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    quick: bool,
    stacks: Vec<Stack>,
    registry: String,
    pub(super) rows: Vec<RowReport>,
}

impl Report {
    pub(super) fn new(quick: bool, stacks: &[Stack], registry: &str) -> Self {
        Self {
            quick,
            stacks: stacks.to_vec(),
            registry: registry.to_owned(),
            rows: Vec::new(),
        }
    }

    /// A line for every figure. `!` stands behind those that miss their target.
    pub(super) fn print(&self) {
        let mut lines = Vec::new();
        for row in &self.rows {
            println!("{}: {}", row.row.name(), row.row.plays());
            let any = row
                .results
                .first()
                .map_or(&[][..], |(_, found)| &found.figures);
            for (nth, figure) in any.iter().enumerate() {
                let of = |stack| {
                    let figure = row.figures(stack).get(nth);
                    figure.map_or("-".into(), Figure::shown)
                };
                lines.push([
                    format!("{}: {}", row.row.name(), figure.what),
                    figure.unit.to_owned(),
                    figure.target.map_or(String::new(), Target::shown),
                    of(Stack::Cordial),
                    of(Stack::Tonic),
                ]);
            }
        }
        println!();
        table::print(["what", "unit", "target", "cordial", "tonic"], &lines);
    }

    /// Fails if ours misses a target.
    pub(super) fn check(&self) -> Result {
        let mut missed = Vec::new();
        for row in &self.rows {
            let figures = row.figures(Stack::Cordial).iter();
            for figure in figures.filter(|figure| !figure.is_reached()) {
                missed.push(format!("{}: {}", row.row.name(), figure.what));
            }
        }
        match missed.as_slice() {
            [] => Ok(()),
            missed => {
                Err(format!("{} targets are missed: {}", missed.len(), missed.join("; ")).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Found, Report, Row, RowReport, Stack};

    fn report(ours: Figure, theirs: Figure) -> Report {
        let mut report = Report::new(true, &[Stack::Cordial, Stack::Tonic], "files:///none");
        let mut row = RowReport::of(Row::Dead);
        for (stack, figure) in [(Stack::Cordial, ours), (Stack::Tonic, theirs)] {
            let figures = vec![Figure::new("no target", "calls", None), figure];
            row.add(
                stack,
                Found {
                    figures,
                    failed: Vec::new(),
                },
            );
        }
        report.rows.push(row);
        report
    }

    #[test]
    fn the_check_is_of_ours_and_of_what_never_happened() {
        let failed = |value| Figure::new("failed", "calls", value).at_most(0.0);
        assert!(report(failed(Some(0.0)), failed(Some(1.0))).check().is_ok());
        let missed = report(failed(Some(1.0)), failed(Some(0.0))).check();
        let said = missed.unwrap_err().to_string();
        assert_eq!(said, "1 targets are missed: dead: failed");
        assert!(report(failed(None), failed(Some(0.0))).check().is_err());
        let goodput = |value| Figure::new("goodput", "x", Some(value)).at_least(0.95);
        assert!(report(goodput(0.95), goodput(0.1)).check().is_ok());
        assert!(report(goodput(0.94), goodput(0.96)).check().is_err());
    }
}
