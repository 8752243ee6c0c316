//! Cordial, stock tonic and other peers, side by side on one machine.

mod check;
mod codegen;
mod echo;
mod generator;
mod http2;
mod measure;
mod stacks;
mod stats;
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
    /// The server's process of one measurement.
    #[command(hide = true)]
    Serve(stacks::Options),
    /// The client's process of one measurement.
    #[command(hide = true)]
    Load { job: String },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Codegen(options) => codegen::run(&options),
        Command::Unary(options) => unary::run(&options),
        Command::Serve(options) => stacks::serve(&options),
        Command::Load { job } => measure::load::run(&job),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
