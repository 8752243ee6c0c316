//! A server that does what no server should, for the cases that watch what a
//! client makes of it. It speaks HTTP/2 by hand: no library would let it.

mod connection;
mod frame;
mod script;
mod verdict;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::case::Case;
use connection::Seen;
use script::Script;

/// How long a client may take to hang up once its case is over.
const HANG_UP_MAX: Duration = Duration::from_secs(5);

/// Serves one case.
#[derive(Debug)]
pub struct Server {
    case: Case,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<Vec<Seen>, String>>,
}

impl Server {
    /// Serves on 127.0.0.1; port 0 is a free one.
    ///
    /// # Errors
    /// When the case needs no such server, or the port is not free.
    pub async fn start(case: Case, port: u16) -> io::Result<Self> {
        let script = Script::of(case).ok_or_else(|| {
            let known: Vec<_> = Case::ALL
                .iter()
                .filter(|case| Script::of(**case).is_some())
                .map(|case| case.name())
                .collect();
            io::Error::other(format!(
                "`{case}` needs a server that does nothing wrong: use `server`; this one has {}",
                known.join(" ")
            ))
        })?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, script, stopped));
        Ok(Self {
            case,
            address,
            stop,
            serving,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the client did, once it has hung up.
    ///
    /// # Errors
    /// What it did and should not have done, or the other way round.
    pub async fn verdict(self) -> Result<(), String> {
        // Fails if serving has ended, which then says why.
        let _ = self.stop.send(());
        let seen = self.serving.await.map_err(|error| error.to_string())??;
        verdict::of(self.case, &seen)
    }
}

/// Until told to stop; then what was seen on each connection that had calls.
async fn serve(
    listener: TcpListener,
    script: Script,
    mut stopped: oneshot::Receiver<()>,
) -> Result<Vec<Seen>, String> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => {
                let (socket, _) = accepted.map_err(|error| error.to_string())?;
                connections.spawn(connection::serve(socket, script));
            }
        }
    }
    let seen = timeout(HANG_UP_MAX, connections.join_all()).await;
    let mut seen =
        seen.map_err(|_| format!("the client did not hang up within {HANG_UP_MAX:?}"))?;
    seen.retain(|seen| seen.calls > 0 || seen.fault.is_some());
    Ok(seen)
}
