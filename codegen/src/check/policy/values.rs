//! What no policy may say, whatever it is for.

use super::{HEDGING, RETRY, SINGLE_ATTEMPT, TIMEOUT};
use crate::{
    check::Check,
    model::Spot,
    policy::{Hedging, Policy, Retry, Span},
};
use std::ops::RangeInclusive;

/// `max_attempts`, in `Retry` as in `Hedging`.
const MAX_ATTEMPTS: i32 = 1;

/// More than five are five in gRPC (A6): nobody should count on what is not made.
const ATTEMPTS: RangeInclusive<u32> = 2..=5;

impl Check<'_> {
    pub(super) fn policy_values(&mut self, policy: &Policy, at: &Spot) {
        self.span("timeout", policy.timeout, at, &[TIMEOUT], false);
        if let Some(retry) = &policy.retry {
            self.retry(retry, at);
        }
        if let Some(hedging) = &policy.hedging {
            self.hedging(hedging, at);
        }
        if policy.retry.is_some() && policy.hedging.is_some() {
            let help = "keep one: `retry` waits for a failure, `hedging` does not";
            self.fault(at, &[HEDGING], "`hedging` stands beside `retry`", help);
        }
        if policy.single_attempt && (policy.retry.is_some() || policy.hedging.is_some()) {
            let message = "`single_attempt` stands beside `retry` or `hedging`";
            self.fault(at, &[SINGLE_ATTEMPT], message, "keep one");
        }
    }

    fn retry(&mut self, retry: &Retry, at: &Spot) {
        self.attempts(retry.max_attempts, at, RETRY);
        for (name, span, field) in [
            ("initial_backoff", retry.initial_backoff, 2),
            ("max_backoff", retry.max_backoff, 3),
        ] {
            if span.is_none() {
                let message = format!("`retry` has no `{name}`");
                let help = format!("write one, such as `{name} {{ seconds: 1 }}`");
                self.fault(at, &[RETRY], message, help);
            }
            self.span(name, span, at, &[RETRY, field], false);
        }
        let multiplier = retry.backoff_multiplier;
        if !(multiplier > 0.0 && multiplier.is_finite()) {
            let message = format!("`backoff_multiplier` is {multiplier}");
            let help =
                "write a number over 0, such as 2: how much longer each wait is than the last";
            self.fault(at, &[RETRY, 4], message, help);
        }
        if retry.retryable_status_codes.is_empty() {
            let help = "write what is worth another attempt: `retryable_status_codes: UNAVAILABLE`";
            let message = "`retry` has no `retryable_status_codes`";
            self.fault(at, &[RETRY], message, help);
        }
        self.no_ok(&retry.retryable_status_codes, at, &[RETRY, 5]);
    }

    fn hedging(&mut self, hedging: &Hedging, at: &Spot) {
        self.attempts(hedging.max_attempts, at, HEDGING);
        self.span(
            "hedging_delay",
            hedging.hedging_delay,
            at,
            &[HEDGING, 2],
            true,
        );
        self.no_ok(&hedging.non_fatal_status_codes, at, &[HEDGING, 3]);
    }

    fn attempts(&mut self, attempts: u32, at: &Spot, of: i32) {
        if !ATTEMPTS.contains(&attempts) {
            let message = format!("`max_attempts` is {attempts}");
            let help = "write 2 to 5: the first attempt counts, and gRPC makes no more than 5";
            self.fault(at, &[of, MAX_ATTEMPTS], message, help);
        }
    }

    fn span(&mut self, name: &str, span: Option<Span>, at: &Spot, fields: &[i32], or_zero: bool) {
        let Some(Span { seconds, nanos }) = span else {
            return;
        };
        let help = format!("write, for example, `{name} {{ seconds: 1 nanos: 500000000 }}`");
        if !(-999_999_999..=999_999_999).contains(&nanos) {
            let message = format!("`{name}` has {nanos} `nanos`, which is a second or more");
            self.fault(at, fields, message, help);
        } else if (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0) {
            let message =
                format!("`{name}` has {seconds} `seconds` and {nanos} `nanos`, of different signs");
            self.fault(at, fields, message, help);
        } else if seconds < 0 || nanos < 0 {
            self.fault(at, fields, format!("`{name}` is below zero"), help);
        } else if seconds == 0 && nanos == 0 && !or_zero {
            self.fault(at, fields, format!("`{name}` is zero"), help);
        }
    }

    fn no_ok(&mut self, codes: &[i32], at: &Spot, fields: &[i32]) {
        if codes.contains(&0) {
            let help = "delete it: a call that went well is not made again";
            self.fault(at, fields, "`OK` is no failure", help);
        }
    }
}
