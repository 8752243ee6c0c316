//! The interop client.

use std::process::ExitCode;

use clap::Parser;
use interop::client;
use interop::flag::Client;

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Client::parse();
    match client::run(&flags).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("client: {}: {failure}", flags.test_case);
            ExitCode::FAILURE
        }
    }
}
