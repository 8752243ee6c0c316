use crate::support::{assert_near, endpoint, endpoints, picks, ready};
use cordial_runtime::{Balancer, Connects, Endpoint, PickFirst, RoundRobin, Subset};
use std::collections::{HashMap, HashSet};
use twox_hash::XxHash64;

fn subset(size: usize, seed: u64) -> Subset<RoundRobin> {
    Subset::new(RoundRobin::new(), size).with_seed(seed)
}

fn chosen(of: &[Endpoint], size: usize, seed: u64) -> HashSet<Endpoint> {
    subset(size, seed).choose(of.to_vec()).into_iter().collect()
}

#[test]
fn so_many_or_all() {
    for (count, size, expected) in [
        (100, 20, 20),
        (100, 1, 1),
        (100, 0, 1),
        (100, 99, 99),
        (100, 100, 100),
        (100, 101, 100),
        (3, 20, 3),
        (0, 20, 0),
    ] {
        assert_eq!(chosen(&endpoints(count), size, 1).len(), expected);
    }
    for size in [3, 20] {
        assert_eq!(subset(size, 1).choose(endpoints(3)), endpoints(3));
    }
}

/// A68: those of the lowest hash of address and seed.
#[test]
fn the_lowest_hashes_are_chosen() {
    for seed in [0, 1, u64::MAX] {
        let mut expected = endpoints(50);
        let hash = |one: &Endpoint| XxHash64::oneshot(seed, one.address().to_string().as_bytes());
        expected.sort_by_key(hash);
        expected.truncate(10);
        assert_eq!(subset(10, seed).choose(endpoints(50)), expected);
        let backward = endpoints(50).into_iter().rev().collect();
        assert_eq!(subset(10, seed).choose(backward), expected);
    }
}

#[test]
fn clients_choose_their_own_and_keep_it() {
    let mut subsets = HashSet::new();
    for _ in 0..10 {
        let balancer = Subset::new(RoundRobin::new(), 5);
        let chosen = balancer.choose(endpoints(100));
        assert_eq!(balancer.choose(endpoints(100)), chosen);
        subsets.insert(chosen);
    }
    assert_eq!(subsets.len(), 10);
}

/// A68: a server that comes or goes changes at most one entry.
#[test]
fn a_server_that_comes_or_goes_changes_one() {
    let all = endpoints(50);
    for seed in 0..50 {
        let before = chosen(&all, 10, seed);
        for gone in 0..50 {
            let left: Vec<_> = all
                .iter()
                .filter(|one| **one != all[gone])
                .cloned()
                .collect();
            let then = chosen(&left, 10, seed);
            let lost = usize::from(before.contains(&all[gone]));
            assert_eq!(before.difference(&then).count(), lost);
            assert_eq!(then.difference(&before).count(), lost);
        }
    }
}

/// A68's samples of clients, servers and the size of subsets.
#[test]
fn servers_are_chosen_evenly() {
    for (clients, servers, size) in [
        (100, 100, 5),
        (100, 100, 25),
        (100, 10, 5),
        (500, 10, 5),
        (2_000, 10, 5),
    ] {
        let mut connections = HashMap::<Endpoint, u32>::new();
        for client in 0..clients {
            for server in chosen(&endpoints(servers), size, client) {
                *connections.entry(server).or_default() += 1;
            }
        }
        let part = size as f64 / servers as f64;
        let mean = part * clients as f64;
        let deviation = (mean * (1.0 - part)).sqrt();
        assert_eq!(connections.len(), servers);
        for count in connections.values() {
            assert_near(f64::from(*count), mean, 4.0 * deviation);
        }
    }
}

#[test]
fn the_rest_is_left_to_the_other() {
    let first = Subset::new(PickFirst::new(), 2);
    assert_eq!(first.connects(), Connects::First);
    assert_eq!(subset(2, 1).connects(), Connects::All);
    assert_eq!(picks(&*first.picker(ready(endpoints(3))), 3), [0; 3]);
    assert_eq!(
        picks(&*subset(2, 1).picker(ready([endpoint(7)])), 2),
        [0; 2]
    );
    let shuffled = PickFirst::new().with_shuffle(true);
    let shuffled = Subset::new(shuffled, 2).with_seed(1);
    let orders: HashSet<_> = (0..50).map(|_| shuffled.choose(endpoints(50))).collect();
    assert_eq!(orders.len(), 2, "two of fifty, in either order");
}
