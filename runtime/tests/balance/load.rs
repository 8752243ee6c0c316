use crate::support::{call, calls, endpoints, pass, ready};
use cordial_runtime::{Candidate, Load};
use std::{sync::Arc, time::Duration};

fn one() -> Candidate {
    ready(endpoints(1))[0].clone()
}

fn millis(candidate: &Candidate) -> Option<u128> {
    let latency = candidate.load.latency()?;
    Some((latency + Duration::from_micros(500)).as_millis())
}

#[test]
fn calls_are_in_flight_until_dropped() {
    let load = Arc::new(Load::default());
    assert_eq!(load.in_flight(), 0);
    let mut first = load.start();
    let second = load.start();
    assert_eq!(load.in_flight(), 2);
    first.ended(true);
    assert_eq!(load.in_flight(), 2, "its messages are still coming");
    drop(first);
    assert_eq!(load.in_flight(), 1);
    drop(second);
    assert_eq!(load.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_latency_counts_at_once_if_longer_and_in_time_if_shorter() {
    // Milliseconds: the first call takes, then nothing happens, the second takes, it counts as.
    // By 1/e every 10 s.
    for (first, pause, second, expected) in [
        (100, 0, 200, 200),
        (100, 0, 101, 101),
        (100, 10_000, 100, 100),
        (100, 9_990, 10, 43),
        (100, 19_990, 10, 22),
        (100, 990, 10, 91),
        (100, 0, 0, 100),
        (100, 200_000, 10, 10),
        (1, 0, 5_000, 5_000),
    ] {
        let one = one();
        assert_eq!(millis(&one), None);
        call(&one, first, true).await;
        assert_eq!(millis(&one), Some(first.into()));
        pass(pause).await;
        call(&one, second, true).await;
        let case = format!("{first}, after {pause}: {second}");
        assert_eq!(millis(&one), Some(expected), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_latency_is_forgotten() {
    let one = one();
    call(&one, 1_000, true).await;
    for expected in [1_000, 368, 135, 50, 18, 7, 2, 1] {
        assert_eq!(millis(&one), Some(expected));
        pass(10_000).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_quickly_is_not_quick() {
    // Milliseconds: what was known, how long the failed call took, what it counts as.
    for (known, took, expected) in [
        (None, 0, 100),
        (None, 99, 100),
        (None, 3_000, 3_000),
        (Some(10), 0, 20),
        (Some(300), 0, 600),
        (Some(600), 0, 1_000),
        (Some(5_000), 0, 5_000),
        (Some(10), 700, 700),
    ] {
        let one = one();
        if let Some(known) = known {
            call(&one, known, true).await;
        }
        call(&one, took, false).await;
        assert_eq!(millis(&one), Some(expected), "{known:?}, {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_alone_end_at_a_second() {
    let one = one();
    let mut counts = Vec::new();
    for _ in 0..6 {
        call(&one, 0, false).await;
        counts.push(millis(&one).unwrap());
    }
    assert_eq!(counts, [100, 200, 400, 800, 1_000, 1_000]);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_not_quick() {
    // Milliseconds: what was known, when the call was dropped, what is known then.
    for (known, given_up, expected) in [
        (None, 0, None),
        (None, 50, None),
        (None, 5_000, Some(5_000)),
        (Some(10), 1, Some(10)),
        (Some(10), 300, Some(300)),
    ] {
        let one = one();
        if let Some(known) = known {
            call(&one, known, true).await;
        }
        let call = calls(&one, 1);
        pass(given_up).await;
        assert_eq!(call[0].elapsed().as_millis(), u128::from(given_up));
        drop(call);
        assert_eq!(millis(&one), expected, "{known:?}, {given_up}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_measured_once() {
    let one = one();
    let mut call = one.load.start();
    pass(10).await;
    call.ended(true);
    pass(5_000).await;
    call.ended(true);
    drop(call);
    assert!(one.load.latency().unwrap() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_head_counts_once() {
    let one = one();
    let mut call = one.load.start();
    pass(10).await;
    call.ended(true);
    for (ok, expected) in [(false, 20), (true, 20), (false, 20)] {
        call.ended(ok);
        assert_eq!(millis(&one), Some(expected));
    }
    drop(call);
    assert_eq!(millis(&one), Some(20));
    let mut stream = one.load.start();
    stream.ended(true);
    pass(3_600_000).await;
    stream.ended(false);
    assert_eq!(millis(&one), Some(0), "an hour of messages is no latency");
}

#[tokio::test(start_paused = true)]
async fn age_is_counted_from_ready() {
    let one = one();
    pass(1_234).await;
    assert_eq!(one.load.age(), Duration::from_millis(1_234));
}
