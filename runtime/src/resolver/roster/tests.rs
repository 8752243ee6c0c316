use super::*;
use crate::metrics::Metric;

const SERVICE: &str = "a.v1.B";

struct Bench {
    roster: Roster,
    counts: Counts,
    begun: Instant,
}

impl Bench {
    fn new() -> Self {
        let rules = Rules {
            service: SERVICE.to_owned(),
            allows_link_local: false,
            allows_unix: false,
        };
        let counts = Counts::default();
        Self {
            roster: Roster::new(rules, counts.clone()),
            counts,
            begun: Instant::now(),
        }
    }

    /// Takes a list at so many seconds.
    fn take(&mut self, seconds: u64, instances: impl IntoIterator<Item = Instance>) {
        let listing: Listing = instances.into_iter().map(Arc::new).collect();
        self.roster
            .take(&listing, self.begun + Duration::from_secs(seconds));
    }

    fn take_ids(&mut self, seconds: u64, ids: &str) {
        self.take(seconds, ids.chars().map(instance));
    }

    /// The letters of those that are called at so many seconds.
    fn called(&mut self, seconds: u64) -> String {
        let called = self
            .roster
            .endpoints(self.begun + Duration::from_secs(seconds));
        called.iter().map(letter).collect()
    }

    fn metric(&self, name: &str, label: Option<&str>) -> u64 {
        let is =
            |metric: &Metric| metric.name == name && metric.label.map(|(_, value)| value) == label;
        self.counts.iter().find(is).expect("a metric").value
    }

    fn skipped(&self, reason: &str) -> u64 {
        self.metric("registry_records_skipped_total", Some(reason))
    }
}

fn instance(letter: char) -> Instance {
    let address = format!("10.0.0.{}:1", letter as u8);
    Instance::new(SERVICE, letter, address.parse().expect("an address"))
}

fn letter(endpoint: &Endpoint) -> char {
    let Address::Tcp(std::net::SocketAddr::V4(address)) = endpoint.address() else {
        panic!("{endpoint:?}");
    };
    char::from(address.ip().octets()[3])
}

#[tokio::test]
async fn lists_are_followed() {
    let mut bench = Bench::new();
    bench.take_ids(0, "cab");
    assert_eq!(bench.called(0), "abc");
    bench.take_ids(1, "abcd");
    assert_eq!(bench.called(1), "abcd");
    // One of four that goes is gone at once.
    bench.take_ids(2, "abd");
    assert_eq!(bench.called(2), "abd");
    assert_eq!(bench.metric("registry_instances_listed", None), 3);
    assert_eq!(bench.metric("registry_lists_total", None), 3);
}

#[tokio::test]
async fn a_registry_that_lost_its_data_is_not_believed_for_a_minute() {
    let mut bench = Bench::new();
    bench.take_ids(0, "abcd");
    bench.take_ids(10, "");
    assert_eq!(bench.called(10), "abcd");
    assert_eq!(bench.metric("registry_instances_kept", None), 4);
    // They come back, one after another.
    bench.take_ids(12, "a");
    assert_eq!(bench.called(12), "abcd");
    bench.take_ids(14, "ab");
    assert_eq!(bench.called(14), "ab");
    bench.take_ids(16, "abcd");
    assert_eq!(bench.called(16), "abcd");
    assert_eq!(bench.metric("registry_instances_kept", None), 0);
    // They do not.
    bench.take_ids(20, "");
    assert_eq!(bench.called(79), "abcd");
    assert_eq!(bench.called(80), "");
    assert!(bench.roster.is_empty());
}

#[tokio::test]
async fn many_that_go_one_after_another_went_at_once() {
    let mut bench = Bench::new();
    bench.take_ids(0, "abcdef");
    for (seconds, left) in [(1, "bcdef"), (2, "cdef"), (3, "def")] {
        bench.take_ids(seconds, left);
        assert_eq!(bench.called(seconds), left);
    }
    bench.take_ids(4, "ef");
    assert_eq!(bench.called(4), "abcdef");
    // After a minute it is true.
    assert_eq!(bench.called(61), "bcdef");
    // No more are gone than are left.
    assert_eq!(bench.called(62), "ef");
}

#[tokio::test]
async fn what_comes_and_goes_is_called_when_it_has_stayed() {
    let mut bench = Bench::new();
    bench.take_ids(0, "abcd");
    for seconds in [1, 3, 5] {
        bench.take_ids(seconds, "bcd");
        bench.take_ids(seconds + 1, "abcd");
    }
    assert_eq!(bench.called(6), "bcd");
    assert_eq!(bench.metric("registry_instances_held", None), 1);
    assert_eq!(bench.called(15), "bcd");
    assert_eq!(bench.called(16), "abcd");
    assert_eq!(bench.metric("registry_instances_held", None), 0);
    // After a quiet minute it begins anew.
    bench.take_ids(70, "abcd");
    bench.take_ids(71, "bcd");
    bench.take_ids(72, "abcd");
    assert_eq!(bench.called(72), "abcd");
}

#[tokio::test]
async fn if_all_come_and_go_it_is_the_registry() {
    let mut bench = Bench::new();
    bench.take_ids(0, "abcd");
    for seconds in [1, 3, 5] {
        bench.take_ids(seconds, "");
        assert_eq!(bench.called(seconds), "abcd");
        bench.take_ids(seconds + 1, "abcd");
        assert_eq!(bench.called(seconds + 1), "abcd");
    }
}

#[tokio::test]
async fn bad_records_are_counted_and_the_rest_serve() {
    let mut bench = Bench::new();
    let with = |letter, change: fn(&mut Instance)| {
        let mut changed = instance(letter);
        change(&mut changed);
        changed
    };
    let listed = [
        instance('a'),
        with('b', |one| {
            one.address = "169.254.169.254:80".parse().expect("an address")
        }),
        with('c', |one| {
            one.address = "unix:/var/run/docker.sock".parse().expect("an address")
        }),
        with('d', |one| one.service = "other.v1.Service".to_owned()),
        with('e', |one| one.weight = u32::MAX),
        with('f', |one| one.id = "../f".to_owned()),
        with('a', |one| {
            one.address = "10.0.0.99:1".parse().expect("an address")
        }),
        instance('g'),
    ];
    bench.take(0, listed);
    assert_eq!(bench.called(0), "ag");
    assert_eq!(bench.skipped("address"), 2);
    assert_eq!(bench.skipped("name"), 2);
    assert_eq!(bench.skipped("size"), 1);
    assert_eq!(bench.skipped("duplicate"), 1);

    let mut listing: Listing = [Arc::new(instance('a'))].into_iter().collect();
    listing.skip("it is no record");
    bench.roster.take(&listing, bench.begun);
    assert_eq!(bench.skipped("unreadable"), 1);
}

#[tokio::test]
async fn the_unhealthy_are_called_if_nobody_else_is_there() {
    let mut bench = Bench::new();
    let ill = |letter| {
        let mut ill = instance(letter);
        ill.healthy = false;
        ill
    };
    bench.take(0, [instance('a'), ill('b')]);
    assert_eq!(bench.called(0), "a");
    bench.take(1, [ill('a'), ill('b')]);
    assert_eq!(bench.called(1), "ab");
}

#[tokio::test]
async fn the_unhealthy_that_are_listed_are_not_given_up_for_those_that_went() {
    let mut bench = Bench::new();
    let ill = |letter| {
        let mut ill = instance(letter);
        ill.healthy = false;
        ill
    };
    bench.take(0, ['a', 'b', 'c', 'd'].map(instance));
    bench.take(1, [ill('a')]);
    assert_eq!(bench.called(1), "abcd");
    // Of those that went the healthy ones were, if nobody is left.
    bench.take(2, []);
    assert_eq!(bench.called(2), "bcd");
}

#[tokio::test(start_paused = true)]
async fn what_falls_due_while_nobody_looks_is_due() {
    let mut bench = Bench::new();
    let at = |bench: &Bench, seconds| Some(bench.begun + Duration::from_secs(seconds));
    bench.take_ids(0, "ab");
    bench.take_ids(10, "");
    assert_eq!(bench.called(69), "ab");
    tokio::time::advance(Duration::from_secs(71)).await;
    assert_eq!(bench.roster.due(), at(&bench, 70));
    assert_eq!(bench.called(71), "");
    assert_eq!(bench.roster.due(), None);
    // So is the end of a hold, once.
    bench.take_ids(72, "abcd");
    for seconds in [73, 75, 77] {
        bench.take_ids(seconds, "bcd");
        bench.take_ids(seconds + 1, "abcd");
    }
    assert_eq!(bench.called(78), "bcd");
    tokio::time::advance(Duration::from_secs(30)).await;
    assert_eq!(bench.roster.due(), at(&bench, 88));
    assert_eq!(bench.called(101), "abcd");
    assert_eq!(bench.roster.due(), None);
}

#[tokio::test]
async fn the_later_instance_at_an_address_is_there() {
    let mut bench = Bench::new();
    let started = |letter, millis, weight| {
        let mut one = instance(letter);
        one.address = "10.0.0.120:1".parse().expect("an address");
        (one.started_millis, one.weight) = (millis, weight);
        one
    };
    bench.take(
        0,
        [
            started('a', 2, 20),
            started('b', 1, 10),
            started('c', 3, 30),
        ],
    );
    let called = bench.roster.endpoints(bench.begun);
    assert_eq!(called.len(), 1);
    assert_eq!(called[0].weight(), 30);
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let mut bench = Bench::new();
    for round in 0..4_u64 {
        let ids = (0..RECORDS_MAX).map(|nth| {
            let mut one = instance('a');
            one.id = format!("{round}-{nth}");
            Arc::new(one)
        });
        let listing: Listing = ids.collect();
        bench
            .roster
            .take(&listing, bench.begun + Duration::from_secs(round));
        assert!(bench.roster.known.len() <= 2 * RECORDS_MAX);
    }
    let mut listing = Listing::new();
    (0..RECORDS_MAX + 5).for_each(|_| listing.add(instance('a')));
    bench
        .roster
        .take(&listing, bench.begun + Duration::from_secs(9));
    assert_eq!(bench.skipped("count"), 5);
}
