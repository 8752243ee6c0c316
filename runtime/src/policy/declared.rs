//! What a .proto says of a method, by `cordial/v1/options.proto`.

use super::{ATTEMPTS_MAX, Attempts, HedgingPolicy, MethodPolicy, RetryPolicy};
use crate::{
    extension::Extension,
    method::{Idempotency, Method, MethodKind},
    priority::Priority,
    status::Code,
};
use std::time::Duration;

/// `cordial.v1.policy`, an option of methods, and `cordial.v1.default_policy`,
/// of services: one number for both.
const POLICY: Extension<Policy> = Extension::message(76_321);

#[derive(Clone, PartialEq, prost::Message)]
struct Policy {
    #[prost(message, optional, tag = "1")]
    timeout: Option<Span>,
    #[prost(bool, optional, tag = "2")]
    wait_for_ready: Option<bool>,
    #[prost(message, optional, tag = "3")]
    retry: Option<Retry>,
    #[prost(message, optional, tag = "4")]
    hedging: Option<Hedging>,
    #[prost(bool, tag = "5")]
    single_attempt: bool,
    #[prost(int32, tag = "6")]
    priority: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Retry {
    #[prost(uint32, tag = "1")]
    max_attempts: u32,
    #[prost(message, optional, tag = "2")]
    initial_backoff: Option<Span>,
    #[prost(message, optional, tag = "3")]
    max_backoff: Option<Span>,
    #[prost(double, tag = "4")]
    backoff_multiplier: f64,
    #[prost(int32, repeated, tag = "5")]
    retryable_status_codes: Vec<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Hedging {
    #[prost(uint32, tag = "1")]
    max_attempts: u32,
    #[prost(message, optional, tag = "2")]
    hedging_delay: Option<Span>,
    #[prost(int32, repeated, tag = "3")]
    non_fatal_status_codes: Vec<i32>,
}

/// `google.protobuf.Duration`
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Span {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// What the options of a method say, and those of its service besides.
pub(super) fn policy(method: Method) -> MethodPolicy {
    let own = method.option(POLICY).unwrap_or_default();
    let default = method.service_option(POLICY).unwrap_or_default();
    own.of(method).or(default.of(method))
}

impl Policy {
    /// As far as the method allows it: a service's default is for all of its methods.
    fn of(self, method: Method) -> MethodPolicy {
        MethodPolicy {
            timeout: self.timeout.and_then(Span::positive),
            wait_for_ready: self.wait_for_ready,
            priority: match self.priority {
                1 => Some(Priority::Sheddable),
                2 => Some(Priority::Normal),
                3 => Some(Priority::Critical),
                _ => None,
            },
            attempts: self.attempts(method),
            ..MethodPolicy::default()
        }
    }

    fn attempts(self, method: Method) -> Option<Attempts> {
        if self.single_attempt {
            return Some(Attempts::One);
        }
        let replayed = matches!(
            method.kind(),
            MethodKind::Unary | MethodKind::ServerStreaming
        );
        let idempotency = method.idempotency();
        let retry = self
            .retry
            .filter(|_| replayed && idempotency != Idempotency::Unknown);
        let hedging = self
            .hedging
            .filter(|_| replayed && idempotency == Idempotency::NoSideEffects);
        let retry = retry.and_then(Retry::policy).map(Attempts::Retry);
        retry.or_else(|| hedging.and_then(Hedging::policy).map(Attempts::Hedge))
    }
}

impl Retry {
    /// The generator lets no other through than those that come out of here whole.
    fn policy(self) -> Option<RetryPolicy> {
        let retryable = codes(self.retryable_status_codes);
        let sound = self.backoff_multiplier > 0.0 && !retryable.is_empty();
        Some(RetryPolicy {
            max_attempts: attempts(self.max_attempts)?,
            initial_backoff: self.initial_backoff.and_then(Span::positive)?,
            max_backoff: self.max_backoff.and_then(Span::positive)?,
            backoff_multiplier: self.backoff_multiplier,
            retryable,
        })
        .filter(|_| sound)
    }
}

impl Hedging {
    fn policy(self) -> Option<HedgingPolicy> {
        Some(HedgingPolicy {
            max_attempts: attempts(self.max_attempts)?,
            hedging_delay: self
                .hedging_delay
                .and_then(Span::positive)
                .unwrap_or_default(),
            non_fatal: codes(self.non_fatal_status_codes),
        })
    }
}

impl Span {
    fn positive(self) -> Option<Duration> {
        let (seconds, nanos) = (self.seconds.try_into().ok()?, self.nanos.try_into().ok()?);
        let span = Duration::from_secs(seconds).checked_add(Duration::from_nanos(nanos))?;
        (!span.is_zero()).then_some(span)
    }
}

fn attempts(max: u32) -> Option<u32> {
    (max >= 2).then_some(max.min(ATTEMPTS_MAX))
}

fn codes(numbers: Vec<i32>) -> Vec<Code> {
    let known = numbers
        .into_iter()
        .filter(|number| (1..=16).contains(number));
    known.map(Code::from_i32).collect()
}
