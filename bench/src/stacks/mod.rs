//! Who is measured, and how their servers are started.

pub(crate) mod caller;
pub(crate) mod cordial;
mod floor;
mod hyper;
mod peers;
pub(crate) mod tonic;

use crate::{Result, echo::Method};
use bench_host::Threads;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::process::Command;
use tokio::net::TcpListener;

/// Which code an end runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stack {
    /// Stock tonic, which the others are compared with.
    Tonic,
    /// Ours.
    Cordial,
    /// Ours with `Server::per_core`.
    PerCore,
    /// volo-grpc, in a binary of its own.
    Volo,
    /// connectrpc, in a binary of its own.
    Connectrpc,
    /// Plain hyper, without protobuf.
    Hyper,
    /// Frames by hand.
    Floor,
}

impl Stack {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether its server has the method.
    pub(crate) fn serves(self, method: Method) -> bool {
        !matches!(self, Self::Hyper | Self::Floor) || method == Method::Echo
    }

    /// Whether its client can be measured.
    pub(crate) fn calls(self) -> bool {
        matches!(self, Self::Tonic | Self::Cordial)
    }

    /// Whether its server is in a binary that has to be built first.
    fn is_apart(self) -> bool {
        matches!(self, Self::Volo | Self::Connectrpc)
    }

    /// Builds what `stacks` need beyond this binary.
    pub(crate) fn prepare(stacks: &[Self]) -> Result {
        match stacks.iter().any(|stack| stack.is_apart()) {
            true => peers::build(),
            false => Ok(()),
        }
    }

    /// What starts its server.
    pub(crate) fn server(self, workers: usize) -> Result<Command> {
        let binary = match self.is_apart() {
            true => peers::binary()?,
            false => std::env::current_exe()?,
        };
        let mut command = Command::new(binary);
        command.args(["serve", "--stack", &self.name()]);
        command.args(["--workers", &workers.to_string()]);
        Ok(command)
    }
}

/// How one server serves.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long)]
    stack: Stack,
    #[arg(long)]
    workers: usize,
}

/// The server's process.
pub(crate) fn serve(options: &Options) -> Result {
    let stack = options.stack;
    let threads = match stack {
        Stack::PerCore | Stack::Floor => Threads::Current,
        _ => Threads::Workers(options.workers),
    };
    bench_host::host(threads, move |listener| stack.serve_here(listener))
}

impl Stack {
    /// Serves in this process.
    pub(crate) async fn serve_here(self, listener: TcpListener) -> Result {
        match self {
            Self::Cordial => cordial::serve(listener).await,
            Self::PerCore => cordial::serve_per_core(listener).await,
            Self::Tonic => tonic::serve(listener).await,
            Self::Hyper => hyper::serve(listener).await,
            Self::Floor => floor::serve(listener).await,
            Self::Volo | Self::Connectrpc => Err("it is in the binary `bench-peers`".into()),
        }
    }
}
