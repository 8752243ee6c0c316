//! A process in its cluster: a thread with two sockets.

use super::{
    cluster::{ALONE_AFTER, Cluster, Standing},
    lock, talk,
};
use crate::{Result, Status};
use std::{
    fmt, io,
    net::{SocketAddr, TcpListener, UdpSocket},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, oneshot, watch},
    time::timeout,
};

/// How long a change may take until somebody else has it.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a process that hears others may take to know what they know.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Ports that are tried, to have the same for both sockets.
const PORT_TRIES: usize = 20;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) seeds: Vec<String>,
    pub(super) cluster: String,
    pub(super) listener: SocketAddr,
    pub(super) advertised: Option<SocketAddr>,
}

/// It leaves its cluster, without a word, when it is dropped.
pub(super) struct Node {
    pub(super) shared: Arc<Shared>,
    thread: thread::JoinHandle<()>,
    _stop: oneshot::Sender<()>,
}

/// What the thread and those who ask it share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    cluster: Mutex<Cluster>,
    /// Tells that a list may have changed,
    pub(super) lists: watch::Sender<()>,
    /// or that somebody was heard, or nobody for a while.
    pub(super) signs: watch::Sender<()>,
    pub(super) flush: Notify,
    /// Those who wait for a confirmation.
    pub(super) asking: AtomicUsize,
    pub(super) seeds: Mutex<Vec<SocketAddr>>,
}

impl Node {
    /// Joins, as soon as somebody answers.
    pub(super) fn start(settings: &Settings) -> io::Result<Self> {
        let (udp, tcp) = bind(settings.listener)?;
        let port = udp.local_addr()?.port();
        let address = settings.advertised;
        let address = address.unwrap_or_else(|| SocketAddr::new(settings.listener.ip(), port));
        let shared = Arc::new(Shared {
            settings: settings.clone(),
            cluster: Mutex::new(Cluster::new(fastrand::u64(1..), address, Instant::now())),
            lists: watch::Sender::new(()),
            signs: watch::Sender::new(()),
            flush: Notify::new(),
            asking: AtomicUsize::new(0),
            seeds: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let of_thread = shared.clone();
        // A thread and a runtime of its own: it lives as long as the registry, whatever
        // becomes of the runtimes that use it, and however busy they are.
        let thread = thread::Builder::new()
            .name("cordial-gossip".to_owned())
            .spawn(move || {
                if let Err(error) = talk::run(of_thread, udp, tcp, stopped) {
                    tracing::warn!(%error, "a process left its gossiping cluster");
                }
            })?;
        Ok(Self {
            shared,
            thread,
            _stop: stop,
        })
    }

    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }
}

/// Two sockets of one port.
fn bind(listener: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let once = || {
        let tcp = TcpListener::bind(listener)?;
        let udp = UdpSocket::bind(tcp.local_addr()?)?;
        tcp.set_nonblocking(true)?;
        udp.set_nonblocking(true)?;
        Ok((udp, tcp))
    };
    let mut bound = once();
    for _ in 0..PORT_TRIES {
        if bound.is_ok() || listener.port() != 0 {
            break;
        }
        bound = once();
    }
    bound
}

impl Shared {
    pub(super) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        lock(&self.cluster)
    }

    /// Tells others at once what has changed, and waits until one of them has it.
    pub(super) async fn confirm(&self, heartbeat: u64, version: u64) -> Result<()> {
        struct Asks<'a>(&'a AtomicUsize);
        impl Drop for Asks<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Relaxed);
            }
        }
        self.asking.fetch_add(1, Relaxed);
        let _asks = Asks(&self.asking);
        let mut signs = self.signs.subscribe();
        self.flush.notify_one();
        let confirmed = async {
            loop {
                let now = Instant::now();
                if self.cluster().is_acknowledged(heartbeat, version, now) {
                    return;
                }
                // The sender is in `self`.
                let _ = signs.changed().await;
            }
        };
        timeout(CONFIRM_TIMEOUT, confirmed).await.map_err(|_| {
            let what = format_args!("no other has confirmed it within {CONFIRM_TIMEOUT:?}");
            self.failed(&what)
        })
    }

    /// Waits until what the others know is known here.
    pub(super) async fn joined(&self) -> Result<()> {
        let mut signs = self.signs.subscribe();
        let joined = async {
            loop {
                let standing = self.cluster().standing(Instant::now());
                match standing {
                    Standing::Joined => return Ok(()),
                    Standing::Alone => return Err(self.nobody()),
                    Standing::Joins => drop(signs.changed().await),
                }
            }
        };
        match timeout(JOIN_TIMEOUT, joined).await {
            Ok(joined) => joined,
            Err(_) => Err(self.failed(&format_args!(
                "others are heard, and none has told what it knows within {JOIN_TIMEOUT:?}: is \
                 TCP let through?"
            ))),
        }
    }

    /// Ends with why when nobody is heard any more.
    pub(super) async fn alone(&self) -> Status {
        let mut signs = self.signs.subscribe();
        while self.cluster().standing(Instant::now()) != Standing::Alone {
            let _ = signs.changed().await;
        }
        self.nobody()
    }

    fn nobody(&self) -> Status {
        self.failed(&format_args!("nobody was heard for {ALONE_AFTER:?}"))
    }

    fn failed(&self, why: &dyn fmt::Display) -> Status {
        let Settings { seeds, cluster, .. } = &self.settings;
        let seeds = seeds.join(",");
        Status::unavailable(format!(
            "cluster `{cluster}`, asked for at `{seeds}`: {why}"
        ))
    }
}
