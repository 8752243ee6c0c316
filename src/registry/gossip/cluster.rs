//! What one process knows of its cluster: no socket, and no clock of its own.

use super::{
    super::record,
    member::{
        BYTES_MAX, Delta, GONE_KEPT, Key, LEASE_MIN, NODE_BYTES_MAX, NODE_RECORDS_MAX, Node,
        Record, SILENT_AFTER, is_host, micros,
    },
    wire::{Entry, Kind, NodeId, Packet},
};
use crate::{Instance, Result, Status, check_service};
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Processes of a cluster; the rest of a larger one is passed over.
pub(super) const NODES_MAX: usize = 1_000;
/// Who hears nobody for so long is cut off.
pub(super) const ALONE_AFTER: Duration = Duration::from_secs(3);

/// How long the first process of a cluster waits for others before it begins alone.
const BEGINS_ALONE_AFTER: Duration = Duration::from_secs(1);

/// Where a process stands in its cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has asked, and may still be answered.
    Joins,
    /// It knows what the others know.
    Joined,
    /// It hears nobody.
    Alone,
}

/// What somebody's packet asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// The sender has something new: where to get it.
    pub(super) fetch_from: Option<SocketAddr>,
    /// What the sender should hear, and where.
    pub(super) answer: Option<(SocketAddr, Vec<Entry>)>,
    /// Somebody is back who was silent, and with him perhaps what he had registered.
    pub(super) is_return: bool,
}

#[derive(Debug)]
pub(super) struct Cluster {
    own: NodeId,
    nodes: BTreeMap<NodeId, Node>,
    started: Instant,
    /// When somebody else was last heard.
    heard: Option<Instant>,
    /// Whether somebody's whole state was read since it was last alone.
    is_synced: bool,
    /// Whether its own packets came back from where others were to be: it is one of those
    /// that all others ask first.
    is_seed: bool,
    /// What others have last shown to know of it: heartbeat and version.
    acknowledged: (u64, u64),
}

impl Cluster {
    /// Of a process that others reach at `address`.
    pub(super) fn new(own: NodeId, address: SocketAddr, now: Instant) -> Self {
        let entry = Entry {
            id: own,
            // What is known of a process that had this id is older.
            heartbeat: micros(),
            version: 0,
            address,
        };
        Self {
            own,
            nodes: BTreeMap::from([(own, Node::new(entry, now))]),
            started: now,
            heard: None,
            is_synced: false,
            is_seed: false,
            acknowledged: (0, 0),
        }
    }

    /// Sees to it that `instance` is listed until its lease has passed; whether anything
    /// has to be told for that.
    pub(super) fn put(
        &mut self,
        instance: &Instance,
        lease: Duration,
        now: Instant,
    ) -> Result<bool> {
        let key = Key {
            service: instance.service.clone(),
            id: instance.id.clone(),
        };
        let written: Arc<[u8]> = record::write(instance).into();
        let record = Record::new(self.stamp(&key), 0, lease, Some(written));
        let until = now + record.lease;
        let own = self.own_mut();
        if let Some(known) = own.records.get_mut(&key)
            && known.bytes == record.bytes
            && known.lease == record.lease
        {
            known.until = Some(until);
            return Ok(false);
        }
        let is_new = !own.records.contains_key(&key);
        let bytes = own.bytes + record.cost(&key);
        if is_new && own.records.len() >= NODE_RECORDS_MAX || bytes > NODE_BYTES_MAX {
            return Err(Status::resource_exhausted(format!(
                "a process of a gossiping cluster registers {NODE_RECORDS_MAX} instances and \
                 {NODE_BYTES_MAX} bytes at most"
            )));
        }
        own.write(key, record, until);
        Ok(true)
    }

    /// Takes an instance out, whoever put it in; whether anything has to be told for that.
    pub(super) fn remove(&mut self, instance: &Instance, now: Instant) -> bool {
        let key = Key {
            service: instance.service.clone(),
            id: instance.id.clone(),
        };
        let there = |node: &Node| {
            node.records
                .get(&key)
                .is_some_and(|one| one.bytes.is_some())
        };
        if !self.nodes.values().any(there) {
            return false;
        }
        // As long as what it takes out could last.
        let known = self
            .nodes
            .values()
            .filter_map(|node| node.records.get(&key));
        let kept = known.map(|one| one.lease).fold(GONE_KEPT, Duration::max);
        let gone = Record::new(self.stamp(&key), 0, kept, None);
        self.own_mut().write(key, gone, now + kept);
        true
    }

    /// Higher than those of all records of that key.
    fn stamp(&self, key: &Key) -> u64 {
        let known = self.nodes.values().filter_map(|node| node.records.get(key));
        let highest = known.map(|record| record.stamp).max().unwrap_or(0);
        micros().max(highest.saturating_add(1))
    }

    fn own_mut(&mut self) -> &mut Node {
        self.nodes.get_mut(&self.own).expect("it knows itself")
    }

    pub(super) fn own(&self) -> Entry {
        self.nodes[&self.own].entry
    }

    /// The records of `service` that count now, and when the next of them ends.
    pub(super) fn live(
        &self,
        service: &str,
        now: Instant,
    ) -> (BTreeMap<&Key, &Record>, Option<Instant>) {
        let first = Key {
            service: service.to_owned(),
            id: String::new(),
        };
        let mut best: BTreeMap<&Key, (u64, NodeId, &Record)> = BTreeMap::new();
        let mut next: Option<Instant> = None;
        for (id, node) in &self.nodes {
            let of_service = node.records.range(&first..);
            for (key, record) in of_service.take_while(|(key, _)| key.service == service) {
                let ends = node.ends(record);
                if ends <= now {
                    continue;
                }
                next = Some(next.map_or(ends, |next| next.min(ends)));
                let rank = (record.stamp, *id, record);
                let known = best.entry(key).or_insert(rank);
                if (known.0, known.1) < (rank.0, rank.1) {
                    *known = rank;
                }
            }
        }
        let counts = best.into_iter().map(|(key, (_, _, record))| (key, record));
        (
            counts
                .filter(|(_, record)| record.bytes.is_some())
                .collect(),
            next,
        )
    }

    /// Where it stands.
    pub(super) fn standing(&self, now: Instant) -> Standing {
        let heard = self.heard.unwrap_or(self.started);
        let is_heard = now.duration_since(heard) < ALONE_AFTER;
        let since_start = now.duration_since(self.started);
        match () {
            () if self.heard.is_some() && is_heard && self.is_synced => Standing::Joined,
            () if self.is_seed
                && !(self.heard.is_some() && is_heard)
                && since_start >= BEGINS_ALONE_AFTER =>
            {
                Standing::Joined
            }
            () if is_heard => Standing::Joins,
            () => Standing::Alone,
        }
    }

    /// Whether somebody has shown to know of that heartbeat and version of it, or nobody is
    /// there who could.
    pub(super) fn is_acknowledged(&self, heartbeat: u64, version: u64, now: Instant) -> bool {
        let heard = self
            .heard
            .is_some_and(|at| now.duration_since(at) < ALONE_AFTER);
        let (known_heartbeat, known_version) = self.acknowledged;
        known_heartbeat >= heartbeat && known_version >= version
            || self.is_seed && !heard && self.standing(now) == Standing::Joined
    }

    /// One more sign of life, of whose number it is.
    pub(super) fn beat(&mut self, now: Instant) -> u64 {
        let own = self.own_mut();
        own.heard = now;
        own.entry.heartbeat += 1;
        own.entry.heartbeat
    }

    /// Ends what is over; whether that may have changed a list.
    pub(super) fn tick(&mut self, now: Instant) -> bool {
        if self.standing(now) == Standing::Alone {
            self.is_synced = false;
        }
        let own = self.own;
        let before = self.nodes.len();
        self.nodes.retain(|id, node| {
            let longest = node.records.values().map(|record| record.lease).max();
            let kept = SILENT_AFTER.max(longest.unwrap_or_default());
            *id == own || now.duration_since(node.heard) < kept
        });
        let own = self.own_mut();
        let over = |record: &Record| record.until.is_some_and(|until| until <= now);
        own.forget(over);
        let ended = own.records.iter().filter(|(_, record)| over(record));
        let ended: Vec<_> = ended
            .map(|(key, record)| (key.clone(), record.stamp))
            .collect();
        for (key, stamp) in &ended {
            // Who has registered it since counts.
            own.write(
                key.clone(),
                Record::new(*stamp, 0, GONE_KEPT, None),
                now + GONE_KEPT,
            );
        }
        !ended.is_empty() || self.nodes.len() != before
    }

    /// All that may be told of to others, itself first.
    pub(super) fn entries(&self, now: Instant) -> Vec<Entry> {
        let own = self.own();
        let others = self.others(now).map(|node| node.entry);
        std::iter::once(own).chain(others).collect()
    }

    /// Where the others are: those who were heard of just now, if there are any.
    pub(super) fn peers(&self, now: Instant) -> Vec<SocketAddr> {
        let is_heard = |node: &&Node| now.duration_since(node.heard) < ALONE_AFTER;
        let heard = self.others(now).filter(is_heard);
        let heard: Vec<_> = heard.map(|node| node.entry.address).collect();
        if !heard.is_empty() {
            return heard;
        }
        self.others(now).map(|node| node.entry.address).collect()
    }

    fn others(&self, now: Instant) -> impl Iterator<Item = &Node> {
        let others = self.nodes.values();
        others.filter(move |node| node.entry.id != self.own && !node.is_silent(now))
    }

    /// Takes over what a packet says, which came from `source`.
    pub(super) fn hear(&mut self, packet: &Packet, source: SocketAddr, now: Instant) -> Reply {
        let mut reply = Reply::default();
        let mut sender = packet.entries[0];
        if sender.address.ip().is_unspecified() {
            sender.address.set_ip(source.ip().to_canonical());
        }
        if sender.id == self.own {
            self.is_seed = true;
            return reply;
        }
        if !is_host(sender.address) {
            return reply;
        }
        self.heard = Some(now);
        let mut fetches = !self.is_synced;
        let mut behind = Vec::new();
        let mut answers = packet.kind == Kind::Asks;
        for (nth, entry) in packet.entries.iter().enumerate() {
            let Some(known) = self.nodes.get_mut(&entry.id) else {
                fetches |= self.nodes.len() < NODES_MAX;
                continue;
            };
            if entry.id == self.own {
                answers |= self.hear_of_itself(*entry);
                continue;
            }
            if entry.heartbeat > known.entry.heartbeat {
                known.entry.heartbeat = entry.heartbeat;
                reply.is_return |= now.duration_since(known.heard) >= LEASE_MIN;
                known.heard = now;
            }
            if nth == 0 && entry.heartbeat == known.entry.heartbeat {
                known.entry.address = sender.address;
            }
            fetches |= entry.version > known.entry.version;
            if entry.version < known.entry.version {
                behind.push(known.entry);
            }
        }
        reply.fetch_from = fetches.then_some(sender.address);
        // Answers to answers would have no end.
        if packet.kind != Kind::Answers && (answers || !behind.is_empty()) {
            let known = self.nodes.get(&sender.id).map(|node| node.entry);
            let asker = known.unwrap_or(Entry {
                version: 0,
                ..sender
            });
            behind.splice(..0, [self.own(), asker]);
            reply.answer = Some((sender.address, behind));
        }
        reply
    }

    /// Takes over what another says of it; whether that is not the last.
    fn hear_of_itself(&mut self, said: Entry) -> bool {
        let own = self.own();
        if said.heartbeat > own.heartbeat || said.version > own.version {
            // Somebody lies, or had this id before: it is another from now on.
            self.become_another();
            return true;
        }
        let (heartbeat, version) = &mut self.acknowledged;
        *heartbeat = said.heartbeat.max(*heartbeat);
        *version = said.version.max(*version);
        said.version < own.version
    }

    fn become_another(&mut self) {
        if let Some(mut own) = self.nodes.remove(&self.own) {
            self.own = fastrand::u64(1..);
            own.entry.id = self.own;
            self.nodes.insert(self.own, own);
            self.acknowledged = (0, 0);
        }
    }

    /// Whom it knows, and how much of each.
    pub(super) fn known(&self) -> Vec<(NodeId, u64)> {
        let known = self.nodes.values().map(|node| node.entry);
        known.map(|entry| (entry.id, entry.version)).collect()
    }

    /// Those of whom somebody with such knowledge should hear.
    pub(super) fn newer_than(
        &self,
        known: &[(NodeId, u64)],
        now: Instant,
    ) -> Vec<(NodeId, Option<u64>)> {
        let known: HashMap<_, _> = known.iter().copied().collect();
        let own = std::iter::once(&self.nodes[&self.own]);
        let newer = own.chain(self.others(now)).filter_map(|node| {
            let since = known.get(&node.entry.id).copied();
            let is_news = since.is_none_or(|since| since < node.entry.version);
            is_news.then_some((node.entry.id, since))
        });
        newer.collect()
    }

    /// What has changed of a process since a version of it.
    pub(super) fn delta(&self, id: NodeId, since: Option<u64>, now: Instant) -> Option<Delta> {
        let node = self.nodes.get(&id)?;
        // Of what was taken out before, nobody would be told.
        let since = since.filter(|since| *since >= node.floor).unwrap_or(0);
        let newer = node
            .records
            .iter()
            .filter(|(_, record)| record.version > since);
        Some(Delta {
            entry: node.entry,
            since,
            floor: node.floor,
            age: now.duration_since(node.heard),
            records: newer
                .map(|(key, record)| (key.clone(), record.told()))
                .collect(),
        })
    }

    /// Takes over what somebody at `source` knows of a process; whether that may have
    /// changed a list.
    pub(super) fn apply(&mut self, mut delta: Delta, source: SocketAddr, now: Instant) -> bool {
        let mut entry = delta.entry;
        if entry.address.ip().is_unspecified() {
            entry.address.set_ip(source.ip().to_canonical());
        }
        let heard = now.checked_sub(delta.age).unwrap_or(now);
        let is_full = !self.nodes.contains_key(&entry.id) && self.nodes.len() >= NODES_MAX;
        if entry.id == self.own || is_full || delta.age >= SILENT_AFTER || !is_host(entry.address) {
            return false;
        }
        let others = self.nodes.values().filter(|node| node.entry.id != entry.id);
        let others: usize = others.map(|node| node.bytes).sum();
        let begin = Entry {
            version: 0,
            ..entry
        };
        let node = self
            .nodes
            .entry(entry.id)
            .or_insert_with(|| Node::new(begin, heard));
        if entry.heartbeat > node.entry.heartbeat {
            node.entry.heartbeat = entry.heartbeat;
            node.heard = node.heard.max(heard);
        }
        if entry.version <= node.entry.version || delta.since > node.entry.version {
            return false;
        }
        if delta.since == 0 {
            // What is not among them is there no more; what was read of the rest is.
            for (key, record) in &delta.records {
                node.records.get(key).inspect(|old| record.keep_read(old));
            }
            node.records.clear();
            node.bytes = 0;
        }
        let since = node.entry.version;
        delta.records.retain(|(key, record)| {
            let is_new = delta.since == 0 || record.version > since;
            is_new && record.version <= entry.version && check_service(&key.service).is_ok()
        });
        for (key, record) in delta.records {
            let bytes = node.bytes + record.cost(&key);
            let is_new = !node.records.contains_key(&key);
            let fits = bytes <= NODE_BYTES_MAX && others + bytes <= BYTES_MAX;
            if fits && !(is_new && node.records.len() >= NODE_RECORDS_MAX) {
                node.insert(key, record);
            }
        }
        node.entry.version = entry.version;
        node.floor = node.floor.max(delta.floor);
        let floor = node.floor;
        node.forget(|record| record.version <= floor);
        self.give_way(entry.id, now);
        true
    }

    /// Lets go of what `other` has registered, or taken out, later.
    fn give_way(&mut self, other: NodeId, now: Instant) {
        let Some(mut own) = self.nodes.remove(&self.own) else {
            return;
        };
        if let Some(theirs) = self.nodes.get(&other) {
            let is_beaten = |(key, record): (&Key, &Record)| {
                let later = theirs.records.get(key)?;
                let beats = (later.stamp, other) > (record.stamp, self.own);
                (record.bytes.is_some() && beats).then(|| (key.clone(), record.stamp))
            };
            let beaten: Vec<_> = own.records.iter().filter_map(is_beaten).collect();
            for (key, stamp) in beaten {
                own.write(key, Record::new(stamp, 0, GONE_KEPT, None), now + GONE_KEPT);
            }
        }
        self.nodes.insert(self.own, own);
    }

    /// Whoever was asked has told all there was.
    pub(super) fn synced(&mut self, now: Instant) {
        self.heard = Some(now);
        self.is_synced = true;
    }

    /// What to tell `peer` at that address once its news have been read.
    pub(super) fn thanks(&self, peer: SocketAddr) -> Vec<Entry> {
        let of_peer = self.nodes.values().map(|node| node.entry);
        let of_peer = of_peer.filter(|entry| entry.address == peer && entry.id != self.own);
        std::iter::once(self.own()).chain(of_peer).collect()
    }
}

#[cfg(test)]
mod tests;
