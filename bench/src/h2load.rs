//! The same servers, and a client that is not ours: h2load of nghttp2.

use crate::{
    Result,
    echo::{self, Echo, Method},
    measure::{Options as Measuring, Payload, trial::Running},
    stacks::Stack,
    stats::median,
    table::{self, figure},
};
use bench_host::End;
use serde::Serialize;
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Sizes of the payload, which comes back as it went
    #[arg(long, value_delimiter = ',', default_value = "small,1k")]
    only: Vec<Payload>,
    /// Calls in flight on one connection
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    in_flight: Vec<usize>,
    #[command(flatten)]
    measuring: Measuring,
}

#[derive(Debug, Serialize)]
struct Row {
    payload: Payload,
    in_flight: usize,
    stack: Stack,
    /// Requests a second, a round each.
    samples: Vec<f64>,
}

/// Prints a table and writes the JSON; says so if there is no h2load.
pub(crate) fn run(options: &Options) -> Result {
    match Command::new("h2load").arg("--version").output() {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: there is no h2load here; bench/install-h2load installs it (Debian)");
            return Ok(());
        }
        Err(error) => return Err(format!("cannot run h2load: {error}").into()),
    }
    Stack::prepare(&options.measuring.peers)?;
    let mut rows = Vec::new();
    for &payload in &options.only {
        let body = Body::new(payload)?;
        for &in_flight in &options.in_flight {
            let peers = options.measuring.peers.iter();
            let group = peers.map(|&stack| Row {
                payload,
                in_flight,
                stack,
                samples: Vec::new(),
            });
            let mut group: Vec<_> = group.collect();
            for round in 0..options.measuring.rounds {
                let count = group.len();
                for turn in 0..count {
                    let row = &mut group[(round + turn) % count];
                    let sample = measure(row, &body.0, &options.measuring)?;
                    row.samples.push(sample);
                }
            }
            rows.extend(group);
        }
    }
    print(&rows);
    table::write_json(options.measuring.json.as_deref(), &rows)
}

fn measure(row: &Row, body: &Path, measuring: &Measuring) -> Result<f64> {
    let server = Running::start(row.stack.server(measuring.workers()?)?)?;
    let mut h2load = Command::new("h2load");
    // It takes whole seconds.
    let seconds = measuring.seconds_per_round.ceil().max(1.0);
    h2load
        .args(["--threads=1", "--clients=1", "--warm-up-time=1"])
        .arg(format!("--max-concurrent-streams={}", row.in_flight))
        .arg(format!("--duration={seconds}"))
        .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
        .arg("--data")
        .arg(body)
        .arg(format!("http://{}{}", server.address, Method::Echo.path()));
    // A child is kept where the thread is that starts it.
    let started = std::thread::scope(|scope| {
        let start = || {
            bench_host::pin(End::Client);
            h2load.output()
        };
        scope.spawn(start).join()
    });
    let output = started.map_err(|_| "h2load could not be started")??;
    let text = String::from_utf8_lossy(&output.stdout);
    let wrong = || format!("h2load did not succeed:\n{text}");
    if !text.contains(" 0 failed, 0 errored, 0 timeout") || text.contains("codes: 0 2xx") {
        return Err(wrong().into());
    }
    let rate = text.lines().find_map(|line| {
        let rate = line.strip_prefix("finished in ")?.split(", ").nth(1)?;
        rate.strip_suffix(" req/s")?.parse().ok()
    });
    Ok(rate.ok_or_else(wrong)?)
}

fn print(rows: &[Row]) {
    let cells = rows.iter().map(|row| {
        let same = |other: &&Row| {
            let alike = (other.payload, other.in_flight) == (row.payload, row.in_flight);
            alike && other.stack == Stack::Tonic
        };
        let rate = median(row.samples.iter().copied());
        let tonic = rows.iter().find(same).filter(|_| row.stack != Stack::Tonic);
        let theirs = tonic.and_then(|tonic| median(tonic.samples.iter().copied()));
        [
            format!("{} c{} n1", row.payload.name(), row.in_flight),
            row.stack.name(),
            figure(rate.zip(theirs).map(|(ours, theirs)| ours / theirs), 2),
            figure(rate, 0),
        ]
    });
    println!("\nh2load: over stock tonic, ratios of medians\n");
    let cells: Vec<_> = cells.collect();
    table::print(["row", "stack", "requests x", "requests a second"], &cells);
}

/// The file that every request sends, removed when dropped.
struct Body(PathBuf);

impl Body {
    fn new(payload: Payload) -> Result<Self> {
        let name = format!("bench-{}-{}", std::process::id(), payload.name());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, echo::framed(&Echo::of(payload.bytes()))?)?;
        Ok(Self(path))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            eprintln!("bench: cannot remove `{}`: {error}", self.0.display());
        }
    }
}
