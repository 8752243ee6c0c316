//! Servers at addresses of their own, and what they executed.

use super::{
    Stack, Version,
    client::Client,
    process::{Place, Process},
};
use crate::Result;
use std::{
    collections::HashMap,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Below those that systems give to clients: a server that is gone for a while
/// finds its port free when it comes back, and nobody is connected to himself.
const PORT_MIN: u16 = 20_000;
const PORTS: u16 = 10_000;
const ID_BYTES: usize = 8;

/// How often each order was executed, by its id.
pub(super) type Executed = HashMap<u64, u32>;

#[derive(Debug)]
pub(super) struct Cluster {
    nodes: Vec<Node>,
    logs: Scratch,
}

#[derive(Debug)]
struct Node {
    place: Place,
    process: Option<Process>,
    /// A log for each time it was started.
    logs: Vec<PathBuf>,
}

impl Cluster {
    /// Nobody yet.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            nodes: Vec::new(),
            logs: Scratch::new()?,
        })
    }

    /// So many servers of a kind, all of them running.
    pub(super) async fn of(stack: Stack, count: usize) -> Result<Self> {
        let mut cluster = Self::new()?;
        for nth in 0..count {
            cluster.add(stack, None, None)?;
            cluster.start(nth).await?;
        }
        Ok(cluster)
    }

    /// So many servers of ours that a registry tells of, all of them running.
    pub(super) async fn listed(registry: &str, version: Version, count: usize) -> Result<Self> {
        let mut cluster = Self::new()?;
        for nth in 0..count {
            cluster.add_listed(registry)?;
            cluster.set_version(nth, version);
            cluster.start(nth).await?;
        }
        Ok(cluster)
    }

    /// A place for one more server, which is not started; its address.
    pub(super) fn add(
        &mut self,
        stack: Stack,
        places: Option<usize>,
        next: Option<String>,
    ) -> Result<String> {
        let address = free_address()?;
        self.nodes.push(Node {
            place: Place {
                places,
                next,
                ..Place::new(stack, address.clone())
            },
            process: None,
            logs: Vec::new(),
        });
        Ok(address)
    }

    /// A place for one more server of ours that a registry tells of; its address.
    pub(super) fn add_listed(&mut self, registry: &str) -> Result<String> {
        let address = self.add(Stack::Cordial, None, None)?;
        if let Some(node) = self.nodes.last_mut() {
            node.place.registry = Some(registry.to_owned());
        }
        Ok(address)
    }

    /// What the server is from its next start on.
    pub(super) fn set_version(&mut self, nth: usize, version: Version) {
        self.nodes[nth].place.version = version;
    }

    pub(super) fn addresses(&self) -> Vec<String> {
        let addresses = self.nodes.iter().map(|node| node.place.address.clone());
        addresses.collect()
    }

    pub(super) async fn start(&mut self, nth: usize) -> Result {
        let node = &mut self.nodes[nth];
        let log = self.logs.file(nth, node.logs.len());
        node.process = Some(Process::start(&node.place, &log).await?);
        node.logs.push(log);
        Ok(())
    }

    fn running(&self, nth: usize) -> Result<&Process> {
        let process = self.nodes[nth].process.as_ref();
        Ok(process.ok_or("the server does not run")?)
    }

    /// `kill -9`; when.
    pub(super) fn kill(&mut self, nth: usize) -> Result<Instant> {
        let process = self.nodes[nth].process.take();
        process.ok_or("the server does not run")?.kill()
    }

    pub(super) fn stop(&self, nth: usize) -> Result {
        self.running(nth)?.stop()
    }

    pub(super) fn go_on(&self, nth: usize) -> Result {
        self.running(nth)?.go_on()
    }

    /// Asks it to end, and waits; how long that took, if it did not take too long.
    pub(super) async fn end(&mut self, nth: usize) -> Result<Option<Duration>> {
        let process = self.nodes[nth].process.take();
        process.ok_or("the server does not run")?.end().await
    }

    /// A channel to one of them alone.
    pub(super) fn client_of(&self, nth: usize) -> Result<Client> {
        let place = &self.nodes[nth].place;
        Client::to(place.stack, std::slice::from_ref(&place.address), None)
    }

    /// By all servers.
    pub(super) fn executed(&self) -> Result<Executed> {
        self.count(self.nodes.iter().flat_map(|node| &node.logs))
    }

    /// By one server.
    pub(super) fn executed_by(&self, nth: usize) -> Result<Executed> {
        self.count(&self.nodes[nth].logs)
    }

    /// By one server since it was last started.
    pub(super) fn executed_last_by(&self, nth: usize) -> Result<Executed> {
        self.count(self.nodes[nth].logs.last())
    }

    fn count<'a>(&self, logs: impl IntoIterator<Item = &'a PathBuf>) -> Result<Executed> {
        let mut executed = Executed::new();
        for log in logs {
            let bytes = std::fs::read(log)?;
            let (ids, rest) = bytes.as_chunks::<ID_BYTES>();
            if !rest.is_empty() {
                return Err(format!("{}: half an id", log.display()).into());
            }
            for id in ids {
                *executed.entry(u64::from_be_bytes(*id)).or_default() += 1;
            }
        }
        Ok(executed)
    }
}

/// An address on which nobody listens.
pub(super) fn free_address() -> Result<String> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id() % u32::from(PORTS))?;
    for _ in 0..PORTS {
        let nth = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(offset);
        let address = format!("127.0.0.1:{}", PORT_MIN + nth % PORTS);
        if TcpListener::bind(&address).is_ok() {
            return Ok(address);
        }
    }
    Err("no port is free".into())
}

/// A directory of its own, removed when dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (pid, nth) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(format!("bench-faults-{pid}-{nth}"));
        std::fs::create_dir_all(&directory)?;
        Ok(Self(directory))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Where a server writes down what it executes.
    fn file(&self, server: usize, start: usize) -> PathBuf {
        self.0.join(format!("{server}.{start}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("bench: cannot remove `{}`: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cluster, Stack, free_address};

    #[test]
    fn what_was_executed_is_counted_over_all_logs() {
        let mut cluster = Cluster::new().unwrap();
        for _ in 0..2 {
            cluster.add(Stack::Cordial, None, None).unwrap();
        }
        let ids = |ids: &[u64]| ids.iter().flat_map(|id| id.to_be_bytes()).collect();
        let logs: [(usize, Vec<u8>); 3] = [(0, ids(&[7, 8])), (0, ids(&[9])), (1, ids(&[8]))];
        for (start, (nth, bytes)) in logs.into_iter().enumerate() {
            let log = cluster.logs.file(nth, start);
            std::fs::write(&log, bytes).unwrap();
            cluster.nodes[nth].logs.push(log);
        }
        assert_eq!(cluster.executed().unwrap(), [(7, 1), (8, 2), (9, 1)].into());
        assert_eq!(cluster.executed_by(1).unwrap(), [(8, 1)].into());
        assert_eq!(cluster.executed_last_by(0).unwrap(), [(9, 1)].into());
        std::fs::write(cluster.nodes[1].logs.last().unwrap(), [0; 12]).unwrap();
        assert!(cluster.executed().is_err());
    }

    #[test]
    fn nobody_is_given_an_address_twice() {
        let (one, other) = (free_address().unwrap(), free_address().unwrap());
        assert_ne!(one, other);
    }
}
