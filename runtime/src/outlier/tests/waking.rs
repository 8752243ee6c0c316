//! When the channel's task has something to do.

use super::*;
use Outcome::{Answered, Failed};
use tokio::time::{advance, timeout};

/// Whether there is something to do now.
async fn is_due(outliers: &Outliers) -> bool {
    timeout(Duration::ZERO, outliers.due()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_each_interval() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 2);
    for _ in 0..3 {
        let began = Instant::now();
        cluster.outliers.due().await;
        assert_eq!(Instant::now() - began, 10 * SECOND);
        cluster.sweep_at(Instant::now());
    }
}

#[tokio::test(start_paused = true)]
async fn when_a_breaker_trips_and_when_its_ejection_ends() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 2);
    cluster.record(1, Failed, 4);
    assert!(!is_due(&cluster.outliers).await);
    cluster.record(1, Failed, 1);
    // Also if nobody waited just then, or whoever did gave up.
    assert!(is_due(&cluster.outliers).await);
    assert_eq!(cluster.sweep_at(Instant::now()), [Change::Ejected(1)]);
    assert!(!is_due(&cluster.outliers).await);
    let ejected = Instant::now();
    cluster.outliers.due().await;
    assert_eq!(Instant::now() - ejected, 5 * SECOND);
    assert_eq!(cluster.sweep_at(Instant::now()), [Change::Returned(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_task_is_woken_by_a_call() {
    let cluster = Cluster::new(OutlierDetection::new(), 2);
    let health = cluster.health[&1].clone();
    let began = Instant::now();
    let outliers = cluster.outliers;
    let task = tokio::spawn(async move {
        outliers.due().await;
        Instant::now()
    });
    advance(SECOND).await;
    (0..5).for_each(|_| health.record(health.era(), Failed));
    let woken = task.await.expect("it does not panic");
    assert_eq!(woken - began, SECOND);
}

#[tokio::test(start_paused = true)]
async fn once_while_nothing_can_be_done() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 1);
    cluster.record(1, Failed, 5);
    assert!(is_due(&cluster.outliers).await);
    cluster.sweep_at(Instant::now());
    // A dead address that is alone must not keep the task busy.
    for _ in 0..100 {
        cluster.record(1, Failed, 100);
        assert!(!is_due(&cluster.outliers).await);
    }
    // Another one changes that.
    cluster.add(2);
    assert!(is_due(&cluster.outliers).await);
    assert_eq!(cluster.sweep_at(Instant::now()), [Change::Ejected(1)]);
}

#[tokio::test(start_paused = true)]
async fn at_once_for_one_that_was_alone_and_ill_and_is_neither() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 1);
    cluster.record(1, Failed, 5);
    assert!(is_due(&cluster.outliers).await);
    assert_eq!(cluster.sweep(), []);
    cluster.record(1, Answered, 1);
    cluster.add(2);
    assert!(!is_due(&cluster.outliers).await);
    cluster.record(1, Failed, 5);
    assert!(is_due(&cluster.outliers).await);
    assert_eq!(cluster.sweep(), [Change::Ejected(1)]);
}

#[tokio::test(start_paused = true)]
async fn not_for_what_an_ejected_address_does() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 2);
    cluster.record(1, Failed, 5);
    assert!(is_due(&cluster.outliers).await);
    cluster.sweep_at(Instant::now());
    cluster.record(1, Failed, 100);
    cluster.record(1, Answered, 100);
    assert!(!is_due(&cluster.outliers).await);
}

#[tokio::test(start_paused = true)]
async fn when_one_proves_itself_although_it_is_ejected() {
    let mut cluster = Cluster::new(OutlierDetection::new(), 2);
    (1..=2).for_each(|id| cluster.record(id, Failed, 5));
    assert!(is_due(&cluster.outliers).await);
    cluster.sweep_at(Instant::now());
    cluster.record(1, Answered, 4);
    assert!(!is_due(&cluster.outliers).await);
    cluster.record(1, Answered, 1);
    assert!(is_due(&cluster.outliers).await);
}

#[tokio::test(start_paused = true)]
async fn never_while_off() {
    let cluster = Cluster::new(OutlierDetection::off(), 2);
    cluster.record(1, Failed, 100);
    assert_eq!(cluster.outliers.next(), None);
    let waited = timeout(Duration::from_secs(86_400), cluster.outliers.due()).await;
    assert!(waited.is_err());
}
