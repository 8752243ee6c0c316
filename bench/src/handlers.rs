//! Handlers that wait or compute, and what becomes of small calls beside them.

use crate::{
    Result,
    echo::Method,
    generator::Load,
    measure::{Beside, Options as Measuring, Payload, Workload},
};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Small calls started a second, whose times are of interest
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// Calls started a second to a handler that waits a millisecond
    #[arg(long, default_value_t = 5_000)]
    waiting: u32,
    /// Calls started a second to a handler that computes for 100 us
    #[arg(long, default_value_t = 2_000)]
    computing: u32,
    #[command(flatten)]
    measuring: Measuring,
}

/// Measures every row, prints a table of ratios and writes the JSON.
pub(crate) fn run(options: &Options) -> Result {
    let load = Load::PerSecond(options.rate.max(1).into());
    let alone = Workload::of(Method::Echo, Payload::Small, load);
    let waiting = Load::PerSecond(options.waiting.max(1).into());
    let computing = Load::PerSecond(options.computing.max(1).into());
    let mut workloads = vec![alone];
    for same_connection in [true, false] {
        for (method, load) in [(Method::Wait, waiting), (Method::Compute, computing)] {
            let beside = Some(Beside {
                method,
                load,
                same_connection,
            });
            workloads.push(Workload { beside, ..alone });
        }
    }
    options.measuring.measure(&workloads)?;
    Ok(())
}
