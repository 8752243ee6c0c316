//! What is counted for whoever watches.

use super::*;
use crate::metrics::MetricKind;

#[test]
fn metrics_have_distinct_names_and_labels() {
    let cluster = Cluster::new(OutlierDetection::new(), 1);
    let ejections = &cluster.ejections;
    let mut names: Vec<_> = ejections
        .iter()
        .map(|metric| (metric.name, metric.label))
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 8);
    for metric in ejections.iter() {
        let counts = metric.name.ends_with("_total");
        assert_eq!(
            metric.kind == MetricKind::Counter,
            counts,
            "{}",
            metric.name
        );
    }
}

#[test]
fn ejections_are_counted_by_reason() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 3);
    let by = |cluster: &Cluster, reason| cluster.metric("outlier_ejections_total", Some(reason));
    cluster.record(1, Outcome::Failed, 5);
    cluster.sweep();
    assert_eq!(by(&cluster, Reason::ConsecutiveFailures), 1);
    assert_eq!(by(&cluster, Reason::SuccessRate), 0);
    assert_eq!(cluster.metric("addresses_ejected", None), 1);
    cluster.pass(5 * SECOND);
    assert_eq!(by(&cluster, Reason::ConsecutiveFailures), 1);
    assert_eq!(cluster.metric("addresses_ejected", None), 0);
}

#[test]
fn an_ejected_address_that_leaves_is_no_longer_shown() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 3);
    cluster.record(1, Outcome::Failed, 5);
    cluster.sweep();
    cluster.remove(1);
    assert_eq!(cluster.metric("addresses_ejected", None), 0);
}

#[test]
fn what_was_counted_is_shown_when_the_addresses_are_gone() {
    let mut cluster = Cluster::new(breaker().with_panic_threshold(100), 3);
    cluster.record(1, Outcome::Failed, 5);
    cluster.sweep();
    let gauges = |cluster: &Cluster| {
        ["addresses_ejected", "ejections_ignored"].map(|name| cluster.metric(name, None))
    };
    assert_eq!(gauges(&cluster), [1, 1]);
    cluster.outliers = Outliers::new(breaker());
    assert_eq!(gauges(&cluster), [0, 0]);
    let reason = Some(Reason::ConsecutiveFailures);
    assert_eq!(cluster.metric("outlier_ejections_total", reason), 1);
}
