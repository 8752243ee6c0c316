//! What is to be done for a call besides making it: how long it may take and
//! when it is made again.

use crate::status::Code;
use std::time::Duration;

/// What holds for the calls of a method, as far as it is said. Whoever comes
/// later in `call over code over config over .proto over default` fills what is missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MethodPolicy {
    /// How long a call may take, all its attempts together.
    pub timeout: Option<Duration>,
    /// Whether it waits for a connection instead of failing with UNAVAILABLE.
    pub wait_for_ready: Option<bool>,
    /// Whether and how it is made again.
    pub retry: Option<Attempts>,
}

/// How a call comes to more than one attempt (gRFC A6).
#[derive(Clone, Debug, PartialEq)]
pub enum Attempts {
    /// One only, whatever the method's idempotency allows.
    One,
    /// The next after one has failed.
    Retry(RetryPolicy),
    /// The next though none has failed yet.
    Hedge(HedgingPolicy),
}

/// When a failed call is tried again (gRFC A6, "Retry Policy").
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included: 2 to [`ATTEMPTS_MAX`].
    pub max_attempts: u32,
    /// The most that precedes the second attempt, more or less a fifth.
    pub initial_backoff: Duration,
    /// The most that precedes any.
    pub max_backoff: Duration,
    /// How much longer each is than the one before.
    pub backoff_multiplier: f64,
    /// What is worth another attempt.
    pub retryable: Vec<Code>,
}

/// When a call is made once more before it has ended (gRFC A6, "Hedging Policy").
#[derive(Clone, Debug, PartialEq)]
pub struct HedgingPolicy {
    /// Attempts in all, the first one included: 2 to [`ATTEMPTS_MAX`].
    pub max_attempts: u32,
    /// How long after one attempt the next begins; zero sends all at once.
    pub hedging_delay: Duration,
    /// What ends one attempt and not the call.
    pub non_fatal: Vec<Code>,
}

/// More attempts than this are as many as this (gRFC A6).
pub const ATTEMPTS_MAX: u32 = 5;
