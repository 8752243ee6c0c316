//! Plays bad peers against a server, ours and stock tonic's, and tells what each
//! of them cost it.

mod check;
mod measured;
mod neighbour;
mod process;
mod report;
mod row;
mod rows;
mod run;
mod subject;
mod wire;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What everything here that can fail returns.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Plays bad peers against our server and stock tonic's, each in a process of its own.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: run::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves what the bad peers are played against.
    Serve(subject::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Serve(options)) => subject::run(&options).map(|()| true),
        None => run::run(&cli.options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("floods: {error}");
            ExitCode::FAILURE
        }
    }
}
