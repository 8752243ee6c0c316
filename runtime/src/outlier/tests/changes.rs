//! Addresses that come and go.

use super::*;

fn eject(cluster: &mut Cluster, id: u64) {
    cluster.record(id, Outcome::Failed, 5);
    assert_eq!(cluster.sweep(), [Change::Ejected(id)]);
}

#[test]
fn an_address_that_leaves_and_returns_is_still_ejected() {
    let mut cluster = Cluster::new(breaker(), 3);
    eject(&mut cluster, 1);
    cluster.pass(SECOND);
    cluster.remove(1);
    assert!(!cluster.outliers.is_ejected(1));
    // As another subchannel.
    let health = cluster.outliers.add(7, &address(1));
    assert!(cluster.outliers.is_ejected(7));
    assert_eq!(cluster.pass(4 * SECOND), [Change::Returned(7)]);
    // On probation, and once more is the second time.
    health.record(health.era(), Outcome::Failed);
    assert_eq!(cluster.sweep(), [Change::Ejected(7)]);
    assert_eq!(cluster.multiplier(1), 2);
}

#[test]
fn one_whose_time_was_over_while_it_was_away_is_on_probation() {
    let mut cluster = Cluster::new(breaker(), 3);
    eject(&mut cluster, 1);
    cluster.remove(1);
    assert_eq!(cluster.pass(5 * SECOND), []);
    cluster.add(1);
    assert_eq!(cluster.left_alone(), NOBODY);
    cluster.record(1, Outcome::Failed, 1);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
}

#[test]
fn coming_back_while_ejections_are_ignored_proves_nothing() {
    let mut cluster = Cluster::new(breaker(), 3);
    (1..=3).for_each(|id| cluster.record(id, Outcome::Failed, 5));
    cluster.sweep();
    cluster.remove(1);
    cluster.add(1);
    assert_eq!(cluster.sweep(), []);
    assert_eq!(cluster.ejected(), [1, 2, 3]);
    cluster.record(1, Outcome::Answered, 5);
    cluster.sweep();
    assert_eq!(cluster.ejected(), [2, 3]);
}

#[test]
fn one_that_was_not_ejected_comes_back_without_a_past() {
    let mut cluster = Cluster::new(breaker(), 3);
    cluster.record(1, Outcome::Failed, 4);
    let before = cluster.health[&1].clone();
    cluster.remove(1);
    assert_eq!(cluster.outliers.entries.len(), 2);
    cluster.add(1);
    // A call that is still on its way is the old subchannel's.
    before.record(before.era(), Outcome::Failed);
    cluster.record(1, Outcome::Failed, 4);
    assert_eq!(cluster.sweep(), []);
}

#[test]
fn absent_addresses_are_forgotten_once_they_made_up_for_it() {
    let mut cluster = Cluster::new(breaker(), 3);
    eject(&mut cluster, 1);
    cluster.remove(1);
    for expected in [3, 3, 2] {
        cluster.interval();
        cluster.interval();
        let known = cluster.outliers.entries.len();
        assert!(known <= expected, "{known} known, {expected} expected");
    }
    assert_eq!(cluster.outliers.entries.len(), 2);
}

#[test]
fn so_many_absent_addresses_are_remembered_and_no_more() {
    let mut cluster = Cluster::new(breaker(), 2);
    for id in 10..10 + 2 * ABSENT_MAX as u64 {
        cluster.add(id);
        cluster.record(id, Outcome::Failed, 5);
        cluster.sweep();
        cluster.remove(id);
    }
    assert_eq!(cluster.outliers.entries.len(), 2 + ABSENT_MAX);
    assert_eq!(cluster.outliers.addresses.len(), 2);
}

#[test]
fn absent_addresses_count_for_nothing() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 10);
    (1..=5).for_each(|id| cluster.record(id, Outcome::Failed, 5));
    cluster.sweep();
    assert_eq!(cluster.left_alone().len(), 5);
    (1..=4).for_each(|id| cluster.remove(id));
    // One of six: room for more before half are.
    cluster.record(6, Outcome::Failed, 5);
    cluster.record(7, Outcome::Failed, 5);
    cluster.sweep();
    assert_eq!(cluster.left_alone(), [5, 6, 7]);
}

#[test]
fn subchannels_of_one_address_are_ejected_together() {
    let mut cluster = Cluster::new(breaker(), 3);
    let second = cluster.outliers.add(9, &address(1));
    assert!(Arc::ptr_eq(&second, &cluster.health[&1]));
    cluster.record(1, Outcome::Failed, 3);
    (0..2).for_each(|_| second.record(second.era(), Outcome::Failed));
    assert_eq!(cluster.sweep(), [Change::Ejected(1), Change::Ejected(9)]);
    cluster.remove(1);
    assert!(cluster.outliers.is_ejected(9));
    assert_eq!(cluster.pass(5 * SECOND), [Change::Returned(9)]);
}

#[test]
fn unknown_subchannels_are_nobodys() {
    let mut cluster = Cluster::new(breaker(), 3);
    cluster.outliers.remove(99);
    assert!(!cluster.outliers.is_ejected(99));
}

#[test]
fn off_ejects_nothing() {
    let mut cluster = Cluster::new(OutlierDetection::off(), 5);
    assert!(OutlierDetection::off().is_off());
    cluster.hundreds(&[100, 0, 0, 0, 0]);
    assert_eq!(cluster.pass(60 * SECOND), []);
    assert_eq!(cluster.ejected(), NOBODY);
}
