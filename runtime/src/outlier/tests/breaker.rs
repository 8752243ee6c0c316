//! Failures without a success between them.

use super::*;
use Outcome::{Answered, Busy, Doubtful, Failed, Silent};

/// How calls ended, one after another, and how many of them so.
type Row<'a> = &'a [(Outcome, u32)];

/// Subchannel 1 of three, ejected by five failures and let back.
fn returned() -> Cluster {
    let mut cluster = Cluster::new(breaker(), 3);
    cluster.record(1, Failed, 5);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
    assert_eq!(cluster.pass(5 * SECOND), [Change::Returned(1)]);
    cluster
}

#[test]
fn rows_that_eject_and_rows_that_do_not() {
    let vectors: &[(u32, Row<'_>, bool)] = &[
        (5, &[(Failed, 4)], false),
        (5, &[(Failed, 5)], true),
        (5, &[(Failed, 50)], true),
        (1, &[(Failed, 1)], true),
        (0, &[(Failed, 1_000)], false),
        // A success between them,
        (5, &[(Failed, 4), (Answered, 1), (Failed, 4)], false),
        (5, &[(Answered, 1_000), (Failed, 5)], true),
        // also one that comes after, before anything was done.
        (5, &[(Failed, 5), (Answered, 1)], false),
        // What may be the call's own fault weighs a quarter.
        (5, &[(Doubtful, 19)], false),
        (5, &[(Doubtful, 20)], true),
        (5, &[(Failed, 4), (Doubtful, 3)], false),
        (5, &[(Failed, 4), (Doubtful, 4)], true),
        (5, &[(Doubtful, 19), (Answered, 1), (Doubtful, 19)], false),
        // Busy is not ill.
        (5, &[(Busy, 1_000)], false),
        (5, &[(Failed, 4), (Busy, 1), (Failed, 4)], false),
        // Calls that were given up say nothing, either way.
        (5, &[(Silent, 1_000)], false),
        (5, &[(Failed, 4), (Silent, 1), (Failed, 1)], true),
    ];
    for (failures, row, expected) in vectors {
        let mut cluster = Cluster::new(breaker().with_consecutive_failures(*failures), 2);
        for (outcome, times) in *row {
            cluster.record(1, *outcome, *times);
        }
        let changes = cluster.sweep();
        assert_eq!(
            changes == [Change::Ejected(1)],
            *expected,
            "{failures} {row:?}"
        );
    }
}

#[test]
fn one_of_two_or_three_is_left_alone_at_once() {
    for subchannels in [2, 3, 4, 100] {
        let mut cluster = Cluster::new(OutlierDetection::new(), subchannels);
        cluster.record(1, Failed, 5);
        assert_eq!(cluster.sweep(), [Change::Ejected(1)], "{subchannels}");
        assert_eq!(cluster.outliers.next(), Some(cluster.now + 5 * SECOND));
        assert_eq!(cluster.pass(5 * SECOND), [Change::Returned(1)]);
    }
}

#[test]
fn more_than_max_ejection_percent_may_be() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 10);
    (1..=4).for_each(|id| cluster.record(id, Failed, 5));
    cluster.sweep();
    assert_eq!(cluster.left_alone(), [1, 2, 3, 4]);
}

#[test]
fn what_the_breaker_ejects_leaves_no_room_for_comparison() {
    let config = OutlierDetection::new().with_short_ejection_time(20 * SECOND);
    let mut cluster = Cluster::new(config, 10);
    (2..=10).for_each(|id| cluster.calls(id, 100, 0));
    (0..50).for_each(|_| cluster.calls(2, 1, 4));
    cluster.record(1, Failed, 5);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
    assert_eq!(cluster.interval(), []);
    assert_eq!(
        cluster.metric("outlier_ejections_spared_total", Some(Reason::SuccessRate)),
        1
    );
}

#[test]
fn one_that_is_alone_is_not_ejected() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 1);
    cluster.record(1, Failed, 1_000);
    assert_eq!(cluster.sweep(), []);
    assert_eq!(cluster.ejected(), NOBODY);
    // Until there is another.
    cluster.add(2);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
}

#[test]
fn on_probation_one_failure_is_enough() {
    let mut cluster = returned();
    cluster.record(1, Failed, 1);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
    assert_eq!(cluster.multiplier(1), 2);
    assert_eq!(cluster.outliers.next(), Some(cluster.now + 5 * SECOND));
    cluster.interval();
    assert_eq!(cluster.outliers.next(), Some(cluster.now + 5 * SECOND));
    assert_eq!(cluster.pass(5 * SECOND), [Change::Returned(1)]);
}

#[test]
fn probation_ends_with_as_many_successes_in_a_row() {
    let vectors: &[(Row<'_>, bool)] = &[
        (&[(Answered, 4), (Failed, 1)], true),
        (&[(Answered, 5), (Failed, 1)], false),
        (&[(Answered, 5), (Failed, 4)], false),
        (&[(Answered, 5), (Failed, 5)], true),
        // Something doubtful begins it anew; four of it are one failure.
        (&[(Doubtful, 3)], false),
        (&[(Doubtful, 4)], true),
        (
            &[(Answered, 4), (Doubtful, 1), (Answered, 4), (Failed, 1)],
            true,
        ),
        (&[(Doubtful, 1), (Answered, 5), (Failed, 4)], false),
        (&[(Silent, 5), (Failed, 1)], true),
        (&[(Answered, 2), (Busy, 3), (Failed, 1)], false),
    ];
    for (row, expected) in vectors {
        let mut cluster = returned();
        for (outcome, times) in *row {
            cluster.record(1, *outcome, *times);
        }
        assert_eq!(
            cluster.sweep() == [Change::Ejected(1)],
            *expected,
            "{row:?}"
        );
    }
}

#[test]
fn times_grow_to_the_longest_and_no_further() {
    let mut cluster = returned();
    for times in 2..=100_u32 {
        cluster.record(1, Failed, 1);
        assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
        assert_eq!(cluster.multiplier(1), times.min(60));
        let time = SECOND * (5 * times).min(300);
        cluster.pass(time - Duration::from_nanos(1));
        assert_eq!(cluster.left_alone(), [1]);
        cluster.pass(Duration::from_nanos(1));
        assert_eq!(cluster.left_alone(), NOBODY);
    }
    // Down for hours, it is trusted as before within ten minutes.
    cluster.record(1, Answered, 5);
    let intervals = (0..).take_while(|_| {
        cluster.interval();
        cluster.multiplier(1) > 0
    });
    assert!(intervals.count() <= 60);
}

#[test]
fn comparison_puts_on_probation_too() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 5);
    (2..=5).for_each(|id| cluster.calls(id, 100, 0));
    (0..50).for_each(|_| cluster.calls(1, 1, 4));
    assert_eq!(cluster.interval(), [Change::Ejected(1)]);
    assert_eq!(cluster.pass(30 * SECOND), [Change::Returned(1)]);
    cluster.record(1, Failed, 1);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
    // The second time, but a short one.
    assert_eq!(cluster.pass(10 * SECOND), [Change::Returned(1)]);
}

#[test]
fn without_a_breaker_there_is_no_probation() {
    let mut cluster = Cluster::new(a50(), 5);
    assert_eq!(
        cluster.interval_of(&[100, 0, 0, 0, 0]),
        [Change::Ejected(1)]
    );
    cluster.pass(30 * SECOND);
    cluster.record(1, Failed, 40);
    assert_eq!(cluster.sweep(), []);
}

#[test]
fn calls_that_began_before_an_ejection_say_nothing_after_it() {
    let mut cluster = Cluster::new(breaker(), 3);
    let health = cluster.health[&1].clone();
    let era = health.era();
    cluster.record(1, Failed, 5);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
    (0..100).for_each(|_| health.record(era, Failed));
    assert_eq!(cluster.pass(5 * SECOND), [Change::Returned(1)]);
    // They hung until their deadlines.
    (0..100).for_each(|_| health.record(era, Failed));
    assert_eq!(cluster.sweep(), []);
    (0..100).for_each(|_| health.record(era, Answered));
    cluster.record(1, Failed, 1);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
}
