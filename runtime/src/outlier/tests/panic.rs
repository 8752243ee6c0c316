//! Too few addresses would be left.

use super::*;
use Outcome::{Answered, Failed};

/// So many are left alone, once `bad` of `hosts` are ejected.
fn left_alone(threshold: u32, hosts: u64, bad: u64) -> usize {
    let mut cluster = Cluster::new(breaker().with_panic_threshold(threshold), hosts);
    (1..=bad).for_each(|id| cluster.record(id, Failed, 5));
    cluster.sweep();
    let ignored = cluster.metric("ejections_ignored", None) == 1;
    assert_eq!(
        ignored,
        cluster.left_alone().len() != cluster.ejected().len()
    );
    cluster.left_alone().len()
}

#[test]
fn panic_threshold_vectors() {
    for (threshold, hosts, bad, expected) in [
        // Half of them must be left.
        (50, 2, 1, 1),
        (50, 2, 2, 0),
        (50, 3, 1, 1),
        (50, 3, 2, 0),
        (50, 3, 3, 0),
        (50, 10, 5, 5),
        (50, 10, 6, 0),
        (50, 10, 10, 0),
        (50, 100, 50, 50),
        (50, 100, 51, 0),
        // All of them, none of them, two thirds of them.
        (100, 100, 1, 0),
        (0, 10, 10, 10),
        (0, 2, 2, 2),
        (66, 3, 1, 1),
        (67, 3, 1, 0),
        (90, 10, 1, 1),
        (91, 10, 1, 0),
    ] {
        let found = left_alone(threshold, hosts, bad);
        assert_eq!(found, expected, "{threshold} % of {hosts}, {bad} bad");
    }
}

#[test]
fn those_left_alone_before_come_back() {
    let mut cluster = Cluster::new(breaker(), 3);
    cluster.record(1, Failed, 5);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
    cluster.pass(SECOND);
    cluster.record(2, Failed, 5);
    assert_eq!(cluster.sweep(), [Change::Returned(1)]);
    assert_eq!(cluster.ejected(), [1, 2]);
    // When the first one's time is over, the other is left alone in its stead.
    assert_eq!(cluster.pass(4 * SECOND), [Change::Ejected(2)]);
    assert_eq!(cluster.pass(SECOND), [Change::Returned(2)]);
}

#[test]
fn an_address_that_leaves_may_bring_it_about_and_one_that_comes_end_it() {
    let mut cluster = Cluster::new(breaker(), 2);
    cluster.record(1, Failed, 5);
    cluster.sweep();
    assert_eq!(cluster.left_alone(), [1]);
    cluster.remove(2);
    assert_eq!(cluster.left_alone(), NOBODY);
    cluster.add(3);
    assert_eq!(cluster.left_alone(), [1]);
}

#[test]
fn one_that_answers_meanwhile_is_ejected_no_longer() {
    let mut cluster = Cluster::new(breaker(), 2);
    (1..=2).for_each(|id| cluster.record(id, Failed, 5));
    cluster.sweep();
    assert_eq!(cluster.ejected(), [1, 2]);
    cluster.record(1, Answered, 4);
    cluster.record(1, Failed, 1);
    cluster.record(1, Answered, 4);
    assert_eq!(cluster.sweep(), []);
    cluster.record(1, Answered, 1);
    // The other is the one that is ill.
    assert_eq!(cluster.sweep(), [Change::Ejected(2)]);
    // It has proved itself: it takes five failures again.
    cluster.record(1, Failed, 4);
    assert_eq!(cluster.sweep(), []);
}

#[test]
fn calls_in_flight_prove_nothing() {
    let mut cluster = Cluster::new(breaker(), 3);
    cluster.record(1, Failed, 5);
    cluster.sweep();
    let health = cluster.health[&1].clone();
    let era = health.era();
    cluster.record(1, Answered, 100);
    assert_eq!(cluster.sweep(), []);
    cluster.record(2, Failed, 5);
    assert_eq!(cluster.sweep(), [Change::Returned(1)]);
    (0..100).for_each(|_| health.record(era, Answered));
    assert_eq!(cluster.sweep(), []);
    assert_eq!(cluster.ejected(), [1, 2]);
}

#[test]
fn counts_go_back_to_one() {
    let mut cluster = Cluster::new(breaker(), 2);
    for times in 1..=3 {
        cluster.record(1, Failed, 5);
        assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
        assert_eq!(cluster.multiplier(1), times);
        if times < 3 {
            cluster.pass(5 * times * SECOND);
        }
    }
    cluster.record(2, Failed, 5);
    assert_eq!(cluster.sweep(), [Change::Returned(1)]);
    assert_eq!(cluster.multiplier(1), 1);
    cluster.pass(5 * SECOND);
    assert_eq!(cluster.ejected(), NOBODY);
}

/// How long after an outage of all it takes until all get calls again.
fn recovery(hosts: u64, outage: u64) -> Duration {
    let mut cluster = Cluster::new(breaker(), hosts);
    let mut chance = fastrand::Rng::with_seed(outage);
    let mut called = |cluster: &mut Cluster, outcome, calls: std::ops::Range<u32>| {
        let left_alone = cluster.left_alone();
        for id in (1..=hosts).filter(|id| !left_alone.contains(id)) {
            cluster.record(id, outcome, chance.u32(calls.clone()));
        }
        cluster.sweep();
        cluster.pass(SECOND);
    };
    (0..outage).for_each(|_| called(&mut cluster, Failed, 0..5));
    let back = cluster.now;
    while !cluster.ejected().is_empty() {
        called(&mut cluster, Answered, 1..10);
    }
    cluster.now - back
}

#[test]
fn an_outage_of_all_is_nobodys_fault() {
    for hosts in [2, 3, 10] {
        for outage in 600..630 {
            let took = recovery(hosts, outage);
            assert!(took <= 20 * SECOND, "{hosts} after {outage} s: {took:?}");
        }
    }
}

#[test]
fn comparison_heeds_it_too() {
    let config = by_failure_percentage(FailurePercentage::new())
        .with_max_ejection_percent(100)
        .with_panic_threshold(50);
    let mut cluster = Cluster::new(config, 5);
    assert_eq!(cluster.interval_of(&[100, 100, 100, 0, 0]), []);
    assert_eq!(cluster.ejected(), [1, 2, 3]);
    assert_eq!(cluster.interval_of(&[0; 5]), []);
    assert_eq!(cluster.pass(20 * SECOND), []);
    assert_eq!(cluster.ejected(), NOBODY);
}
