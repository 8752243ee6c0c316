//! Cordial and stock tonic, side by side on one machine.

mod codegen;
mod generator;
mod http2;
mod stats;
mod table;
mod unary;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What everything here that can fail returns.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

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
    /// How many calls a second, and how much CPU each of them costs.
    Unary(unary::Options),
    /// The server's process of one measurement.
    #[command(hide = true)]
    Serve(unary::serve::Options),
    /// The client's process of one measurement.
    #[command(hide = true)]
    Load(unary::load::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Codegen(options) => codegen::run(&options),
        Command::Unary(options) => unary::run(&options),
        Command::Serve(options) => unary::serve::run(&options),
        Command::Load(options) => unary::load::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
