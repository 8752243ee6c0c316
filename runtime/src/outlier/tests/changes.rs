//! Addresses that come and go, and rules that change.

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

#[test]
fn turned_off_all_return_and_are_forgiven() {
    let mut cluster = Cluster::new(breaker(), 3);
    eject(&mut cluster, 1);
    let now = cluster.now;
    let changes = cluster.outliers.configure(OutlierDetection::off(), now);
    assert_eq!(changes, [Change::Returned(1)]);
    assert_eq!((cluster.multiplier(1), cluster.outliers.next()), (0, None));
    cluster.record(1, Outcome::Failed, 100);
    assert_eq!(cluster.pass(60 * SECOND), []);
    // Turned on again it begins anew.
    let now = cluster.now;
    assert_eq!(cluster.outliers.configure(breaker(), now), []);
    assert_eq!(cluster.sweep(), []);
    eject(&mut cluster, 1);
}

#[test]
fn turned_on_calls_are_counted_from_then_on() {
    let mut cluster = Cluster::new(OutlierDetection::off(), 5);
    cluster.hundreds(&[100, 0, 0, 0, 0]);
    cluster.pass(SECOND);
    let now = cluster.now;
    assert_eq!(cluster.outliers.configure(a50(), now), []);
    assert_eq!(cluster.outliers.next(), Some(now + 10 * SECOND));
    assert_eq!(cluster.interval(), []);
    assert_eq!(
        cluster.interval_of(&[100, 0, 0, 0, 0]),
        [Change::Ejected(1)]
    );
}

#[test]
fn another_interval_is_counted_from_when_the_current_one_began() {
    for (interval, passed, next) in [(10, 4, 6), (30, 4, 26), (5, 4, 1), (3, 4, 0)] {
        let mut cluster = Cluster::new(a50(), 5);
        let began = cluster.now;
        cluster.hundreds(&[100, 0, 0, 0, 0]);
        cluster.pass(passed * SECOND);
        let config = a50().with_interval(interval * SECOND);
        let now = cluster.now;
        cluster.outliers.configure(config, now);
        let due = cluster.outliers.next().expect("it is on").max(now);
        assert_eq!(due, began + (passed + next) * SECOND, "{interval}");
        // What was counted before still is.
        assert_eq!(cluster.pass(due - now), [Change::Ejected(1)]);
    }
}

#[test]
fn another_ejection_time_holds_for_ejections_that_last() {
    let mut cluster = Cluster::new(breaker(), 3);
    eject(&mut cluster, 1);
    let config = breaker().with_short_ejection_time(8 * SECOND);
    let now = cluster.now;
    assert_eq!(cluster.outliers.configure(config, now), []);
    assert_eq!(cluster.pass(5 * SECOND), []);
    assert_eq!(cluster.pass(3 * SECOND), [Change::Returned(1)]);
}

#[test]
fn another_number_of_failures_holds_for_subchannels_there_are() {
    let mut cluster = Cluster::new(breaker(), 3);
    let now = cluster.now;
    cluster
        .outliers
        .configure(breaker().with_consecutive_failures(2), now);
    cluster.record(1, Outcome::Failed, 1);
    assert_eq!(cluster.sweep(), []);
    cluster.record(1, Outcome::Failed, 1);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
    // Without a breaker what it has ejected still lasts.
    let now = cluster.now;
    assert_eq!(cluster.outliers.configure(a50(), now), []);
    cluster.record(2, Outcome::Failed, 100);
    assert_eq!(cluster.sweep(), []);
    assert_eq!(cluster.pass(5 * SECOND), [Change::Returned(1)]);
}

#[test]
fn another_threshold_is_heeded_at_once() {
    let mut cluster = Cluster::new(breaker(), 3);
    eject(&mut cluster, 1);
    let now = cluster.now;
    let changes = cluster
        .outliers
        .configure(breaker().with_panic_threshold(67), now);
    assert_eq!(changes, [Change::Returned(1)]);
    let changes = cluster.outliers.configure(breaker(), now);
    assert_eq!(changes, [Change::Ejected(1)]);
}
