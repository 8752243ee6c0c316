//! The peers that need generators of their own, as servers to measure.

mod connectrpc_server;
mod volo_server;

use bench_host::{Result, Threads, host};
use clap::{Parser, ValueEnum};
use std::{process::ExitCode, time::Duration, time::Instant};

/// Serves `bench.v1.Echoes` until standard input ends.
#[derive(Debug, Parser)]
enum Cli {
    Serve {
        #[arg(long)]
        stack: Stack,
        #[arg(long)]
        workers: usize,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Stack {
    Volo,
    Connectrpc,
}

/// Messages that wait in the channel of `Feed`.
const FED: usize = 64;
/// What `Wait` waits for.
const WAIT: Duration = Duration::from_millis(1);
const COMPUTING: Duration = Duration::from_micros(100);

/// What `Compute` does: holds the thread.
fn compute() {
    let until = Instant::now() + COMPUTING;
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

fn serve() -> Result {
    let Cli::Serve { stack, workers } = Cli::parse();
    let threads = Threads::Workers(workers);
    match stack {
        Stack::Volo => host(threads, volo_server::serve),
        Stack::Connectrpc => host(threads, connectrpc_server::serve),
    }
}

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-peers: {error}");
            ExitCode::FAILURE
        }
    }
}
