//! What is known of one process of a cluster: its records.

use super::{super::record, wire::Entry};
use crate::{Instance, Result};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Records of one process,
pub(super) const NODE_RECORDS_MAX: usize = 10_000;
/// bytes of these as they are sent,
pub(super) const NODE_BYTES_MAX: usize = 16 << 20;
/// and of all processes.
pub(super) const BYTES_MAX: usize = 128 << 20;
/// What a record costs beside its text.
const RECORD_COST: usize = 200;

/// Shorter leases would end between two signs of life that were lost.
pub(super) const LEASE_MIN: Duration = Duration::from_secs(1);
/// Others may not ask to be remembered for longer.
const LEASE_MAX: Duration = Duration::from_secs(2 * 3600);

/// How long it is remembered that an instance was taken out: longer than whoever had it
/// in takes to hear of that.
pub(super) const GONE_KEPT: Duration = Duration::from_secs(60);

/// Whoever was not heard of for so long is no longer told of to others.
pub(super) const SILENT_AFTER: Duration = Duration::from_secs(20);

/// Where a record belongs. Ordered by service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) service: String,
    pub(super) id: String,
}

#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Of several records of one key that of the highest stamp counts.
    pub(super) stamp: u64,
    /// Of its process, when it was written.
    pub(super) version: u64,
    pub(super) lease: Duration,
    /// The instance; without it, it is one that was taken out.
    pub(super) bytes: Option<Arc<[u8]>>,
    read: OnceLock<Result<Arc<Instance>, String>>,
    /// When it ends, if it is our own.
    pub(super) until: Option<Instant>,
}

/// What one process has changed since a version of its records.
pub(super) struct Delta {
    pub(super) entry: Entry,
    /// What is known already; without anything, these are all records.
    pub(super) since: u64,
    /// Of what was taken out before this version nothing is known any more.
    pub(super) floor: u64,
    /// How long ago there was a sign of life.
    pub(super) age: Duration,
    pub(super) records: Vec<(Key, Record)>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) entry: Entry,
    pub(super) floor: u64,
    /// The last sign of life.
    pub(super) heard: Instant,
    pub(super) records: BTreeMap<Key, Record>,
    pub(super) bytes: usize,
}

impl Record {
    pub(super) fn new(stamp: u64, version: u64, lease: Duration, bytes: Option<Arc<[u8]>>) -> Self {
        Self {
            stamp,
            version,
            lease: lease.clamp(LEASE_MIN, LEASE_MAX),
            bytes,
            read: OnceLock::new(),
            until: None,
        }
    }

    /// As others have it.
    pub(super) fn told(&self) -> Self {
        Self {
            until: None,
            ..self.clone()
        }
    }

    pub(super) fn cost(&self, key: &Key) -> usize {
        let text = self.bytes.as_ref().map_or(0, |bytes| bytes.len());
        RECORD_COST + key.service.len() + key.id.len() + text
    }

    /// Takes over what was read of the same text.
    pub(super) fn keep_read(&self, old: &Self) {
        if self.bytes == old.bytes
            && let Some(read) = old.read.get()
        {
            self.read.get_or_init(|| read.clone());
        }
    }

    /// The instance that it is the record of.
    pub(super) fn read(&self, key: &Key) -> &Result<Arc<Instance>, String> {
        self.read.get_or_init(|| {
            let instance = record::read(self.bytes.as_deref().unwrap_or_default())?;
            match (&instance.service, &instance.id) == (&key.service, &key.id) {
                true => Ok(Arc::new(instance)),
                false => Err("its service and id are not its key".to_owned()),
            }
        })
    }
}

impl Node {
    pub(super) fn new(entry: Entry, heard: Instant) -> Self {
        Self {
            entry,
            floor: 0,
            heard,
            records: BTreeMap::new(),
            bytes: 0,
        }
    }

    pub(super) fn insert(&mut self, key: Key, record: Record) {
        self.bytes += record.cost(&key);
        if let Some(old) = self.records.get(&key) {
            record.keep_read(old);
            self.bytes -= old.cost(&key);
        }
        self.records.insert(key, record);
    }

    /// Writes what has changed about one of our own.
    pub(super) fn write(&mut self, key: Key, mut record: Record, until: Instant) {
        self.entry.version += 1;
        record.version = self.entry.version;
        record.until = Some(until);
        self.insert(key, record);
    }

    /// Lets go of records, all of which were taken out.
    pub(super) fn forget(&mut self, is_over: impl Fn(&Record) -> bool) {
        let bytes = &mut self.bytes;
        let mut floor = self.floor;
        self.records.retain(|key, record| {
            let goes = record.bytes.is_none() && is_over(record);
            if goes {
                *bytes -= record.cost(key);
                floor = floor.max(record.version);
            }
            !goes
        });
        self.floor = floor;
    }

    /// When what it says is no longer true, if it is not heard of again.
    pub(super) fn ends(&self, record: &Record) -> Instant {
        record.until.unwrap_or(self.heard + record.lease)
    }

    pub(super) fn is_silent(&self, now: Instant) -> bool {
        now.duration_since(self.heard) >= SILENT_AFTER
    }
}

/// Whether one process could be there. Where clouds keep credentials, there is none.
pub(super) fn is_host(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    let is_one = !ip.is_unspecified() && !ip.is_multicast() && ip != Ipv4Addr::BROADCAST;
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    is_one && !is_link_local && address.port() != 0
}

/// Since 1970.
pub(super) fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_leads_to_no_address_that_is_not_a_host() {
        for host in ["10.0.0.7:7946", "127.0.0.1:1", "[2001:db8::1]:7946"] {
            assert!(is_host(host.parse().unwrap()), "{host}");
        }
        for none in [
            "10.0.0.7:0",
            "0.0.0.0:1",
            "224.0.0.1:1",
            "255.255.255.255:1",
            "169.254.169.254:80",
            "[::ffff:169.254.169.254]:80",
            "[fe80::1]:80",
        ] {
            assert!(!is_host(none.parse().unwrap()), "{none}");
        }
    }
}
