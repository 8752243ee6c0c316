//! Tokens, and what takes and gives them.

use super::{budget, fake::*, loose, one, retry, within};
use crate::{limits::Limits, retry::Throttle};
use std::{sync::Arc, thread};

/// How many failures in a row leave room for another attempt.
fn failures(throttle: &Throttle) -> u32 {
    let mut failures = 0;
    while throttle.failure() {
        failures += 1;
    }
    failures
}

#[test]
fn half_of_the_tokens_are_for_retries() {
    for (max_tokens, wanted) in [
        (1, 0),
        (2, 0),
        (3, 1),
        (4, 1),
        (5, 2),
        (10, 4),
        (11, 5),
        (100, 49),
        (1000, 499),
    ] {
        assert_eq!(
            failures(&Throttle::new(max_tokens, 0.1)),
            wanted,
            "{max_tokens}"
        );
    }
    assert_eq!(failures(&Throttle::default()), 4);
}

#[test]
fn three_decimal_places_of_the_ratio_count() {
    // How many successes bring two tokens of two, one lost, back over half.
    for (ratio, wanted) in [(1.0, 1), (0.5, 1), (0.1, 1), (0.001, 1), (7.0, 1)] {
        let throttle = Throttle::new(2, ratio);
        throttle.failure();
        assert!(!throttle.allows(), "{ratio}");
        (0..wanted).for_each(|_| throttle.success());
        assert!(throttle.allows(), "{ratio}");
    }
    // How many bring none of ten back over half.
    for (ratio, wanted) in [
        (1.0, 6),
        (0.546, 10),
        (0.5466, 10),
        (0.5469999, 10),
        (0.29, 18),
        (1.001, 5),
        (0.3, 17),
        (0.1, 51),
        (0.1009, 51),
        (0.001, 5001),
    ] {
        let throttle = Throttle::new(10, ratio);
        for _ in 0..10 {
            throttle.failure();
        }
        let mut successes = 0;
        while !throttle.allows() {
            throttle.success();
            successes += 1;
        }
        assert_eq!(successes, wanted, "{ratio}");
    }
}

#[test]
fn tokens_stay_within_their_bounds() {
    let throttle = Throttle::new(10, 1.0);
    (0..100).for_each(|_| throttle.success());
    assert_eq!(failures(&throttle), 4);
    for _ in 0..100 {
        throttle.failure();
    }
    (0..5).for_each(|_| throttle.success());
    assert!(!throttle.allows());
    throttle.success();
    assert!(throttle.allows());
}

#[test]
fn threads_share_the_tokens() {
    let throttle = Arc::new(Throttle::new(1000, 0.001));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let throttle = throttle.clone();
            thread::spawn(move || (0..400).filter(|_| throttle.failure()).count())
        })
        .collect();
    let allowed: usize = threads
        .into_iter()
        .map(|one| one.join().expect("no panic"))
        .sum();
    assert_eq!(allowed, 499);
}

/// What each of these does to ten tokens: the failures that still leave room after it.
#[tokio::test(start_paused = true)]
async fn only_failures_of_the_service_count() {
    for (plan, steps, wanted) in [
        (retry(3), "ok", 4),
        (retry(3), "notfound", 4),
        (retry(3), "invalidargument", 4),
        (retry(3), "internal!5", 4),
        (retry(3), "refused ok", 4),
        (retry(3), "unsent unsent ok", 4),
        (retry(2), "unavailable unavailable", 2),
        (retry(2), "resourceexhausted internal", 3),
        (retry(3), "unavailable!-1", 3),
        (retry(3), "internal!-1", 3),
        (retry(3), "internal!x", 3),
        (retry(3), "refused refused internal", 3),
        (one(), "unavailable", 4),
        (one(), "unavailable!-1", 3),
    ] {
        let budget = budget();
        run(plan, steps, &budget, None).await;
        let mut left = 0;
        while budget.failure() {
            left += 1;
        }
        assert_eq!(left, wanted, "{steps}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_is_spared() {
    let budget = budget();
    let mut requests = 0;
    for _ in 0..100 {
        let run = run(
            retry(3),
            "unavailable unavailable unavailable",
            &budget,
            None,
        )
        .await;
        requests += run.seen.len();
    }
    // Three attempts, then two: the fifth token is the last that is for retries.
    assert_eq!(requests, 103);
    // It tells its callers that its own retries are spent.
    let spent = run(retry(3), "unavailable", &budget, None).await;
    assert_eq!(spent.end(), "unavailable!-1");
    // What the policy does not cover is not for it to forbid.
    let other = run(retry(3), "notfound", &budget, None).await;
    assert_eq!(other.end(), "notfound");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_recovers_is_retried_again() {
    let budget = budget();
    while budget.failure() {}
    for _ in 0..10 {
        let run = run(retry(2), "unavailable", &budget, None).await;
        assert_eq!(run.seen.len(), 1);
    }
    for _ in 0..61 {
        run(one(), "ok", &budget, None).await;
    }
    let run = run(retry(2), "unavailable ok", &budget, None).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("ok", 2));
}

#[tokio::test(start_paused = true)]
async fn while_tokens_are_left_every_call_is_retried() {
    let budget = within(loose(), Limits::default());
    for _ in 0..100 {
        let run = run(retry(2), "unavailable unavailable", &budget, None).await;
        assert_eq!((run.end().as_str(), run.seen.len()), ("unavailable", 2));
    }
}

#[tokio::test(start_paused = true)]
async fn transparent_retries_need_no_tokens() {
    let budget = budget();
    while budget.failure() {}
    let run = run(retry(3), "unsent refused ok", &budget, None).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("ok", 3));
}
