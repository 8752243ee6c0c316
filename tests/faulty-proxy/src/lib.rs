//! A TCP proxy that delays, throttles, cuts and silences as it is told, also
//! while connections go through it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use faulty_proxy::{Break, Faults, Proxy, Way};
//!
//! # let server = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
//! let proxy = Proxy::start(server).await?;
//! println!("call {} instead of {server}", proxy.address());
//! proxy.set(Faults::both(Way::broken(Break::Silence, 0))); // a black hole
//! proxy.set(Faults::default()); // what it held goes on
//! # Ok(())
//! # }
//! ```

mod faults;
mod link;
mod pump;

pub use faults::{Break, Faults, Way};

use link::Link;
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

/// Passes connections on to a server. Dropping it cuts them.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    faults: watch::Sender<Faults>,
    carried: Arc<Carried>,
    accepting: AbortHandle,
}

#[derive(Debug, Default)]
struct Carried {
    to_server: AtomicU64,
    to_client: AtomicU64,
}

impl Proxy {
    /// A proxy of the server at `upstream`, on a free port, that breaks nothing yet.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        Self::start_with(upstream, Faults::default()).await
    }

    /// The same with faults from its first connection on.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start_with(upstream: SocketAddr, faults: Faults) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (faults, watching) = watch::channel(faults);
        let carried = Arc::new(Carried::default());
        let accepting = accept(listener, upstream, watching, carried.clone());
        Ok(Self {
            address,
            faults,
            carried,
            accepting: tokio::spawn(accepting).abort_handle(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has all connections, open ones and new ones, suffer `faults` from now on.
    /// What was held back so far goes on if they let it.
    pub fn set(&self, faults: Faults) {
        self.faults.send_replace(faults);
    }

    /// Bytes passed on so far over all connections: to the server, to clients.
    pub fn carried(&self) -> (u64, u64) {
        let Carried {
            to_server,
            to_client,
        } = &*self.carried;
        (to_server.load(Relaxed), to_client.load(Relaxed))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    upstream: SocketAddr,
    faults: watch::Receiver<Faults>,
    carried: Arc<Carried>,
) {
    let mut links = JoinSet::new();
    for nth in 0.. {
        let client = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = links.join_next() => continue,
        };
        let (faults, carried) = (faults.clone(), carried.clone());
        if let Ok((client, _)) = client {
            links.spawn(async move {
                // A server that is not there refuses; so does the proxy then.
                match TcpStream::connect(upstream).await {
                    Ok(server) => Link::new(client, server, faults, nth).run(&carried).await,
                    Err(_) => drop(client.set_zero_linger()),
                }
            });
        }
    }
}
