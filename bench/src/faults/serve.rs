//! One server's process.

use super::{Stack, Version, book::Book, client::Client, ours, theirs};
use crate::Result;
use bench_host::Threads;
use std::{io::Read, path::PathBuf};
use tokio::net::TcpListener;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[arg(long)]
    stack: Stack,
    #[arg(long)]
    address: String,
    /// What was executed is appended here
    #[arg(long)]
    log: PathBuf,
    /// Orders it works on at once
    #[arg(long)]
    places: Option<usize>,
    /// Who does the work
    #[arg(long)]
    next: Option<String>,
    /// Who tells clients of it
    #[arg(long)]
    registry: Option<String>,
    /// It does not have the method `Look` yet
    #[arg(long)]
    old: bool,
}

/// Serves until it is told to stop, or whoever started it has ended.
pub(super) fn run(options: &Options) -> Result {
    std::thread::spawn(|| {
        let ended = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(i32::from(ended.is_err()));
    });
    bench_host::raise_file_limit()?;
    let workers = std::thread::available_parallelism()?.get();
    Threads::Workers(workers).runtime()?.block_on(async {
        let next = options.next.clone();
        let next = next.map(|next| Client::to(options.stack, &[next], None));
        let book = Book::new(&options.log, options.places, next.transpose()?)?;
        let listener = TcpListener::bind(&options.address).await?;
        bench_host::unpace(&listener);
        println!("listening");
        match options.stack {
            Stack::Cordial => {
                let version = match options.old {
                    true => Version::Old,
                    false => Version::New,
                };
                let registry = options.registry.clone();
                tokio::spawn(ours::serve(listener, book, version, registry)).await?
            }
            Stack::Tonic => tokio::spawn(theirs::serve(listener, book)).await?,
        }
    })
}
