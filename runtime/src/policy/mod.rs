//! What is to be done for a call besides making it: how long it may take and
//! when it is made again.

mod declared;

use crate::{
    method::{Idempotency, Method, MethodKind},
    priority::Priority,
    status::Code,
};
use std::{cell::RefCell, collections::HashMap, time::Duration};

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
    /// How much it matters to its caller.
    pub priority: Option<Priority>,
    /// Bytes of one message that may be sent.
    pub request_bytes_max: Option<usize>,
    /// Bytes of one message that may be received.
    pub response_bytes_max: Option<usize>,
}

impl MethodPolicy {
    /// What the .proto says of the calls of `method`, by the options of
    /// `cordial/v1/options.proto`, its service's where it says nothing itself.
    pub fn of(method: Method) -> Self {
        of(method)
    }

    /// The same, with what it does not say taken from `fallback`.
    ///
    /// ```
    /// use cordial_runtime::MethodPolicy;
    /// use std::time::Duration;
    ///
    /// let call = MethodPolicy { wait_for_ready: Some(true), ..MethodPolicy::default() };
    /// let config = MethodPolicy { timeout: Some(Duration::from_secs(1)), ..MethodPolicy::default() };
    /// let both = call.or(config);
    /// assert_eq!(both.wait_for_ready, Some(true));
    /// assert_eq!(both.timeout, Some(Duration::from_secs(1)));
    /// ```
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        Self {
            timeout: self.timeout.or(fallback.timeout),
            wait_for_ready: self.wait_for_ready.or(fallback.wait_for_ready),
            retry: self.retry.or(fallback.retry),
            priority: self.priority.or(fallback.priority),
            request_bytes_max: self.request_bytes_max.or(fallback.request_bytes_max),
            response_bytes_max: self.response_bytes_max.or(fallback.response_bytes_max),
        }
    }
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

/// Methods whose policies a thread remembers; those of further ones are decoded each time.
const METHODS_REMEMBERED_MAX: usize = 1024;

/// A method's policy, and all that it was made of.
struct Remembered {
    options: &'static [u8],
    service_options: &'static [u8],
    kind: MethodKind,
    idempotency: Idempotency,
    policy: MethodPolicy,
}

impl Remembered {
    fn of(method: Method) -> Self {
        Self {
            options: method.encoded_options(),
            service_options: method.encoded_service_options(),
            kind: method.kind(),
            idempotency: method.idempotency(),
            policy: declared::policy(method),
        }
    }

    /// Two methods of one path may differ: a program may hold two versions of a .proto.
    fn is_of(&self, method: Method) -> bool {
        self.kind == method.kind()
            && self.idempotency == method.idempotency()
            && self.options == method.encoded_options()
            && self.service_options == method.encoded_service_options()
    }
}

thread_local! {
    static REMEMBERED: RefCell<HashMap<&'static str, Remembered>> = RefCell::default();
}

/// What the .proto of a method says of its calls.
pub(crate) fn of(method: Method) -> MethodPolicy {
    if method.encoded_options().is_empty() && method.encoded_service_options().is_empty() {
        return MethodPolicy::default();
    }
    REMEMBERED.with_borrow_mut(|remembered| match remembered.get(method.path()) {
        Some(known) if known.is_of(method) => known.policy.clone(),
        None if remembered.len() < METHODS_REMEMBERED_MAX => {
            let fresh = Remembered::of(method);
            let policy = fresh.policy.clone();
            remembered.insert(method.path(), fresh);
            policy
        }
        _ => declared::policy(method),
    })
}
