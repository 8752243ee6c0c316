//! Cordial, stock tonic and other peers, side by side on one machine.

mod check;
mod codegen;
mod echo;
mod faults;
mod generator;
mod h2load;
mod handlers;
mod http2;
mod idle;
mod json;
mod measure;
mod picks;
mod stacks;
mod stats;
mod streaming;
mod table;
mod unary;

use bench_host::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Compares Cordial with stock tonic. Trust the ratios, not the absolute values.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How long generated code takes to make and to check.
    Codegen(codegen::Options),
    /// What unary calls cost: throughput, CPU, latency, allocations.
    Unary(unary::Options),
    /// What streams of messages cost.
    Streaming(streaming::Options),
    /// What handlers that wait or compute do to the calls beside them.
    Handlers(handlers::Options),
    /// How much memory connections hold that do nothing.
    Idle(idle::Options),
    /// What callers notice of servers that die, hang, restart and drown.
    Faults(faults::Options),
    /// What it costs to write messages as JSON, and to read them.
    Json(json::Options),
    /// What it costs to pick an address for a call.
    Picks(picks::Options),
    /// What a client says that is not ours: h2load.
    H2load(h2load::Options),
    /// The server's process of one measurement.
    #[command(hide = true)]
    Serve(stacks::Options),
    /// The client's process of one measurement.
    #[command(hide = true)]
    Load { job: String },
    /// The client's process of one measurement of idle connections.
    #[command(hide = true)]
    Hold(idle::Hold),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Codegen(options) => codegen::run(&options),
        Command::Unary(options) => unary::run(&options),
        Command::Streaming(options) => streaming::run(&options),
        Command::Handlers(options) => handlers::run(&options),
        Command::Idle(options) => idle::run(&options),
        Command::Faults(options) => faults::run(&options),
        Command::Json(options) => json::run(&options),
        Command::Picks(options) => picks::run(&options),
        Command::H2load(options) => h2load::run(&options),
        Command::Serve(options) => stacks::serve(&options),
        Command::Load { job } => measure::load::run(&job),
        Command::Hold(options) => idle::hold(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
