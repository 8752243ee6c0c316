//! What compares badly: the numbers of gRFC A50's two algorithms.

use super::*;

/// Which of the subchannels with so many failures of 100 calls are ejected,
/// where as many as there are may be.
fn outliers(config: OutlierDetection, failures: &[u32]) -> Vec<u64> {
    let mut cluster = Cluster::new(config.with_max_ejection_percent(100), failures.len() as u64);
    cluster.interval_of(failures);
    cluster.left_alone()
}

#[test]
fn defaults_are_those_of_a50() {
    let config = OutlierDetection::new();
    assert_eq!(config.interval, 10 * SECOND);
    assert_eq!(config.base_ejection_time, 30 * SECOND);
    assert_eq!(config.max_ejection_time, 300 * SECOND);
    assert_eq!(config.max_ejection_percent, 10);
    let rate = config.success_rate.clone().expect("on");
    assert_eq!(rate.stdev_factor, 1900);
    assert_eq!(rate.enforcement_percentage, 100);
    assert_eq!((rate.minimum_hosts, rate.request_volume), (5, 100));
    let percentage = config.failure_percentage.clone().expect("on");
    assert_eq!(percentage.threshold, 85);
    assert_eq!(percentage.enforcement_percentage, 100);
    assert_eq!(
        (percentage.minimum_hosts, percentage.request_volume),
        (5, 50)
    );
    assert_eq!(config.consecutive_failures, 5);
    assert_eq!(config.short_ejection_time, 5 * SECOND);
    assert_eq!(config.panic_threshold, 50);
    assert_eq!(config, OutlierDetection::default());
}

#[test]
fn bounds_hold() {
    let day = Duration::from_secs(86_400);
    for (given, kept) in [
        (Duration::ZERO, Duration::from_millis(100)),
        (Duration::MAX, day),
    ] {
        assert_eq!(OutlierDetection::new().with_interval(given).interval, kept);
    }
    for (given, kept) in [
        (Duration::ZERO, Duration::from_millis(1)),
        (Duration::MAX, day),
    ] {
        let config = OutlierDetection::new()
            .with_base_ejection_time(given)
            .with_short_ejection_time(given);
        assert_eq!(config.base_ejection_time, kept);
        assert_eq!(config.short_ejection_time, kept);
    }
    let config = OutlierDetection::new()
        .with_max_ejection_time(Duration::MAX)
        .with_max_ejection_percent(101)
        .with_panic_threshold(u32::MAX);
    assert_eq!(config.max_ejection_time, day);
    assert_eq!(
        (config.max_ejection_percent, config.panic_threshold),
        (100, 100)
    );
    let rate = SuccessRate::new()
        .with_enforcement_percentage(101)
        .with_minimum_hosts(0)
        .with_request_volume(0);
    assert_eq!(rate.enforcement_percentage, 100);
    assert_eq!((rate.minimum_hosts, rate.request_volume), (1, 1));
    let percentage = FailurePercentage::new()
        .with_threshold(101)
        .with_enforcement_percentage(101)
        .with_minimum_hosts(0)
        .with_request_volume(0);
    assert_eq!(
        (percentage.threshold, percentage.enforcement_percentage),
        (100, 100)
    );
    assert_eq!(
        (percentage.minimum_hosts, percentage.request_volume),
        (1, 1)
    );
}

#[test]
fn success_rate_vectors() {
    let one_bad_of = |hosts: usize| [vec![100], vec![0; hosts - 1]].concat();
    let even = |failures: u32| vec![failures; 5];
    let vectors: &[(u32, Vec<u32>, &[u64])] = &[
        // Nothing fails, or everything; a deviation of 0 is no outlier's.
        (1900, even(0), &[]),
        (1900, even(100), &[]),
        // The same rate everywhere, where sums of it are not exact.
        (1900, even(90), &[]),
        (1900, even(67), &[]),
        (0, even(30), &[]),
        // 4 at 100 %, one at 0 %: mean 80, deviation 40, at least 4.
        (1900, vec![0, 0, 100, 0, 0], &[3]),
        // How bad it is does not matter, only that the others are alike.
        (1900, vec![0, 0, 50, 0, 0], &[3]),
        (1900, vec![0, 0, 0, 0, 1], &[5]),
        // One of n is off by the square root of n - 1 deviations: 2 of 5,
        (1900, one_bad_of(5), &[1]),
        (1999, one_bad_of(5), &[1]),
        (2001, one_bad_of(5), &[]),
        // 3 of 10.
        (2999, one_bad_of(10), &[1]),
        (3001, one_bad_of(10), &[]),
        // Two of five are 1.22 deviations off, two of ten are 2.
        (1900, vec![100, 100, 0, 0, 0], &[]),
        (1200, vec![100, 100, 0, 0, 0], &[1, 2]),
        (1900, [vec![100, 100], vec![0; 8]].concat(), &[1, 2]),
        // Half of them bad: which half is the outlier?
        (1900, vec![100, 100, 100, 0, 0, 0], &[]),
        // Everything worse than the mean, once the factor is 0.
        (0, vec![0, 10, 20, 30, 40], &[4, 5]),
        // A gradual decline has no outliers.
        (1900, vec![0, 10, 20, 30, 40], &[]),
        // Better than the others is no fault.
        (1900, vec![90, 90, 0, 90, 90], &[]),
    ];
    for (factor, failures, expected) in vectors {
        let config = by_success_rate(SuccessRate::new().with_stdev_factor(*factor));
        assert_eq!(
            outliers(config, failures),
            *expected,
            "{factor} {failures:?}"
        );
    }
}

#[test]
fn addresses_that_do_equally_well_are_none_of_them_outliers() {
    for hosts in 5..=12 {
        for failures in 0..=100 {
            let config = by_success_rate(SuccessRate::new().with_stdev_factor(0));
            let found = outliers(config, &vec![failures; hosts]);
            assert_eq!(found, NOBODY, "{hosts} hosts, {failures} failures each");
        }
    }
}

#[test]
fn failure_percentage_vectors() {
    let vectors: &[(u32, [u32; 5], &[u64])] = &[
        (85, [0, 0, 0, 0, 0], &[]),
        // Over the threshold, not at it.
        (85, [84, 0, 0, 0, 0], &[]),
        (85, [85, 0, 0, 0, 0], &[]),
        (85, [86, 0, 0, 0, 0], &[1]),
        (85, [100, 0, 0, 0, 0], &[1]),
        // Whatever the others do.
        (85, [100, 84, 100, 85, 100], &[1, 3, 5]),
        (85, [100, 100, 100, 100, 100], &[1, 2, 3, 4, 5]),
        (0, [1, 0, 2, 0, 3], &[1, 3, 5]),
        (1, [1, 0, 2, 0, 3], &[3, 5]),
        (99, [99, 100, 0, 0, 0], &[2]),
        (100, [100, 100, 0, 0, 0], &[]),
    ];
    for (threshold, failures, expected) in vectors {
        let config = by_failure_percentage(FailurePercentage::new().with_threshold(*threshold));
        assert_eq!(
            outliers(config, failures),
            *expected,
            "{threshold} {failures:?}"
        );
    }
}

#[test]
fn too_few_hosts_are_not_compared() {
    for (hosts, minimum, expected) in [
        (4, 5, false),
        (5, 5, true),
        (6, 5, true),
        (5, 6, false),
        (1, 1, true),
        (3, 3, true),
    ] {
        let failures = [vec![100], vec![0; hosts - 1]].concat();
        let percentage = FailurePercentage::new().with_minimum_hosts(minimum);
        let found = outliers(by_failure_percentage(percentage), &failures);
        assert_eq!(found == [1], expected, "failures: {hosts} of {minimum}");
        let rate = SuccessRate::new()
            .with_minimum_hosts(minimum)
            .with_stdev_factor(1000);
        let found = outliers(by_success_rate(rate), &failures);
        // One that is alone is as good as the mean.
        assert_eq!(
            found == [1],
            expected && hosts > 1,
            "successes: {hosts} of {minimum}"
        );
    }
}

#[test]
fn too_few_calls_are_not_looked_at() {
    for (calls, volume, expected) in [
        (49, 50, false),
        (50, 50, true),
        (99, 100, false),
        (100, 100, true),
    ] {
        for config in [
            by_success_rate(SuccessRate::new().with_request_volume(volume)),
            by_failure_percentage(FailurePercentage::new().with_request_volume(volume)),
        ] {
            let mut cluster = Cluster::new(config, 6);
            (2..=6).for_each(|id| cluster.calls(id, 100, 0));
            cluster.calls(1, 0, calls);
            cluster.interval();
            assert_eq!(cluster.left_alone() == [1], expected, "{calls} of {volume}");
        }
    }
}

#[test]
fn hosts_without_calls_do_not_count_as_hosts() {
    for config in [
        by_success_rate(SuccessRate::new()),
        by_failure_percentage(FailurePercentage::new()),
    ] {
        let mut cluster = Cluster::new(config, 5);
        cluster.interval_of(&[100, 0, 0, 0]);
        assert_eq!(cluster.left_alone(), NOBODY);
        cluster.interval_of(&[100, 0, 0, 0, 0]);
        assert_eq!(cluster.left_alone(), [1]);
    }
}

#[test]
fn the_default_leaves_one_bad_address_of_five_alone() {
    let mut cluster = Cluster::new(OutlierDetection::new().with_consecutive_failures(0), 5);
    assert_eq!(cluster.interval_of(&[0, 0, 0, 60, 0]), [Change::Ejected(4)]);
    assert_eq!(
        cluster.metric("outlier_ejections_total", Some(Reason::SuccessRate)),
        1
    );
}

#[test]
fn what_chance_may_bring_is_no_outlier_unless_to_the_letter() {
    for (volume, failures, expected) in [
        (100, 1, false),
        (100, 4, false),
        (100, 6, true),
        // However well the others do, few failures are few,
        (10_000, 499, false),
        (10_000, 501, true),
    ] {
        for (rule, expected) in [
            (SuccessRate::new(), expected),
            (SuccessRate::new().to_the_letter(), true),
        ] {
            let config = a50().with_failure_percentage(None).with_success_rate(rule);
            let mut cluster = Cluster::new(config, 5);
            (2..=5).for_each(|id| cluster.calls(id, volume, 0));
            cluster.calls(1, volume - failures, failures);
            let found = cluster.interval() == [Change::Ejected(1)];
            assert_eq!(found, expected, "{failures} of {volume}");
        }
    }
    // and where many fail anyway, some more are not many.
    let config = || a50().with_failure_percentage(None);
    let failures = [62, 50, 50, 50, 50];
    let found = outliers(config().with_success_rate(SuccessRate::new()), &failures);
    assert_eq!(found, NOBODY);
    assert_eq!(outliers(config(), &failures), [1]);
}

/// How often an address is ejected from five that are equally good, so many of a
/// thousand of whose calls fail, in 500 intervals.
fn false_ejections(rate: SuccessRate, failing: u32) -> u64 {
    let config = by(rate).with_base_ejection_time(SECOND);
    let mut cluster = Cluster::new(config, 5);
    let mut chance = fastrand::Rng::with_seed(1);
    for _ in 0..500 {
        let mut failures = || (0..100).filter(|_| chance.u32(0..1_000) < failing).count();
        let failures: Vec<_> = (0..5).map(|_| failures() as u32).collect();
        cluster.interval_of(&failures);
        cluster.pass(SECOND);
    }
    cluster.metric("outlier_ejections_total", Some(Reason::SuccessRate))
}

fn by(rate: SuccessRate) -> OutlierDetection {
    a50().with_failure_percentage(None).with_success_rate(rate)
}

#[test]
fn chance_ejects_hardly_anybody() {
    for failing in [5, 100, 500] {
        let found = false_ejections(SuccessRate::new(), failing);
        assert!(found <= 1, "{failing} of 1,000 fail: {found}");
        // As gRFC A50 is written it does.
        let found = false_ejections(SuccessRate::new().to_the_letter(), failing);
        assert!(found > 15, "{failing} of 1,000 fail: {found}");
    }
}
