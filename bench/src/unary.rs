//! Unary calls: servers against stock tonic's, and clients.

use crate::{
    Result, check,
    echo::Method,
    generator::Load,
    measure::{Options as Measuring, Payload, Side, Workload},
};
use clap::ValueEnum;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Sizes of the payload, which comes back as it went
    #[arg(long, value_delimiter = ',', default_value = "small,1k,64k")]
    only: Vec<Payload>,
    /// Calls in flight; 0 for none of these rows
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    in_flight: Vec<usize>,
    /// Connections that they are spread over
    #[arg(long, value_delimiter = ',', default_value = "1")]
    connections: Vec<usize>,
    /// Calls started a second, whatever becomes of those before; 0 for none of these rows
    #[arg(long, value_delimiter = ',', default_value = "2000,10000,30000")]
    rate: Vec<u32>,
    /// Whose performance to measure; the other end is lean, and the same for all
    #[arg(long, default_value = "both")]
    side: Sides,
    /// Fail if a target is missed
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    measuring: Measuring,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sides {
    Server,
    Client,
    Both,
}

impl Options {
    fn workloads(&self) -> Vec<Workload> {
        let mut closed = Vec::new();
        for &payload in &self.only {
            for &in_flight in self.in_flight.iter().filter(|count| **count > 0) {
                let load = Load::InFlight(in_flight);
                closed.push(Workload::of(Method::Echo, payload, load));
            }
        }
        let mut all = Vec::new();
        if self.side != Sides::Client {
            for &connections in &self.connections {
                let spread = |row: &Workload| Workload {
                    connections,
                    ..*row
                };
                let fits = |row: &Workload| row.in_flight() >= connections;
                all.extend(closed.iter().map(spread).filter(fits));
                let small = self.only.contains(&Payload::Small);
                let rates = self.rate.iter().filter(|rate| small && **rate > 0);
                let open = rates.map(|rate| {
                    let load = Load::PerSecond(f64::from(*rate));
                    Workload::of(Method::Echo, Payload::Small, load)
                });
                all.extend(open.map(|row| spread(&row)));
            }
        }
        if self.side != Sides::Server {
            let side = Side::Client;
            all.extend(closed.into_iter().map(|row| Workload { side, ..row }));
        }
        all
    }
}

/// Measures every row, prints a table of ratios and writes the JSON.
pub(crate) fn run(options: &Options) -> Result {
    let report = options.measuring.measure(&options.workloads())?;
    match options.check {
        true => check::unary(&report),
        false => Ok(()),
    }
}
