use super::*;

const LEASE: Duration = Duration::from_secs(10);

fn instance(id: &str, weight: u32) -> Instance {
    let address = "10.0.0.7:80".parse().expect("an address");
    let mut instance = Instance::new("a.v1.B", id, address);
    instance.weight = weight;
    instance
}

/// Hosts of one network, all of whose announcements reach all of them.
struct Network {
    hosts: Vec<State>,
    now: Instant,
    names: u32,
}

impl Network {
    fn new(hosts: usize) -> Self {
        Self {
            hosts: (0..hosts).map(|_| State::default()).collect(),
            now: Instant::now(),
            names: 0,
        }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("name-{}", self.names)
    }

    fn announce(&mut self, own: &Own) {
        let now = self.now;
        for at in 0..self.hosts.len() {
            let over = self.hosts[at].hear(own.name.clone(), own.txt.clone(), self.now);
            if let Some(over) = over {
                self.hosts
                    .iter_mut()
                    .for_each(|host| host.forget(&over, now));
            }
        }
    }

    fn put(&mut self, at: usize, id: &str, weight: u32) -> Own {
        let name = self.name();
        let (one, now) = (instance(id, weight), self.now);
        let own = self.hosts[at].put(&one, 80, LEASE, now, || name);
        let own = own.expect("there is room");
        self.announce(&own);
        own
    }

    fn remove(&mut self, at: usize, id: &str) {
        let name = self.name();
        let (one, now) = (instance(id, 1), self.now);
        if let Some((gone, was_last)) = self.hosts[at].remove(&one, 80, now, || name) {
            self.announce(&gone);
            if was_last {
                self.hosts
                    .iter_mut()
                    .for_each(|host| host.forget(&gone.name, now));
            }
        }
    }

    fn assert_listed(&self, listed: &[(&str, u32)]) {
        for host in &self.hosts {
            let (live, _) = host.live("a.v1.B", self.now);
            let live = live.iter().map(|(id, read)| {
                let instance = read.as_ref().expect("a record");
                (&**id, instance.weight)
            });
            assert_eq!(live.collect::<Vec<_>>(), listed);
        }
    }
}

#[test]
fn what_is_announced_is_listed_for_its_lease() {
    let mut network = Network::new(2);
    let first = network.put(0, "one", 1);
    network.assert_listed(&[("one", 1)]);
    network.now += LEASE / 2;
    network.put(0, "one", 1);
    network.now += LEASE / 2;
    // A cache that repeats itself is no sign of life.
    network.announce(&first);
    network.assert_listed(&[("one", 1)]);
    network.now += LEASE / 2;
    network.assert_listed(&[]);
    let now = network.now;
    let ended = network.hosts[0].ended(now);
    assert_eq!(ended.len(), 1);
    assert!(network.hosts[0].ended(now).is_empty() && network.hosts[0].next_end().is_none());
    // Who has heard of it late hears the end of it.
    let mut late = State::default();
    late.hear(first.name, first.txt, now);
    assert_eq!(late.live("a.v1.B", now).0.len(), 1);
    late.hear(ended[0].name.clone(), ended[0].txt.clone(), now);
    assert!(late.live("a.v1.B", now).0.is_empty());
}

#[test]
fn a_renewal_is_read_as_what_was_read_before() {
    let mut network = Network::new(1);
    network.put(0, "one", 1);
    let (before, _) = network.hosts[0].live("a.v1.B", network.now);
    network.put(0, "one", 1);
    let (after, _) = network.hosts[0].live("a.v1.B", network.now);
    let (before, after) = (&before[0].1, &after[0].1);
    assert!(Arc::ptr_eq(
        before.as_ref().expect("a record"),
        after.as_ref().expect("a record")
    ));
}

#[test]
fn the_later_of_two_hosts_counts_and_the_other_gives_way() {
    let mut network = Network::new(3);
    network.put(0, "one", 1);
    network.put(1, "one", 2);
    network.assert_listed(&[("one", 2)]);
    assert!(network.hosts[0].own.is_empty());
    // Who still is there says so, and is the later one then.
    network.put(0, "one", 3);
    network.assert_listed(&[("one", 3)]);
}

#[test]
fn what_anybody_takes_out_is_out_until_it_is_announced_again() {
    let mut network = Network::new(2);
    network.put(0, "one", 1);
    network.put(0, "two", 1);
    network.remove(1, "one");
    network.remove(1, "three");
    network.assert_listed(&[("two", 1)]);
    network.put(0, "one", 1);
    network.assert_listed(&[("one", 1), ("two", 1)]);
    network.remove(0, "one");
    network.remove(0, "two");
    network.assert_listed(&[]);
    assert!(network.hosts[0].own.is_empty());
}

#[test]
fn what_caches_repeat_after_a_goodbye_is_old() {
    let mut network = Network::new(2);
    let old = network.put(0, "one", 1);
    network.put(0, "one", 1);
    network.remove(0, "one");
    network.announce(&old);
    network.assert_listed(&[]);
    // Whoever was thought to be gone is there with his next announcement.
    let second = network.put(0, "two", 2);
    let now = network.now;
    network.hosts[1].forget(&second.name, now);
    network.put(0, "two", 2);
    network.assert_listed(&[("two", 2)]);
    network.now += OVER_KEPT;
    let now = network.now;
    network.hosts[1].forget("nothing", now);
    assert_eq!(network.hosts[1].heard.len(), 1);
}

#[test]
fn a_network_has_no_more_records_than_are_held() {
    let mut network = Network::new(1);
    let own = network.put(0, "one", 1);
    for nth in 0..=RECORDS_MAX {
        let txt = own.txt.clone();
        network.hosts[0].hear(format!("other-{nth}"), txt, network.now);
    }
    assert_eq!(network.hosts[0].heard.len(), RECORDS_MAX);
    // Those whose leases have passed make room.
    network.now += LEASE;
    network.put(0, "two", 1);
    network.assert_listed(&[("two", 1)]);
    let mut refused = None;
    for nth in 0..=OWN_MAX {
        let one = instance(&nth.to_string(), 1);
        let now = network.now;
        let put = network.hosts[0].put(&one, 80, LEASE, now, || format!("own-{nth}"));
        refused = put.err();
    }
    assert_eq!(
        refused.expect("too many").code(),
        crate::Code::ResourceExhausted
    );
}
