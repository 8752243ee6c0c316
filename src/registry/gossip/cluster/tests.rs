use super::*;

const SERVICE: &str = "a.v1.B";
const LEASE: Duration = Duration::from_secs(10);

fn address(id: NodeId) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, id as u8], 7))
}

fn instance(id: &str, weight: u32) -> Instance {
    let mut instance = Instance::new(SERVICE, id, "10.0.0.7:80".parse().expect("an address"));
    instance.weight = weight;
    instance
}

/// Processes that reach each other when the test says so.
struct Bench {
    clusters: Vec<Cluster>,
    now: Instant,
}

impl Bench {
    fn new(count: u64) -> Self {
        let now = Instant::now();
        let clusters = (1..=count).map(|id| Cluster::new(id, address(id), now));
        Self {
            clusters: clusters.collect(),
            now,
        }
    }

    fn put(&mut self, at: usize, id: &str, weight: u32) -> bool {
        let now = self.now;
        self.clusters[at]
            .put(&instance(id, weight), LEASE, now)
            .expect("it is there")
    }

    /// A packet from one to another, and what follows from it.
    fn tell(&mut self, from: usize, to: usize) {
        let now = self.now;
        self.clusters[from].beat(now);
        let packet = Packet {
            kind: Kind::Tells,
            entries: self.clusters[from].entries(now),
        };
        let source = self.clusters[from].own().address;
        let reply = self.clusters[to].hear(&packet, source, now);
        if reply.fetch_from == Some(source) {
            self.fetch(to, from);
        }
        if let Some((_, entries)) = reply.answer {
            let kind = Kind::Answers;
            let answer = Packet { kind, entries };
            let source = self.clusters[to].own().address;
            if self.clusters[from]
                .hear(&answer, source, now)
                .fetch_from
                .is_some()
            {
                self.fetch(from, to);
            }
        }
    }

    fn fetch(&mut self, by: usize, from: usize) {
        let now = self.now;
        let known = self.clusters[by].known();
        let source = self.clusters[from].own().address;
        for (id, since) in self.clusters[from].newer_than(&known, now) {
            let delta = self.clusters[from]
                .delta(id, since, now)
                .expect("it is there");
            self.clusters[by].apply(delta, source, now);
        }
        self.clusters[by].synced(now);
    }

    fn tell_all(&mut self) {
        for from in 0..self.clusters.len() {
            for to in 0..self.clusters.len() {
                if from != to {
                    self.tell(from, to);
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        let now = self.now;
        for cluster in &mut self.clusters {
            cluster.tick(now);
        }
    }

    /// Ids and weights of what is listed.
    fn list(&self, at: usize) -> Vec<(String, u32)> {
        let (live, _) = self.clusters[at].live(SERVICE, self.now);
        let live = live.into_iter();
        live.map(|(key, record)| {
            (
                key.id.clone(),
                record.read(key).as_ref().expect("it is there").weight,
            )
        })
        .collect()
    }

    fn assert_all(&self, listed: &[(&str, u32)]) {
        for at in 0..self.clusters.len() {
            let wanted = listed
                .iter()
                .map(|(id, weight)| ((*id).to_owned(), *weight));
            assert_eq!(self.list(at), wanted.collect::<Vec<_>>(), "process {at}");
        }
    }
}

#[test]
fn what_one_registers_all_list_until_its_lease_ends() {
    let mut bench = Bench::new(3);
    assert!(bench.put(0, "one", 1));
    // By way of the second.
    bench.tell(0, 1);
    bench.tell(1, 2);
    bench.tell(1, 0);
    bench.assert_all(&[("one", 1)]);
    bench.pass(LEASE / 2);
    assert!(!bench.put(0, "one", 1), "a renewal is nothing new");
    bench.tell_all();
    bench.pass(LEASE / 2);
    bench.tell_all();
    bench.assert_all(&[("one", 1)]);
    bench.pass(LEASE / 2);
    bench.tell_all();
    bench.assert_all(&[]);
}

#[test]
fn what_the_dead_registered_ends_though_others_remember_them() {
    let mut bench = Bench::new(3);
    bench.put(0, "one", 1);
    bench.tell_all();
    for _ in 0..9 {
        bench.pass(LEASE / 10);
        bench.tell(1, 2);
        bench.tell(2, 1);
    }
    assert_eq!(bench.list(1).len(), 1);
    bench.pass(LEASE / 10);
    bench.tell(1, 2);
    assert!(bench.list(1).is_empty() && bench.list(2).is_empty());
    // Whoever comes then hears nothing of it, and it is forgotten.
    for _ in 0..3 {
        bench.pass(LEASE);
        bench.tell(1, 2);
        bench.tell(2, 1);
    }
    assert_eq!(bench.clusters[2].nodes.len(), 2);
    assert_eq!(bench.clusters[1].entries(bench.now).len(), 2);
}

#[test]
fn the_later_of_two_counts_wherever_it_was_registered() {
    let mut bench = Bench::new(3);
    bench.put(0, "one", 1);
    bench.tell_all();
    bench.put(1, "one", 2);
    bench.tell_all();
    bench.tell_all();
    bench.assert_all(&[("one", 2)]);
    // Who was first has let go of it, and takes it back if it still is there.
    assert!(bench.put(0, "one", 1));
    bench.tell_all();
    bench.tell_all();
    bench.assert_all(&[("one", 1)]);
}

#[test]
fn what_anybody_takes_out_is_out_until_it_is_registered_again() {
    let mut bench = Bench::new(3);
    bench.put(0, "one", 1);
    bench.put(0, "two", 2);
    bench.tell_all();
    let now = bench.now;
    assert!(bench.clusters[2].remove(&instance("one", 1), now));
    assert!(!bench.clusters[2].remove(&instance("three", 1), now));
    bench.tell_all();
    bench.assert_all(&[("two", 2)]);
    bench.pass(LEASE / 2);
    bench.tell_all();
    bench.put(0, "two", 2);
    assert!(bench.put(0, "one", 1));
    bench.tell_all();
    bench.assert_all(&[("one", 1), ("two", 2)]);
}

#[test]
fn what_was_taken_out_long_ago_is_not_remembered_and_not_back() {
    let mut bench = Bench::new(2);
    bench.put(0, "one", 1);
    bench.put(0, "two", 2);
    bench.tell_all();
    let now = bench.now;
    bench.clusters[0].remove(&instance("one", 1), now);
    // The second hears nothing of it, but that the first lives.
    for _ in 0..14 {
        bench.pass(LEASE / 2);
        bench.put(0, "two", 2);
        let now = bench.now;
        let heartbeat = bench.clusters[0].beat(now);
        let first = bench.clusters[1].nodes.get_mut(&1).expect("it is there");
        (first.entry.heartbeat, first.heard) = (heartbeat, now);
    }
    assert_eq!(bench.clusters[0].nodes[&1].records.len(), 1);
    assert_eq!(bench.list(1).len(), 2);
    bench.put(0, "two", 3);
    bench.tell_all();
    bench.assert_all(&[("two", 3)]);
}

#[test]
fn a_cluster_has_no_more_processes_than_it_may() {
    let mut bench = Bench::new(2);
    bench.tell_all();
    let now = bench.now;
    for id in 10..NODES_MAX as u64 + 100 {
        let entry = Entry {
            id,
            heartbeat: 1,
            version: 1,
            address: address(9),
        };
        let delta = Delta {
            entry,
            since: 0,
            floor: 0,
            age: Duration::ZERO,
            records: Vec::new(),
        };
        bench.clusters[0].apply(delta, address(9), now);
    }
    assert_eq!(bench.clusters[0].nodes.len(), NODES_MAX);
    // Those that are in it go on.
    bench.put(1, "one", 1);
    bench.tell(1, 0);
    assert_eq!(bench.list(0).len(), 1);
}

#[test]
fn a_process_has_no_more_records_than_it_may() {
    let mut bench = Bench::new(2);
    bench.tell_all();
    let now = bench.now;
    let large: Arc<[u8]> = vec![b'x'; 1 << 20].into();
    let record = |version| Record::new(1, version, LEASE, Some(large.clone()));
    let key = |id: u64| Key {
        service: SERVICE.to_owned(),
        id: id.to_string(),
    };
    let delta = Delta {
        entry: Entry {
            id: 9,
            heartbeat: 1,
            version: 100,
            address: address(9),
        },
        since: 0,
        floor: 0,
        age: Duration::ZERO,
        records: (1..=100).map(|nth| (key(nth), record(nth))).collect(),
    };
    assert!(bench.clusters[0].apply(delta, address(9), now));
    assert!(bench.clusters[0].nodes[&9].bytes <= NODE_BYTES_MAX);
    let mut refused = None;
    for nth in 0..=NODE_RECORDS_MAX {
        let one = instance(&nth.to_string(), 1);
        refused = bench.clusters[1].put(&one, LEASE, now).err();
    }
    assert_eq!(
        refused.expect("it is there").code(),
        crate::Code::ResourceExhausted
    );
}

#[test]
fn nobody_can_be_made_to_seem_dead() {
    let mut bench = Bench::new(3);
    bench.put(0, "one", 1);
    bench.tell_all();
    let lie = Packet {
        kind: Kind::Tells,
        entries: vec![
            bench.clusters[2].own(),
            Entry {
                heartbeat: u64::MAX,
                version: u64::MAX,
                ..bench.clusters[0].own()
            },
        ],
    };
    let (now, source) = (bench.now, address(3));
    bench.clusters[1].hear(&lie, source, now);
    bench.tell(1, 0);
    assert_ne!(bench.clusters[0].own().id, 1);
    bench.pass(LEASE / 2);
    bench.put(0, "one", 1);
    bench.tell_all();
    bench.pass(LEASE / 2);
    bench.tell_all();
    bench.assert_all(&[("one", 1)]);
}

#[test]
fn whoever_hears_nobody_is_alone_unless_others_ask_him_first() {
    let mut bench = Bench::new(2);
    let standing = |bench: &Bench, at: usize| bench.clusters[at].standing(bench.now);
    assert_eq!(standing(&bench, 0), Standing::Joins);
    let own = bench.clusters[0].own();
    let packet = Packet {
        kind: Kind::Tells,
        entries: vec![own],
    };
    let now = bench.now;
    bench.clusters[0].hear(&packet, own.address, now);
    bench.pass(BEGINS_ALONE_AFTER);
    assert_eq!(standing(&bench, 0), Standing::Joined);
    bench.tell_all();
    assert_eq!(standing(&bench, 1), Standing::Joined);
    bench.pass(ALONE_AFTER);
    assert_eq!(standing(&bench, 1), Standing::Alone);
    assert_eq!(standing(&bench, 0), Standing::Joined);
    // Before it tells a list it asks what it has missed.
    bench.pass(Duration::ZERO);
    let packet = Packet {
        kind: Kind::Tells,
        entries: bench.clusters[0].entries(bench.now),
    };
    let now = bench.now;
    let reply = bench.clusters[1].hear(&packet, own.address, now);
    assert_eq!(reply.fetch_from, Some(own.address));
    assert_eq!(standing(&bench, 1), Standing::Joins);
}

#[test]
fn no_answer_is_answered() {
    let mut bench = Bench::new(2);
    bench.tell_all();
    bench.put(1, "one", 1);
    for kind in [Kind::Tells, Kind::Asks, Kind::Answers] {
        let packet = Packet {
            kind,
            entries: bench.clusters[0].entries(bench.now),
        };
        let (source, now) = (address(1), bench.now);
        let reply = bench.clusters[1].hear(&packet, source, now);
        assert_eq!(reply.answer.is_some(), kind != Kind::Answers, "{kind:?}");
    }
}
