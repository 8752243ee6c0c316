//! What the thread of a process in a cluster does with its sockets.

use super::{
    cluster::{NODES_MAX, Standing},
    lock,
    member::NODE_BYTES_MAX,
    node::{Settings, Shared},
    wire::{self, Kind, PACKET_BYTES_MAX, Packet},
};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net,
    sync::{Semaphore, oneshot},
    time::{MissedTickBehavior, interval, sleep, sleep_until, timeout},
};

/// Between two signs of life.
const ROUND: Duration = Duration::from_millis(200);
/// Others that are told at a time, chosen at random,
const FANOUT: usize = 3;
/// with so many packets each,
const PACKETS_MAX: usize = 4;
/// and one of those that everybody asks first, each so many times: whoever was cut off
/// finds the others there.
const SEED_EVERY: u8 = 5;

/// Changes are told at once, and together with those of as short a while before.
const PAUSE: Duration = Duration::from_millis(5);

/// Connections at a time, each way,
const CONNECTIONS_MAX: usize = 8;
/// and how long one may take.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the addresses of names count, and how long while nobody answers there.
const NAMES_KEPT: Duration = Duration::from_secs(30);
const NAMES_KEPT_ALONE: Duration = Duration::from_secs(1);

/// Bytes of one process in an answer: its records, and what is before them.
const DELTA_BYTES_MAX: usize = NODE_BYTES_MAX + 1_024;

/// Takes part until it is stopped.
pub(super) fn run(
    shared: Arc<Shared>,
    udp: UdpSocket,
    tcp: TcpListener,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        let talk = Arc::new(Talk {
            shared,
            udp: net::UdpSocket::from_std(udp)?,
            fetching: Mutex::default(),
            fetches: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        });
        tokio::spawn(talk.clone().look_up_seeds());
        tokio::spawn(talk.clone().serve(net::TcpListener::from_std(tcp)?));
        tokio::select! {
            _ = stopped => Ok(()),
            ended = talk.gossip() => ended,
        }
    });
    // A name that is being looked up is not waited for.
    runtime.shutdown_background();
    ended
}

/// What the thread does.
struct Talk {
    shared: Arc<Shared>,
    udp: net::UdpSocket,
    /// Whom it reads from, and whether there was more to read since.
    fetching: Mutex<HashMap<SocketAddr, bool>>,
    fetches: Arc<Semaphore>,
}

impl Talk {
    async fn gossip(self: &Arc<Self>) -> io::Result<()> {
        let mut round = interval(ROUND);
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        let mut due = None;
        // One byte more than there may be shows what is too long.
        let mut packet = [0; PACKET_BYTES_MAX + 1];
        loop {
            tokio::select! {
                _ = round.tick() => {
                    self.tick();
                    self.tell();
                    last = Instant::now();
                }
                () = self.shared.flush.notified() => {
                    due.get_or_insert(last + PAUSE);
                }
                () = sleep_until(due.unwrap_or(last).into()), if due.is_some() => {
                    due = None;
                    self.tell();
                    last = Instant::now();
                }
                received = self.udp.recv_from(&mut packet) => match received {
                    Ok((length, source)) if length <= PACKET_BYTES_MAX => {
                        self.hear(&packet[..length], source);
                    }
                    Ok(_) => {}
                    // What came back of a packet that nobody took.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(error) => {
                        tracing::debug!(%error, "no packet was read");
                        sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    fn tick(&self) {
        let now = Instant::now();
        let mut cluster = self.shared.cluster();
        cluster.beat(now);
        let changed = cluster.tick(now);
        drop(cluster);
        if changed {
            self.shared.lists.send_replace(());
        }
        self.shared.signs.send_replace(());
    }

    /// Tells a few others who is there.
    fn tell(&self) {
        let now = Instant::now();
        let (mut entries, mut peers) = {
            let cluster = self.shared.cluster();
            (cluster.entries(now), cluster.peers(now))
        };
        let own = entries.swap_remove(0);
        let mut kind = match self.shared.asking.load(Relaxed) {
            0 => Kind::Tells,
            _ => Kind::Asks,
        };
        fastrand::shuffle(&mut entries);
        fastrand::shuffle(&mut peers);
        peers.truncate(FANOUT);
        if kind == Kind::Asks || peers.len() < FANOUT || fastrand::u8(..SEED_EVERY) == 0 {
            peers.extend(fastrand::choice(lock(&self.shared.seeds).iter()));
        }
        let cluster = &self.shared.settings.cluster;
        let each = Packet::entries_max(cluster) - 1;
        let mut parts = entries.chunks(each).take(PACKETS_MAX);
        let mut part = Some(parts.next().unwrap_or_default());
        while let Some(others) = part {
            let entries = std::iter::once(own).chain(others.iter().copied()).collect();
            let bytes = Packet { kind, entries }.write(cluster, PACKET_BYTES_MAX);
            peers.iter().for_each(|peer| self.send(*peer, &bytes));
            kind = Kind::Tells;
            part = parts.next();
        }
    }

    /// Sends a packet, unless there is no room for it now: others follow.
    fn send(&self, to: SocketAddr, bytes: &[u8]) {
        let is_v6 = self.shared.settings.listener.is_ipv6();
        let to = match to.ip() {
            IpAddr::V4(ip) if is_v6 => SocketAddr::new(ip.to_ipv6_mapped().into(), to.port()),
            _ => to,
        };
        if let Err(error) = self.udp.try_send_to(bytes, to) {
            tracing::trace!(%error, %to, "a packet was not sent");
        }
    }

    fn hear(self: &Arc<Self>, bytes: &[u8], source: SocketAddr) {
        let cluster = &self.shared.settings.cluster;
        let Some(packet) = Packet::read(bytes, cluster) else {
            tracing::debug!(%source, "a packet is none of cluster `{cluster}`");
            return;
        };
        let reply = self.shared.cluster().hear(&packet, source, Instant::now());
        if let Some(peer) = reply.fetch_from {
            self.fetch(peer);
        }
        if let Some((to, entries)) = reply.answer {
            let answer = Packet {
                kind: Kind::Answers,
                entries,
            };
            self.send(to, &answer.write(cluster, bytes.len()));
        }
        if reply.is_return {
            self.shared.lists.send_replace(());
        }
        self.shared.signs.send_replace(());
    }

    /// Reads from somebody what it knows more.
    fn fetch(self: &Arc<Self>, from: SocketAddr) {
        let mut fetching = lock(&self.fetching);
        if let Some(again) = fetching.get_mut(&from) {
            *again = true;
            return;
        }
        let Ok(permit) = self.fetches.clone().try_acquire_owned() else {
            // The next packet says so again.
            return;
        };
        fetching.insert(from, false);
        let talk = self.clone();
        tokio::spawn(async move {
            loop {
                let read = timeout(CONNECTION_TIMEOUT, talk.read_from(from)).await;
                let read = read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
                let is_well = match read {
                    Ok(()) => true,
                    Err(error) => {
                        tracing::debug!(%from, %error, "nothing was read from a process");
                        false
                    }
                };
                let mut fetching = lock(&talk.fetching);
                if !is_well || fetching.insert(from, false) != Some(true) {
                    fetching.remove(&from);
                    break;
                }
            }
            drop(permit);
        });
    }

    async fn read_from(&self, from: SocketAddr) -> io::Result<()> {
        let Settings {
            cluster, listener, ..
        } = &self.shared.settings;
        let socket = match from {
            SocketAddr::V4(_) => net::TcpSocket::new_v4()?,
            SocketAddr::V6(_) => net::TcpSocket::new_v6()?,
        };
        if !listener.ip().is_unspecified() && listener.is_ipv4() == from.is_ipv4() {
            socket.bind(SocketAddr::new(listener.ip(), 0))?;
        }
        let mut stream = socket.connect(from).await?;
        let known = self.shared.cluster().known();
        stream
            .write_all(&wire::write_request(cluster, &known))
            .await?;
        let (mut has_news, mut has_lists) = (false, false);
        let mut deltas = 0;
        loop {
            let length = stream.read_u32().await? as usize;
            if length == 0 || deltas > NODES_MAX {
                break;
            }
            if length > DELTA_BYTES_MAX {
                return Err(io::Error::other("one process has too many records"));
            }
            let mut bytes = Vec::new();
            (&mut stream)
                .take(length as u64)
                .read_to_end(&mut bytes)
                .await?;
            let delta = wire::read_delta(&bytes);
            let delta = delta.ok_or_else(|| io::Error::other("it does not read as records"))?;
            deltas += 1;
            has_news = true;
            has_lists |= self.shared.cluster().apply(delta, from, Instant::now());
        }
        let thanks = {
            let mut cluster = self.shared.cluster();
            cluster.synced(Instant::now());
            cluster.thanks(from)
        };
        let thanks = Packet {
            kind: Kind::Tells,
            entries: thanks,
        };
        self.send(from, &thanks.write(cluster, PACKET_BYTES_MAX));
        if has_lists {
            self.shared.lists.send_replace(());
        }
        if has_news {
            self.shared.flush.notify_one();
        }
        self.shared.signs.send_replace(());
        Ok(())
    }

    /// Tells whoever connects what he does not know.
    async fn serve(self: Arc<Self>, listener: net::TcpListener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        while let Ok(place) = places.clone().acquire_owned().await {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "no connection was accepted");
                    sleep(ROUND).await;
                    continue;
                }
            };
            let talk = self.clone();
            tokio::spawn(async move {
                let told = timeout(CONNECTION_TIMEOUT, talk.tell_all(stream)).await;
                if let Ok(Err(error)) = told {
                    tracing::debug!(%error, "a process was not told");
                }
                drop(place);
            });
        }
    }

    async fn tell_all(&self, mut stream: net::TcpStream) -> io::Result<()> {
        let cluster = &self.shared.settings.cluster;
        let refused = |why: &str| Err(io::Error::other(why));
        let mut header = vec![0; wire::request_bytes(cluster, 0)];
        stream.read_exact(&mut header).await?;
        let Some(count) = wire::read_request_header(&header, cluster) else {
            return refused("it is of another cluster");
        };
        if count > NODES_MAX {
            return refused("it knows too many processes");
        }
        let mut known = vec![0; count * 16];
        stream.read_exact(&mut known).await?;
        let known = wire::read_known(&known).unwrap_or_default();
        let newer = self.shared.cluster().newer_than(&known, Instant::now());
        for (id, since) in newer {
            let delta = self.shared.cluster().delta(id, since, Instant::now());
            let Some(delta) = delta else { continue };
            let bytes = wire::write_delta(&delta);
            stream.write_u32(bytes.len() as u32).await?;
            stream.write_all(&bytes).await?;
        }
        stream.write_u32(0).await?;
        stream.shutdown().await
    }

    /// Keeps the addresses of those whom everybody asks first.
    async fn look_up_seeds(self: Arc<Self>) {
        loop {
            let mut found = Vec::new();
            for seed in &self.shared.settings.seeds {
                match net::lookup_host(seed).await {
                    Ok(addresses) => found.extend(addresses.filter(|one| self.reaches(one))),
                    Err(error) => tracing::debug!(seed, %error, "the name was not found"),
                }
            }
            let is_new = {
                let mut seeds = lock(&self.shared.seeds);
                // What was found before is better than nothing.
                let is_new = !found.is_empty() && *seeds != found;
                if is_new {
                    *seeds = found;
                }
                is_new
            };
            if is_new {
                self.shared.flush.notify_one();
            }
            let standing = self.shared.cluster().standing(Instant::now());
            sleep(match standing {
                Standing::Joined => NAMES_KEPT,
                _ => NAMES_KEPT_ALONE,
            })
            .await;
        }
    }

    fn reaches(&self, address: &SocketAddr) -> bool {
        let listener = self.shared.settings.listener;
        listener.is_ipv6() || address.is_ipv4()
    }
}
