//! Streams of messages: from the server, and each way.

use crate::{
    Result, check,
    echo::Method,
    generator::Load,
    measure::{Options as Measuring, Payload, Workload},
};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Sizes of the payload of each message
    #[arg(long, value_delimiter = ',', default_value = "small,1k")]
    only: Vec<Payload>,
    /// Streams at once, on one connection
    #[arg(long, value_delimiter = ',', default_value = "1")]
    in_flight: Vec<usize>,
    /// Fail if a target is missed
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    measuring: Measuring,
}

/// Measures every row, prints a table of ratios and writes the JSON.
pub(crate) fn run(options: &Options) -> Result {
    let mut workloads = Vec::new();
    for method in [Method::Repeat, Method::Feed, Method::PingPong] {
        for &payload in &options.only {
            let loads = options.in_flight.iter().copied().map(Load::InFlight);
            workloads.extend(loads.map(|load| Workload::of(method, payload, load)));
        }
    }
    let report = options.measuring.measure(&workloads)?;
    match options.check {
        true => check::streaming(&report),
        false => Ok(()),
    }
}
