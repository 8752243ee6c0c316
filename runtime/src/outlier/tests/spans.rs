//! For how long an address is ejected, and how that is forgiven.

use super::*;

/// Ejects subchannel 1 of five at the end of the interval that runs.
fn eject(cluster: &mut Cluster) {
    let changes = cluster.interval_of(&[100, 0, 0, 0, 0]);
    assert_eq!(changes, [Change::Ejected(1)]);
}

/// How long subchannel 1, just ejected, is.
fn ejected_for(cluster: &mut Cluster) -> Duration {
    let ejected = cluster.now;
    while cluster.left_alone() == [1] {
        let next = cluster.outliers.next().expect("it is on");
        assert!(next > cluster.now, "a sweep leaves nothing to do");
        cluster.pass(next - cluster.now);
    }
    cluster.now - ejected
}

fn cluster(config: OutlierDetection) -> Cluster {
    Cluster::new(config.with_success_rate(None), 5)
}

#[test]
fn ejected_at_the_end_of_the_interval_and_not_before() {
    let mut cluster = cluster(a50());
    cluster.hundreds(&[100, 0, 0, 0, 0]);
    assert_eq!(cluster.pass(10 * SECOND - Duration::from_nanos(1)), []);
    assert_eq!(cluster.pass(Duration::from_nanos(1)), [Change::Ejected(1)]);
}

#[test]
fn returns_after_the_base_time_and_not_before() {
    let mut cluster = cluster(a50());
    eject(&mut cluster);
    assert_eq!(cluster.pass(10 * SECOND), []);
    assert_eq!(cluster.pass(20 * SECOND - Duration::from_nanos(1)), []);
    assert_eq!(cluster.left_alone(), [1]);
    assert_eq!(cluster.pass(Duration::from_nanos(1)), [Change::Returned(1)]);
    assert_eq!(cluster.left_alone(), NOBODY);
}

#[test]
fn each_ejection_lasts_longer_up_to_the_longest() {
    for (base, max, expected) in [
        // 30 s times the count, 300 s at the most
        (
            30,
            300,
            vec![30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300],
        ),
        (30, 100, vec![30, 60, 90, 100, 100]),
        // and never less than the base time.
        (30, 10, vec![30, 30, 30]),
        (30, 0, vec![30, 30]),
        (400, 300, vec![400, 400]),
        (7, 20, vec![7, 14, 20, 20]),
    ] {
        let config = a50()
            .with_base_ejection_time(base * SECOND)
            .with_max_ejection_time(max * SECOND);
        let mut cluster = cluster(config);
        for seconds in expected {
            eject(&mut cluster);
            assert_eq!(ejected_for(&mut cluster), seconds * SECOND, "{base} {max}");
        }
    }
}

#[test]
fn comes_back_when_its_time_is_over_though_no_interval_is() {
    let mut cluster = cluster(a50().with_base_ejection_time(7 * SECOND));
    eject(&mut cluster);
    assert_eq!(cluster.outliers.next(), Some(cluster.now + 7 * SECOND));
    assert_eq!(cluster.pass(7 * SECOND), [Change::Returned(1)]);
    assert_eq!(cluster.outliers.next(), Some(cluster.now + 3 * SECOND));
}

#[test]
fn an_interval_spent_well_makes_up_for_one_ejection() {
    let mut cluster = cluster(a50());
    for _ in 0..3 {
        eject(&mut cluster);
        ejected_for(&mut cluster);
    }
    assert_eq!(cluster.multiplier(1), 3);
    // It has just returned, at the end of an interval: the next one counts.
    for expected in [2, 1, 0, 0] {
        cluster.interval();
        assert_eq!(cluster.multiplier(1), expected);
    }
    eject(&mut cluster);
    assert_eq!(ejected_for(&mut cluster), 30 * SECOND);
}

#[test]
fn the_rest_of_an_interval_makes_up_for_nothing() {
    let mut cluster = cluster(a50().with_base_ejection_time(7 * SECOND));
    eject(&mut cluster);
    cluster.pass(7 * SECOND);
    cluster.interval();
    assert_eq!(cluster.multiplier(1), 1);
    cluster.interval();
    assert_eq!(cluster.multiplier(1), 0);
}

#[test]
fn nothing_is_forgiven_while_ejected() {
    let mut cluster = cluster(a50());
    eject(&mut cluster);
    for _ in 0..2 {
        cluster.interval();
        assert_eq!(cluster.multiplier(1), 1);
    }
}

#[test]
fn an_ejected_address_is_not_ejected_again() {
    let mut cluster = cluster(a50());
    eject(&mut cluster);
    // Calls that were in flight end.
    assert_eq!(cluster.interval_of(&[100, 0, 0, 0, 0]), []);
    assert_eq!(cluster.multiplier(1), 1);
    assert_eq!(cluster.pass(20 * SECOND), [Change::Returned(1)]);
}

#[test]
fn a_late_sweep_does_what_is_due_once() {
    let mut cluster = cluster(a50());
    eject(&mut cluster);
    assert_eq!(cluster.pass(600 * SECOND), [Change::Returned(1)]);
    assert_eq!(cluster.multiplier(1), 1);
    assert_eq!(cluster.outliers.next(), Some(cluster.now + 10 * SECOND));
}

#[test]
fn only_the_calls_of_one_interval_count() {
    let mut cluster = cluster(a50());
    // 40 calls that fail in each of many intervals are never 50 in one.
    for _ in 0..5 {
        (2..=5).for_each(|id| cluster.calls(id, 100, 0));
        cluster.calls(1, 0, 40);
        assert_eq!(cluster.interval(), []);
    }
    eject(&mut cluster);
    ejected_for(&mut cluster);
    // Nor do those count that ejected it.
    assert_eq!(cluster.interval_of(&[0; 5]), []);
}

#[test]
fn calls_that_began_before_an_ejection_are_not_compared() {
    let mut cluster = cluster(a50());
    let health = cluster.health[&1].clone();
    let era = health.era();
    eject(&mut cluster);
    ejected_for(&mut cluster);
    (2..=5).for_each(|id| cluster.calls(id, 100, 0));
    // They hung until their deadlines.
    (0..100).for_each(|_| health.record(era, Outcome::Failed));
    assert_eq!(cluster.interval(), []);
    cluster.hundreds(&[0; 5]);
    (0..1_000).for_each(|_| health.record(era, Outcome::Answered));
    cluster.record(1, Outcome::Failed, 1_000);
    assert_eq!(cluster.interval(), [Change::Ejected(1)]);
}

#[test]
fn buckets_are_swapped_and_zeroed() {
    let health = Health::new(0, Arc::default());
    let record = |outcome, times| (0..times).for_each(|_| health.record(health.era(), outcome));
    record(Outcome::Answered, 3);
    record(Outcome::Failed, 2);
    let counts = |successes, failures| health::Counts {
        successes,
        failures,
    };
    assert_eq!(health.swap(), counts(3, 2));
    record(Outcome::Answered, 1);
    assert_eq!(health.swap(), counts(1, 0));
    assert_eq!(health.swap(), counts(0, 0));
}

#[test]
fn calls_on_many_threads_are_all_counted() {
    let health = Health::new(0, Arc::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    health.record(health.era(), Outcome::Answered);
                    health.record(health.era(), Outcome::Failed);
                }
            });
        }
    });
    let counts = health.swap();
    assert_eq!((counts.successes, counts.failures), (40_000, 40_000));
}
