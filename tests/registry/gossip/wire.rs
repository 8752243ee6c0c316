//! Between the processes of a cluster: a network that can be cut, and somebody who lies.

use std::{
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net,
    sync::watch,
    task::JoinSet,
};

/// Who reaches whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Whole,
    /// Nobody reaches anybody.
    All,
    /// Addresses reach only themselves.
    Halves,
}

/// Clones are one network.
#[derive(Clone)]
pub struct Network {
    cut: Arc<watch::Sender<Cut>>,
    /// Bytes of the longest datagram.
    pub longest: Arc<AtomicUsize>,
}

impl Network {
    pub fn new() -> Self {
        Self {
            cut: Arc::new(watch::Sender::new(Cut::Whole)),
            longest: Arc::default(),
        }
    }

    pub fn set(&self, cut: Cut) {
        self.cut.send_replace(cut);
    }

    fn passes(&self, source: IpAddr, target: IpAddr) -> bool {
        match *self.cut.borrow() {
            Cut::Whole => true,
            Cut::All => false,
            Cut::Halves => source == target,
        }
    }
}

/// Two sockets of one port.
pub fn sockets(ip: IpAddr) -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind((ip, 0)).unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            tcp.set_nonblocking(true).unwrap();
            udp.set_nonblocking(true).unwrap();
            return (udp, tcp);
        }
    }
}

/// The way to one process.
pub struct Wire {
    /// Where others send,
    pub address: SocketAddr,
    /// and where it listens.
    pub target: Arc<Mutex<SocketAddr>>,
    _tasks: JoinSet<()>,
}

impl Wire {
    pub fn new(network: &Network, target: SocketAddr) -> Self {
        let (udp, tcp) = sockets(target.ip());
        let address = udp.local_addr().unwrap();
        let target = Arc::new(Mutex::new(target));
        let mut tasks = JoinSet::new();
        let udp = net::UdpSocket::from_std(udp).unwrap();
        tasks.spawn(datagrams(udp, network.clone(), target.clone()));
        let tcp = net::TcpListener::from_std(tcp).unwrap();
        tasks.spawn(connections(tcp, network.clone(), target.clone()));
        Self {
            address,
            target,
            _tasks: tasks,
        }
    }
}

async fn datagrams(udp: net::UdpSocket, network: Network, target: Arc<Mutex<SocketAddr>>) {
    let mut bytes = vec![0; 65_536];
    loop {
        let Ok((length, source)) = udp.recv_from(&mut bytes).await else {
            continue;
        };
        network.longest.fetch_max(length, Relaxed);
        let target = *target.lock().unwrap();
        if network.passes(source.ip(), target.ip()) {
            let _ = udp.send_to(&bytes[..length], target).await;
        }
    }
}

async fn connections(tcp: net::TcpListener, network: Network, target: Arc<Mutex<SocketAddr>>) {
    let mut passed = JoinSet::new();
    loop {
        let (mut near, source) = tcp.accept().await.unwrap();
        let (network, target) = (network.clone(), *target.lock().unwrap());
        while passed.try_join_next().is_some() {}
        passed.spawn(async move {
            let mut cut = network.cut.subscribe();
            let cut_off = cut.wait_for(|_| !network.passes(source.ip(), target.ip()));
            let pass = async {
                if let Ok(mut far) = net::TcpStream::connect(target).await {
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                }
            };
            tokio::select! {
                biased;
                _ = cut_off => {}
                () = pass => {}
            }
        });
    }
}

/// A process that says what it is told to say, in bytes of its own.
pub struct Liar {
    udp: net::UdpSocket,
    cluster: &'static str,
    address: SocketAddr,
    _serves: JoinSet<()>,
}

pub const LIAR: u64 = 7;

impl Liar {
    /// Answers whoever connects with `answer`.
    pub fn new(cluster: &'static str, answer: impl Fn(SocketAddr) -> Vec<u8>) -> Self {
        let (udp, tcp) = sockets([127, 0, 0, 1].into());
        let address = udp.local_addr().unwrap();
        let answer = answer(address);
        let tcp = net::TcpListener::from_std(tcp).unwrap();
        let mut serves = JoinSet::new();
        serves.spawn(async move {
            loop {
                let (mut stream, _) = tcp.accept().await.unwrap();
                let mut asked = vec![0; 20_000];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self {
            udp: net::UdpSocket::from_std(udp).unwrap(),
            cluster,
            address,
            _serves: serves,
        }
    }

    /// Says that it is there, and of which version.
    pub async fn tell(&self, to: SocketAddr, heartbeat: u64, version: u64) {
        let entry = entry(LIAR, heartbeat, version, self.address);
        let packet = [&header(self.cluster)[..], &[0, 1], &entry].concat();
        self.send(to, &packet).await;
    }

    pub async fn send(&self, to: SocketAddr, packet: &[u8]) {
        self.udp.send_to(packet, to).await.unwrap();
    }

    /// The next packet that somebody sends to it.
    pub async fn heard(&self) -> Vec<u8> {
        let mut packet = vec![0; 65_536];
        let received = self.udp.recv_from(&mut packet);
        let received = tokio::time::timeout(Duration::from_secs(20), received).await;
        let (length, _) = received.expect("somebody sends").unwrap();
        packet.truncate(length);
        packet
    }
}

pub fn header(cluster: &str) -> Vec<u8> {
    let mut bytes = b"cg\x01".to_vec();
    bytes.push(cluster.len() as u8);
    bytes.extend(cluster.as_bytes());
    bytes
}

pub fn entry(id: u64, heartbeat: u64, version: u64, address: SocketAddr) -> Vec<u8> {
    let IpAddr::V4(ip) = address.ip() else {
        panic!("{address}");
    };
    let numbers = [id, heartbeat, version].map(u64::to_be_bytes).concat();
    let port = address.port().to_be_bytes();
    [&numbers[..], &[4], &ip.octets(), &port].concat()
}

/// An answer with one process, and one record of it.
pub fn answer(entry: &[u8], service: &str, id: &str, record: &[u8]) -> Vec<u8> {
    let mut delta = entry.to_vec();
    delta.extend([0; 16]);
    delta.extend(0_u32.to_be_bytes());
    delta.extend(1_u32.to_be_bytes());
    for name in [service, id] {
        delta.push(name.len() as u8);
        delta.extend(name.as_bytes());
    }
    delta.extend(1_u64.to_be_bytes());
    delta.extend(1_u64.to_be_bytes());
    delta.extend(120_000_u32.to_be_bytes());
    delta.push(1);
    delta.extend((record.len() as u32).to_be_bytes());
    delta.extend(record);
    let length = (delta.len() as u32).to_be_bytes();
    [&length[..], &delta, &[0; 4]].concat()
}
