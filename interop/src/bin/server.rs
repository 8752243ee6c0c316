//! The interop server.

use std::process::ExitCode;

use clap::Parser;
use interop::flag::Server;

fn main() -> ExitCode {
    let flags = Server::parse();
    eprintln!("server: no runtime to listen on port {} with", flags.port);
    ExitCode::FAILURE
}
