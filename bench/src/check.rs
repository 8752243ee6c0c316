//! The targets, and which rows miss them.

use crate::{
    Result,
    echo::Method,
    generator::Load,
    measure::{Payload, Side, Workload, report::Report},
    stacks::Stack,
    table::figure,
};

/// What a row must reach, over stock tonic.
struct Target {
    method: Method,
    payload: Payload,
    in_flight: usize,
    throughput_min: f64,
    cpu_max: Option<f64>,
}

const fn target(method: Method, payload: Payload, in_flight: usize, throughput: f64) -> Target {
    Target {
        method,
        payload,
        in_flight,
        throughput_min: throughput,
        cpu_max: None,
    }
}

const UNARY: [Target; 5] = [
    target(Method::Echo, Payload::Small, 1, 1.0),
    target(Method::Echo, Payload::Small, 16, 1.4),
    Target {
        cpu_max: Some(0.5),
        ..target(Method::Echo, Payload::Small, 64, 2.2)
    },
    target(Method::Echo, Payload::Kibi, 64, 3.0),
    target(Method::Echo, Payload::Kibi64, 16, 1.6),
];

const STREAMING: [Target; 1] = [target(Method::Repeat, Payload::Small, 1, 3.0)];

/// On every row of servers; what is above 1 by less is noise.
const P99_MAX: f64 = 1.05;

/// Fails if a row of unary calls misses its target, or was not measured.
pub(crate) fn unary(report: &Report) -> Result {
    check(report, &UNARY)
}

/// The same of streams.
pub(crate) fn streaming(report: &Report) -> Result {
    check(report, &STREAMING)
}

fn check(report: &Report, targets: &[Target]) -> Result {
    println!();
    let mut verdicts = Vec::new();
    for target in targets {
        let load = Load::InFlight(target.in_flight);
        let workload = Workload::of(target.method, target.payload, load);
        let row = report.rows.iter().find(|row| row.workload == workload);
        let ours = row.and_then(|row| row.of(Stack::Cordial)?.ratios);
        let ours = ours.unwrap_or_default();
        let (name, min) = (workload.name(), target.throughput_min);
        let reached = ours.throughput.is_some_and(|times| times >= min);
        let times = figure(ours.throughput, 2);
        verdicts.push((
            reached,
            format!("{name}: throughput {times}x, wanted {min}x"),
        ));
        if let Some(max) = target.cpu_max {
            let reached = ours.cpu.is_some_and(|times| times <= max);
            let times = figure(ours.cpu, 2);
            verdicts.push((reached, format!("{name}: CPU {times}x, at most {max}x")));
        }
    }
    for row in &report.rows {
        let ours = row.of(Stack::Cordial).and_then(|ours| ours.ratios);
        let p99 = ours.and_then(|ours| ours.p99);
        if let Some(p99) = p99.filter(|_| row.workload.side == Side::Server) {
            let name = row.workload.name();
            verdicts.push((
                p99 <= P99_MAX,
                format!("{name}: p99 {p99:.2}x, at most {P99_MAX}x"),
            ));
        }
    }
    for (reached, verdict) in &verdicts {
        println!(
            "{}  {verdict}",
            if *reached { "reached" } else { " MISSED" }
        );
    }
    match verdicts.iter().filter(|(reached, _)| !reached).count() {
        0 => Ok(()),
        count => Err(format!("{count} targets are missed").into()),
    }
}
