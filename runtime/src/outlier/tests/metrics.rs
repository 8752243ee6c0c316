//! What is counted for whoever watches.

use super::*;
use crate::{balance::Load, endpoint::Endpoint, metrics::MetricKind};

#[test]
fn metrics_have_distinct_names_and_labels() {
    let cluster = Cluster::new(OutlierDetection::new(), 1);
    let ejections = cluster.outliers.ejections();
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
fn calls_go_to_those_that_are_not_ejected_or_to_all() {
    let config = breaker().with_panic_threshold(0);
    let mut cluster = Cluster::new(config, 3);
    let candidate = |id| Candidate {
        id,
        endpoint: Endpoint::new(address(id)),
        load: Arc::new(Load::new()),
    };
    let usable = |cluster: &Cluster, ready: &[u64]| -> Vec<u64> {
        let ready: Vec<_> = ready.iter().copied().map(candidate).collect();
        let usable = cluster.outliers.usable(&ready);
        usable.iter().map(|candidate| candidate.id).collect()
    };
    assert_eq!(usable(&cluster, &[1, 2, 3]), [1, 2, 3]);
    cluster.record(2, Outcome::Failed, 5);
    cluster.sweep();
    assert_eq!(usable(&cluster, &[1, 2, 3]), [1, 3]);
    // The others are not connected: better it than none.
    assert_eq!(usable(&cluster, &[2]), [2]);
    assert_eq!(usable(&cluster, &[]), NOBODY);
}
