//! How many may be ejected, and by what lot.

use super::*;

/// So many of `hosts` are ejected when the calls of `bad` of them fail.
fn ejected(percent: u32, hosts: u64, bad: u64) -> usize {
    let percentage = FailurePercentage::new().with_minimum_hosts(1);
    let config = by_failure_percentage(percentage).with_max_ejection_percent(percent);
    let mut cluster = Cluster::new(config, hosts);
    let failures: Vec<_> = (1..=hosts)
        .map(|id| if id <= bad { 100 } else { 0 })
        .collect();
    cluster.interval_of(&failures);
    let first = cluster.ejected().len();
    // The share is of those that are ejected now, not of each interval's.
    cluster.interval_of(&failures);
    assert_eq!(cluster.ejected().len(), first, "{percent} % of {hosts}");
    first
}

#[test]
fn max_ejection_percent_vectors() {
    for (percent, hosts, bad, expected) in [
        // At least one, whatever the share,
        (10, 1, 1, 1),
        (0, 1, 1, 1),
        (100, 1, 1, 1),
        (10, 2, 2, 1),
        (49, 2, 2, 1),
        (50, 2, 2, 1),
        (99, 2, 2, 1),
        (100, 2, 2, 2),
        (10, 3, 3, 1),
        (33, 3, 3, 1),
        (66, 3, 3, 1),
        (67, 3, 3, 2),
        (100, 3, 3, 3),
        (0, 10, 10, 1),
        // and never more than the share.
        (10, 10, 10, 1),
        (10, 11, 11, 1),
        (10, 19, 19, 1),
        (10, 20, 20, 2),
        (15, 10, 10, 1),
        (20, 10, 10, 2),
        (50, 10, 10, 5),
        (100, 10, 10, 10),
        (0, 100, 100, 1),
        (10, 100, 100, 10),
        (10, 100, 9, 9),
        (10, 100, 11, 10),
        (50, 100, 100, 50),
        (100, 100, 100, 100),
        (100, 100, 0, 0),
    ] {
        assert_eq!(
            ejected(percent, hosts, bad),
            expected,
            "{percent} % of {hosts}, {bad} bad"
        );
    }
}

#[test]
fn the_worst_are_ejected_first() {
    let config = by_failure_percentage(FailurePercentage::new()).with_max_ejection_percent(40);
    let mut cluster = Cluster::new(config, 5);
    cluster.interval_of(&[90, 99, 0, 95, 86]);
    assert_eq!(cluster.left_alone(), [2, 4]);
    assert_eq!(
        cluster.metric(
            "outlier_ejections_spared_total",
            Some(Reason::FailurePercentage)
        ),
        2
    );
}

#[test]
fn both_comparisons_share_the_share() {
    let mut cluster = Cluster::new(a50(), 10);
    // 1 is an outlier for both, 2 for the second.
    cluster.interval_of(&[100, 90, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(cluster.left_alone(), [1]);
    let by = |reason| cluster.metric("outlier_ejections_total", Some(reason));
    assert_eq!(
        (by(Reason::SuccessRate), by(Reason::FailurePercentage)),
        (1, 0)
    );
}

#[test]
fn a_returned_address_makes_room_for_another() {
    let mut cluster = Cluster::new(by_failure_percentage(FailurePercentage::new()), 5);
    cluster.interval_of(&[100, 99, 0, 0, 0]);
    assert_eq!(cluster.left_alone(), [1]);
    cluster.interval();
    cluster.interval();
    assert_eq!(cluster.interval(), [Change::Returned(1)]);
    assert_eq!(cluster.interval_of(&[0, 99, 0, 0, 0]), [Change::Ejected(2)]);
}

#[test]
fn enforcement_is_by_lot() {
    for (percent, within) in [(0, 0..=0), (100, 400..=400), (50, 160..=240), (10, 20..=60)] {
        let rate = SuccessRate::new().with_enforcement_percentage(percent);
        let percentage = FailurePercentage::new().with_enforcement_percentage(percent);
        for (config, reason) in [
            (by_success_rate(rate), Reason::SuccessRate),
            (by_failure_percentage(percentage), Reason::FailurePercentage),
        ] {
            let config = config
                .with_base_ejection_time(SECOND)
                .with_max_ejection_time(SECOND);
            let mut cluster = Cluster::new(config, 5);
            for _ in 0..400 {
                cluster.interval_of(&[100, 0, 0, 0, 0]);
                cluster.pass(SECOND);
                assert_eq!(cluster.ejected(), NOBODY);
            }
            let ejected = cluster.metric("outlier_ejections_total", Some(reason));
            let spared = cluster.metric("outlier_ejections_spared_total", Some(reason));
            assert!(within.contains(&ejected), "{percent} %: {ejected}");
            assert_eq!(ejected + spared, 400);
        }
    }
}

#[test]
fn the_lots_are_those_of_the_seed() {
    let ejected = |seed| {
        let percentage = FailurePercentage::new().with_enforcement_percentage(50);
        let config = by_failure_percentage(percentage).with_max_ejection_percent(100);
        let mut cluster = Cluster::new(config, 20);
        cluster.outliers.random = fastrand::Rng::with_seed(seed);
        cluster.interval_of(&[100; 20]);
        cluster.left_alone()
    };
    assert_eq!(ejected(1), ejected(1));
    assert_ne!(ejected(1), ejected(2));
}
