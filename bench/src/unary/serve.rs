//! The server's process.

use super::{
    Stack, lean, ours,
    process::{self, End},
    theirs,
};
use crate::Result;
use std::io::Read;
use tokio::net::TcpListener;

/// How one server serves.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long)]
    stack: Stack,
    #[arg(long)]
    workers: usize,
}

/// Serves on a free port, whose address it prints, until standard input ends:
/// it outlives its parent by no means.
pub(crate) fn run(options: &Options) -> Result {
    std::thread::spawn(|| {
        let ended = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(i32::from(ended.is_err()));
    });
    process::pin(End::Server);
    process::runtime(options.stack, options.workers)?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        // Spawned: the thread that blocks here is no worker of the runtime.
        match options.stack {
            Stack::Cordial => tokio::spawn(ours::serve(listener)).await?,
            Stack::Tonic => tokio::spawn(theirs::serve(listener)).await?,
            Stack::Lean => lean::serve(listener).await,
        }
    })
}
