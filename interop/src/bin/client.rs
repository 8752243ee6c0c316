//! The interop client.

use std::process::ExitCode;

use clap::Parser;
use interop::flag::Client;

fn main() -> ExitCode {
    let flags = Client::parse();
    eprintln!("client: no runtime to run {} with", flags.test_case);
    ExitCode::FAILURE
}
