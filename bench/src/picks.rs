//! What it costs to pick an address for a call, among few and among many.

use crate::{Result, stats, table};
use clap::Args;
use cordial::{
    Address, Balancer, Candidate, Endpoint, LeastRequest, Load, Pick, RingHash, RoundRobin,
    WeightedRoundRobin,
};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc, time::Instant};

/// How many addresses there are.
const COUNTS: [u16; 3] = [10, 100, 1_000];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measurements of each balancer, interleaved.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Picks of one measurement.
    #[arg(long, default_value_t = 1_000_000)]
    picks: u64,
    /// Writes the figures to this file, too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Medians of nanoseconds a pick, by the number of addresses.
#[derive(Debug, Serialize)]
struct Row {
    balancer: &'static str,
    nanoseconds: Vec<f64>,
}

pub(crate) fn run(options: &Options) -> Result {
    let balancers: [(&str, Box<dyn Balancer>); 4] = [
        ("least request (default)", Box::new(LeastRequest::new())),
        ("round robin", Box::new(RoundRobin::new())),
        ("weighted round robin", Box::new(WeightedRoundRobin::new())),
        ("ring hash", Box::new(RingHash::new())),
    ];
    let mut rounds = vec![[const { Vec::new() }; COUNTS.len()]; balancers.len()];
    for _ in 0..options.rounds {
        for (nth, count) in COUNTS.into_iter().enumerate() {
            for ((_, balancer), found) in balancers.iter().zip(&mut rounds) {
                found[nth].push(measure(&**balancer, count, options.picks));
            }
        }
    }
    let rows: Vec<_> = balancers
        .iter()
        .zip(rounds)
        .map(|((balancer, _), found)| Row {
            balancer,
            nanoseconds: found.into_iter().filter_map(stats::median).collect(),
        })
        .collect();
    println!("nanoseconds a pick:");
    let shown: Vec<_> = rows.iter().map(show).collect();
    let head = ["balancer", "of 10", "of 100", "of 1,000", "1,000 / 10, x"];
    table::print(head, &shown);
    table::write_json(options.json.as_deref(), &rows)
}

fn show(row: &Row) -> [String; 5] {
    let at = |nth: usize| row.nanoseconds.get(nth).copied();
    let grown = at(2).zip(at(0)).map(|(many, few)| many / few);
    [
        row.balancer.to_owned(),
        table::figure(at(0), 1),
        table::figure(at(1), 1),
        table::figure(at(2), 1),
        table::figure(grown, 2),
    ]
}

/// Nanoseconds a pick among `count` addresses, each of which has had calls.
fn measure(balancer: &dyn Balancer, count: u16, picks: u64) -> f64 {
    let candidate = |id: u16| {
        let [high, low] = id.to_be_bytes();
        Candidate {
            id: u64::from(id),
            endpoint: Endpoint::new(Address::Tcp(([10, 0, high, low], 80).into())),
            load: Arc::new(Load::new()),
        }
    };
    let ready: Arc<[Candidate]> = (0..count).map(candidate).collect();
    let picker = balancer.picker(ready.clone());
    for candidate in ready.iter() {
        candidate.load.start().ended(true);
    }
    let began = Instant::now();
    for call in 0..picks {
        let pick = Pick {
            hash: Some(call),
            tried: &[],
        };
        std::hint::black_box(picker.pick(&pick));
    }
    began.elapsed().as_secs_f64() * 1e9 / picks as f64
}
