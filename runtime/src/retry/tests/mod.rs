//! Every promise of gRFC A6, on a clock that stands still unless everybody waits.
//!
//! Vectors are lines of text: what the attempts of a call come to, and what is then seen.

mod bodies;
mod chain;
mod fake;
mod hedges;
mod plan;
mod requests;
mod series;
mod throttle;

use super::{Budget, Plan, Throttle};
use crate::{
    limits::Limits,
    method::Idempotency,
    metrics::Metrics,
    policy::{Attempts, HedgingPolicy, RetryPolicy},
    status::Code,
};
use std::{sync::Arc, time::Duration};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn plan(idempotency: Idempotency, attempts: Option<Attempts>) -> Plan {
    Plan::of(idempotency, attempts.as_ref())
}

/// Retries UNAVAILABLE and RESOURCE_EXHAUSTED after 100, 200, 400, 500, 500 ms.
fn retry(max_attempts: u32) -> Plan {
    let policy = RetryPolicy {
        max_attempts,
        initial_backoff: millis(100),
        max_backoff: millis(500),
        backoff_multiplier: 2.0,
        retryable: vec![Code::Unavailable, Code::ResourceExhausted],
    };
    plan(Idempotency::Idempotent, Some(Attempts::Retry(policy)))
}

/// Hedges each `delay` milliseconds; UNAVAILABLE and RESOURCE_EXHAUSTED are not fatal.
fn hedge(max_attempts: u32, delay: u64) -> Plan {
    hedge_of(Idempotency::NoSideEffects, max_attempts, delay)
}

fn hedge_of(idempotency: Idempotency, max_attempts: u32, delay: u64) -> Plan {
    let policy = HedgingPolicy {
        max_attempts,
        hedging_delay: millis(delay),
        non_fatal: vec![Code::Unavailable, Code::ResourceExhausted],
    };
    plan(idempotency, Some(Attempts::Hedge(policy)))
}

fn one() -> Plan {
    plan(Idempotency::Unknown, None)
}

fn budget() -> Arc<Budget> {
    within(Throttle::default(), Limits::default())
}

/// A throttle that nothing here uses up.
fn loose() -> Throttle {
    Throttle::new(1000, 1.0)
}

fn within(throttle: Throttle, limits: Limits) -> Arc<Budget> {
    Arc::new(Budget::new(throttle, &limits, Metrics::default()))
}
