//! What the processes of a cluster say to each other, as bytes.

use super::member::{Delta, Key, Record};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Bytes of a datagram: what passes every network in one piece.
pub(super) const PACKET_BYTES_MAX: usize = 1_200;

/// What everything begins with: a name, and a version that others must not misread.
const MAGIC: [u8; 3] = *b"cg\x01";

/// Chosen at random when a process starts, so that it is another when it starts again.
pub(super) type NodeId = u64;

/// Bytes of an entry, if its address is of IPv6.
const ENTRY_BYTES_MAX: usize = 8 + 8 + 8 + 1 + 16 + 2;

/// What is said of one process, itself or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: NodeId,
    /// Grows for as long as it lives.
    pub(super) heartbeat: u64,
    /// Grows with each change of its records.
    pub(super) version: u64,
    /// Where others reach it. Of a sender that does not know, the address is
    /// `0.0.0.0`, which stands for where its datagram came from.
    pub(super) address: SocketAddr,
}

/// What a datagram wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, but where the other knows less, or has more.
    Tells,
    /// That the other says what it knows.
    Asks,
    /// Nothing.
    Answers,
}

/// One datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) kind: Kind,
    /// The first is the sender's.
    pub(super) entries: Vec<Entry>,
}

impl Packet {
    /// As much of it as fits in `limit` bytes. One that asks has all of these bytes: no
    /// answer is longer than what it answers, or others could be flooded by way of us.
    pub(super) fn write(&self, cluster: &str, limit: usize) -> Vec<u8> {
        let mut bytes = header(cluster);
        bytes.push(self.kind as u8);
        let count_at = bytes.len();
        bytes.push(0);
        for entry in self.entries.iter().take(usize::from(u8::MAX)) {
            let end = bytes.len();
            put_entry(&mut bytes, entry);
            if bytes.len() > limit {
                bytes.truncate(end);
                break;
            }
            bytes[count_at] += 1;
        }
        if self.kind == Kind::Asks {
            bytes.resize(limit.max(bytes.len()), 0);
        }
        bytes
    }

    /// Reads a datagram of `cluster`; `None` if it is none.
    pub(super) fn read(bytes: &[u8], cluster: &str) -> Option<Self> {
        let mut reader = Reader(bytes);
        reader.header(cluster)?;
        let kind = match reader.byte()? {
            0 => Kind::Tells,
            1 => Kind::Asks,
            2 => Kind::Answers,
            _ => return None,
        };
        let count = reader.byte()?;
        let entries: Option<Vec<_>> = (0..count).map(|_| reader.entry()).collect();
        let entries = entries.filter(|entries| !entries.is_empty())?;
        Some(Self { kind, entries })
    }

    /// How many entries fit in one.
    pub(super) fn entries_max(cluster: &str) -> usize {
        (PACKET_BYTES_MAX - header(cluster).len() - 2) / ENTRY_BYTES_MAX
    }
}

/// Bytes of what a connection asks, if it knows so many processes.
pub(super) fn request_bytes(cluster: &str, nodes: usize) -> usize {
    header(cluster).len() + 4 + nodes * 16
}

/// Asks for all that is newer than `known`.
pub(super) fn write_request(cluster: &str, known: &[(NodeId, u64)]) -> Vec<u8> {
    let mut bytes = header(cluster);
    bytes.extend((known.len() as u32).to_be_bytes());
    for (id, version) in known {
        bytes.extend(id.to_be_bytes());
        bytes.extend(version.to_be_bytes());
    }
    bytes
}

/// The header of a request, and how many processes it names.
pub(super) fn read_request_header(bytes: &[u8], cluster: &str) -> Option<usize> {
    let mut reader = Reader(bytes);
    reader.header(cluster)?;
    usize::try_from(reader.u32()?).ok()
}

/// Those that a request names.
pub(super) fn read_known(bytes: &[u8]) -> Option<Vec<(NodeId, u64)>> {
    let mut reader = Reader(bytes);
    let mut known = Vec::with_capacity(bytes.len() / 16);
    while !reader.0.is_empty() {
        known.push((reader.u64()?, reader.u64()?));
    }
    Some(known)
}

/// One process and its records, as an answer has them.
pub(super) fn write_delta(delta: &Delta) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_entry(&mut bytes, &delta.entry);
    bytes.extend(delta.since.to_be_bytes());
    bytes.extend(delta.floor.to_be_bytes());
    bytes.extend(millis(delta.age).to_be_bytes());
    bytes.extend((delta.records.len() as u32).to_be_bytes());
    for (key, record) in &delta.records {
        put_name(&mut bytes, &key.service);
        put_name(&mut bytes, &key.id);
        bytes.extend(record.stamp.to_be_bytes());
        bytes.extend(record.version.to_be_bytes());
        bytes.extend(millis(record.lease).to_be_bytes());
        let written = record.bytes.as_deref();
        bytes.push(u8::from(written.is_some()));
        let written = written.unwrap_or_default();
        bytes.extend((written.len() as u32).to_be_bytes());
        bytes.extend(written);
    }
    bytes
}

/// Reads what [`write_delta`] wrote, of which there is no more than that.
pub(super) fn read_delta(bytes: &[u8]) -> Option<Delta> {
    let mut reader = Reader(bytes);
    let entry = reader.entry()?;
    let (since, floor) = (reader.u64()?, reader.u64()?);
    let age = Duration::from_millis(reader.u32()?.into());
    let count = reader.u32()?;
    let mut records = Vec::new();
    for _ in 0..count {
        let key = Key {
            service: reader.name()?,
            id: reader.name()?,
        };
        let (stamp, version) = (reader.u64()?, reader.u64()?);
        let lease = Duration::from_millis(reader.u32()?.into());
        let is_there = reader.byte()? != 0;
        let length = usize::try_from(reader.u32()?).ok()?;
        let written = reader.bytes(length)?;
        let bytes = is_there.then(|| written.into());
        records.push((key, Record::new(stamp, version, lease, bytes)));
    }
    reader.0.is_empty().then_some(Delta {
        entry,
        since,
        floor,
        age,
        records,
    })
}

fn header(cluster: &str) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    put_name(&mut bytes, cluster);
    bytes
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// Names have fewer than 256 bytes: they were checked.
fn put_name(bytes: &mut Vec<u8>, name: &str) {
    bytes.push(name.len() as u8);
    bytes.extend(name.as_bytes());
}

fn put_entry(bytes: &mut Vec<u8>, entry: &Entry) {
    for number in [entry.id, entry.heartbeat, entry.version] {
        bytes.extend(number.to_be_bytes());
    }
    match entry.address.ip() {
        IpAddr::V4(ip) => {
            bytes.push(4);
            bytes.extend(ip.octets());
        }
        IpAddr::V6(ip) => {
            bytes.push(6);
            bytes.extend(ip.octets());
        }
    }
    bytes.extend(entry.address.port().to_be_bytes());
}

/// What is left to read. Nothing that is missing is made up.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (read, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(read)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn name(&mut self) -> Option<String> {
        let length = self.byte()?;
        let name = self.bytes(length.into())?;
        std::str::from_utf8(name).ok().map(str::to_owned)
    }

    fn header(&mut self, cluster: &str) -> Option<()> {
        let ours = self.array()? == MAGIC && self.name()? == cluster;
        ours.then_some(())
    }

    fn entry(&mut self) -> Option<Entry> {
        let (id, heartbeat, version) = (self.u64()?, self.u64()?, self.u64()?);
        let ip: IpAddr = match self.byte()? {
            4 => self.array::<4>()?.into(),
            6 => self.array::<16>()?.into(),
            _ => return None,
        };
        let port = self.array().map(u16::from_be_bytes)?;
        Some(Entry {
            id,
            heartbeat,
            version,
            address: SocketAddr::new(ip, port),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u64, address: &str) -> Entry {
        Entry {
            id,
            heartbeat: 2,
            version: u64::MAX,
            address: address.parse().unwrap(),
        }
    }

    #[test]
    fn a_packet_reads_as_what_was_written() {
        let packet = Packet {
            kind: Kind::Asks,
            entries: vec![entry(1, "0.0.0.0:7"), entry(2, "[2001:db8::1]:65535")],
        };
        let bytes = packet.write("shop", PACKET_BYTES_MAX);
        assert_eq!(bytes.len(), PACKET_BYTES_MAX);
        assert_eq!(Packet::read(&bytes, "shop"), Some(packet));
        assert_eq!(Packet::read(&bytes, "other"), None);
    }

    #[test]
    fn a_packet_is_as_long_as_it_may_be() {
        let full = Packet::entries_max("shop");
        let entries: Vec<_> = (0..300).map(|id| entry(id, "[::1]:1")).collect();
        let packet = Packet {
            kind: Kind::Tells,
            entries,
        };
        let bytes = packet.write("shop", PACKET_BYTES_MAX);
        assert!(bytes.len() <= PACKET_BYTES_MAX);
        assert_eq!(Packet::read(&bytes, "shop").unwrap().entries.len(), full);
        let short = packet.write("shop", 100);
        assert_eq!(Packet::read(&short, "shop").unwrap().entries.len(), 2);
    }

    #[test]
    fn a_delta_reads_as_what_was_written() {
        let record =
            |bytes: Option<&[u8]>| Record::new(1, 2, Duration::from_secs(3), bytes.map(Into::into));
        let key = |id: &str| Key {
            service: "a.v1.B".to_owned(),
            id: id.to_owned(),
        };
        let delta = Delta {
            entry: entry(1, "10.0.0.1:7"),
            since: 3,
            floor: 4,
            age: Duration::from_millis(5),
            records: vec![
                (key("one"), record(Some(b"{}"))),
                (key("two"), record(None)),
            ],
        };
        let bytes = write_delta(&delta);
        let read = read_delta(&bytes).unwrap();
        assert_eq!(write_delta(&read), bytes);
        assert_eq!(read.records[0].1.bytes.as_deref(), Some(&b"{}"[..]));
        // No part of it, and nothing more than it, is one.
        for length in 0..bytes.len() {
            assert!(read_delta(&bytes[..length]).is_none());
        }
        assert!(read_delta(&[bytes, vec![0]].concat()).is_none());
    }

    #[test]
    fn requests_read_as_what_was_written() {
        let known = [(1, 2), (u64::MAX, 0)];
        let bytes = write_request("shop", &known);
        assert_eq!(bytes.len(), request_bytes("shop", 2));
        let (header, rest) = bytes.split_at(request_bytes("shop", 0));
        assert_eq!(read_request_header(header, "shop"), Some(2));
        assert_eq!(read_request_header(header, "shoq"), None);
        assert_eq!(read_known(rest).unwrap(), known);
        assert_eq!(read_known(&rest[1..]), None);
    }

    #[test]
    fn what_is_no_packet_is_none() {
        let good = Packet {
            kind: Kind::Tells,
            entries: vec![entry(1, "10.0.0.1:7")],
        };
        let good = good.write("shop", PACKET_BYTES_MAX);
        for length in 0..good.len() {
            assert_eq!(Packet::read(&good[..length], "shop"), None);
        }
        assert_eq!(Packet::read(&[0; 1_200], "shop"), None);
        let nobody = Packet {
            kind: Kind::Tells,
            entries: Vec::new(),
        };
        assert_eq!(Packet::read(&nobody.write("shop", 100), "shop"), None);
    }
}
