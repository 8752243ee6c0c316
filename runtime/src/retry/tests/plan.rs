//! What may be attempted, and when.

use super::{hedge, millis, one, plan, retry};
use crate::{
    method::Idempotency::{Idempotent, NoSideEffects, Unknown},
    policy::{Attempts, HedgingPolicy, RetryPolicy},
    retry::Plan,
    status::Code,
};
use std::time::Duration;

#[test]
fn the_proto_has_the_last_word() {
    let retrying = || {
        Some(Attempts::Retry(RetryPolicy {
            max_attempts: 4,
            initial_backoff: millis(10),
            max_backoff: millis(20),
            backoff_multiplier: 1.5,
            retryable: vec![Code::Aborted],
        }))
    };
    let hedging = || {
        Some(Attempts::Hedge(HedgingPolicy {
            max_attempts: 4,
            hedging_delay: millis(10),
            non_fatal: vec![Code::Aborted],
        }))
    };
    // attempts, hedged, goes on after ABORTED, goes on after UNAVAILABLE
    for (idempotency, attempts, wanted) in [
        (Unknown, None, (1, false, false, false)),
        (Unknown, Some(Attempts::One), (1, false, false, false)),
        (Unknown, retrying(), (1, false, false, false)),
        (Unknown, hedging(), (1, false, false, false)),
        (Idempotent, None, (3, false, false, true)),
        (Idempotent, Some(Attempts::One), (1, false, false, false)),
        (Idempotent, retrying(), (4, false, true, false)),
        (Idempotent, hedging(), (3, false, false, true)),
        (NoSideEffects, None, (3, false, false, true)),
        (NoSideEffects, Some(Attempts::One), (1, false, false, false)),
        (NoSideEffects, retrying(), (4, false, true, false)),
        (NoSideEffects, hedging(), (4, true, true, false)),
    ] {
        let named = format!("{idempotency:?} {attempts:?}");
        let plan = plan(idempotency, attempts);
        let got = (
            plan.attempts_max(),
            plan.hedging_delay().is_some(),
            plan.covers(Code::Aborted),
            plan.covers(Code::Unavailable),
        );
        assert_eq!(got, wanted, "{named}");
    }
}

#[test]
fn backoffs_grow_to_their_longest() {
    for (backoffs, middle) in [
        (0, 100),
        (1, 200),
        (2, 400),
        (3, 500),
        (9, 500),
        (u32::MAX, 500),
    ] {
        let middle = millis(middle);
        for (random, factor) in [(0.0, 0.8), (0.25, 0.9), (0.5, 1.0), (0.75, 1.1), (1.0, 1.2)] {
            let got = retry(5).backoff(backoffs, random).as_secs_f64();
            let wanted = middle.mul_f64(factor).as_secs_f64();
            assert!((got - wanted).abs() < 1e-9, "{backoffs} {random}: {got}");
        }
    }
}

#[test]
fn backoffs_are_spread_evenly() {
    fastrand::seed(7);
    let mut tenths = [0u32; 10];
    for _ in 0..10_000 {
        let backoff = retry(5).backoff(0, fastrand::f64()).as_secs_f64();
        tenths[((backoff - 0.08) / 0.04 * 10.0) as usize] += 1;
    }
    assert!(
        tenths.iter().all(|count| (850..1150).contains(count)),
        "{tenths:?}"
    );
}

#[test]
fn odd_numbers_do_no_harm() {
    for (initial, max, multiplier, longest) in [
        (Duration::ZERO, Duration::ZERO, 2.0, Duration::ZERO),
        (millis(100), millis(10), 2.0, millis(12)),
        (millis(100), millis(1000), f64::NAN, millis(1200)),
        (millis(100), millis(1000), f64::INFINITY, millis(1200)),
        (millis(100), millis(1000), -3.0, millis(1200)),
        (millis(100), millis(1000), 1e300, millis(1200)),
        (Duration::MAX, Duration::MAX, 2.0, Duration::MAX),
    ] {
        let policy = RetryPolicy {
            max_attempts: 5,
            initial_backoff: initial,
            max_backoff: max,
            backoff_multiplier: multiplier,
            retryable: vec![Code::Unavailable],
        };
        let plan = plan(Idempotent, Some(Attempts::Retry(policy)));
        for backoffs in 0..4 {
            let backoff = plan.backoff(backoffs, 1.0);
            assert!(backoff <= longest, "{multiplier}: {backoff:?}");
        }
    }
}

#[test]
fn a_shrinking_backoff_shrinks() {
    let policy = RetryPolicy {
        max_attempts: 5,
        initial_backoff: millis(400),
        max_backoff: millis(1000),
        backoff_multiplier: 0.5,
        retryable: vec![Code::Unavailable],
    };
    let plan = plan(Idempotent, Some(Attempts::Retry(policy)));
    let backoffs: Vec<_> = (0..4).map(|n| plan.backoff(n, 0.5)).collect();
    assert_eq!(
        backoffs,
        [millis(400), millis(200), millis(100), millis(50)]
    );
}

#[test]
fn every_code_fits_a_plan() {
    for code in (0..17).map(Code::from_i32) {
        let policy = HedgingPolicy {
            max_attempts: 2,
            hedging_delay: Duration::ZERO,
            non_fatal: vec![code],
        };
        let plan = plan(NoSideEffects, Some(Attempts::Hedge(policy)));
        let covered: Vec<_> = (0..17)
            .map(Code::from_i32)
            .filter(|code| plan.covers(*code))
            .collect();
        assert_eq!(covered, [code]);
    }
}

#[test]
fn a_call_for_a_retry_has_one_attempt() {
    for plan in [one(), retry(5), hedge(5, 0)] {
        let once: Plan = plan.once();
        assert_eq!(once.attempts_max(), 1);
        assert_eq!(
            once.covers(Code::Unavailable),
            plan.covers(Code::Unavailable)
        );
    }
}
