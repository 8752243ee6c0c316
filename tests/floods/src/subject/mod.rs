//! The server under test, a process of its own.

mod handlers;
pub(crate) mod message;
mod ours;
mod page;
mod theirs;

use crate::Result;
use clap::ValueEnum;
use serde::Serialize;
use std::fmt;
use tokio::{io::AsyncReadExt, net::TcpListener};

pub(crate) use ours::{COLLECT, COUNT, ECHO, ENDLESS, LARGE, SLOW, UNREAD};

/// Which code serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stack {
    /// Ours.
    Cordial,
    /// Stock tonic.
    Tonic,
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cordial => "cordial",
            Self::Tonic => "tonic",
        })
    }
}

/// How to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    stack: Stack,
    /// Where to listen on 127.0.0.1; 0 lets the system choose
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Answer every request with a page, for tools that know no gRPC (cordial only)
    #[arg(long)]
    page: bool,
    /// End once standard input does
    #[arg(long)]
    until_eof: bool,
}

/// Serves, and says where first: `listening on 127.0.0.1:PORT`.
pub(crate) fn run(options: &Options) -> Result {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        println!("listening on {}", listener.local_addr()?);
        tokio::select! {
            served = serve(listener, options) => served,
            () = end_of_input(), if options.until_eof => Ok(()),
        }
    })?;
    // A read of standard input that hangs in its thread is nobody's concern.
    runtime.shutdown_background();
    Ok(())
}

async fn serve(listener: TcpListener, options: &Options) -> Result {
    match options.stack {
        Stack::Cordial => ours::serve(listener, options.page).await,
        Stack::Tonic => theirs::serve(listener).await,
    }
}

async fn end_of_input() {
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
}
