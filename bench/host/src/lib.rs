//! What every process of a comparison runs in: its core, its threads, what it
//! allocates, and when it ends.

mod allocations;
mod congestion;
mod control;
mod process;

pub use congestion::unpace;
pub use control::{Counted, count};
pub use process::{End, can_pin, cpu_time, pin, raise_file_limit, resident_bytes};

use std::io::Read;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

/// What everything here that can fail returns.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What one end runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// So many workers of a multi-threaded runtime; `#[tokio::main]` makes one
    /// for each core that it may use.
    Workers(usize),
    /// The thread that is there already.
    Current,
}

impl Threads {
    /// # Errors
    /// When threads cannot be started.
    pub fn runtime(self) -> Result<Runtime> {
        let mut builder = match self {
            Self::Workers(count) => {
                let mut builder = Builder::new_multi_thread();
                builder.worker_threads(count);
                builder
            }
            Self::Current => Builder::new_current_thread(),
        };
        Ok(builder.enable_all().build()?)
    }
}

/// Serves on a free port until standard input ends: a server outlives by no
/// means who started it. The first line it prints is its address and the one
/// that [`count`] takes.
///
/// # Errors
/// Those of `serve`, and when it cannot listen.
pub fn host<F>(threads: Threads, serve: impl FnOnce(TcpListener) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    std::thread::spawn(|| {
        let ended = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(i32::from(ended.is_err()));
    });
    raise_file_limit()?;
    pin(End::Server);
    let control = control::listen()?;
    threads.runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        unpace(&listener);
        println!("{} {control}", listener.local_addr()?);
        // Spawned: the thread that blocks here is no worker of the runtime.
        tokio::spawn(serve(listener)).await?
    })
}
