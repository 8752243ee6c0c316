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
    pub attempts: Option<Attempts>,
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
        read(method, Self::clone)
    }

    /// One that says nothing.
    pub(crate) const fn none() -> Self {
        Self {
            timeout: None,
            wait_for_ready: None,
            attempts: None,
            priority: None,
            request_bytes_max: None,
            response_bytes_max: None,
        }
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
            attempts: self.attempts.or(fallback.attempts),
            priority: self.priority.or(fallback.priority),
            request_bytes_max: self.request_bytes_max.or(fallback.request_bytes_max),
            response_bytes_max: self.response_bytes_max.or(fallback.response_bytes_max),
        }
    }
}

/// How a call comes to more than one attempt (gRFC A6), as far as the method's
/// [`Idempotency`] allows it. What the server provably did not process is sent again
/// whatever is said here.
#[derive(Clone, Debug, PartialEq)]
pub enum Attempts {
    /// One only, whatever the method's idempotency allows.
    One,
    /// The next after one has failed; not for methods of unknown idempotency.
    Retry(RetryPolicy),
    /// The next though none has failed yet; only for methods without side effects. One
    /// that is idempotent is retried instead, as if nothing were said.
    Hedge(HedgingPolicy),
}

/// When a failed call is tried again (gRFC A6, "Retry Policy").
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included: 2 to [`ATTEMPTS_MAX`].
    pub max_attempts: u32,
    /// About what precedes the second attempt: 0.8 to 1.2 times it, by chance.
    pub initial_backoff: Duration,
    /// What the waits grow to at most: again, 0.8 to 1.2 times it. A server that says
    /// when to try again is heeded, whatever this is.
    pub max_backoff: Duration,
    /// How many times the one before each wait is, chance aside.
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

/// Shows `read` what the .proto of a method says of its calls. It must not ask for another.
pub(crate) fn read<T>(method: Method, read: impl FnOnce(&MethodPolicy) -> T) -> T {
    if method.encoded_options().is_empty() && method.encoded_service_options().is_empty() {
        return read(&MethodPolicy::none());
    }
    REMEMBERED.with_borrow_mut(|remembered| match remembered.get(method.path()) {
        Some(known) if known.is_of(method) => read(&known.policy),
        None if remembered.len() < METHODS_REMEMBERED_MAX => {
            let fresh = Remembered::of(method);
            let result = read(&fresh.policy);
            remembered.insert(method.path(), fresh);
            result
        }
        _ => read(&declared::policy(method)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{ timeout { seconds: 1 } }`
    const SECOND: &[u8] = b"\x8A\xA2%\x04\x0A\x02\x08\x01";

    #[test]
    fn more_methods_than_are_remembered_have_policies() {
        for number in 0..METHODS_REMEMBERED_MAX + 10 {
            let path: &'static str = format!("/a.B/M{number}").leak();
            let method: Method = Method::unary(path).options(SECOND);
            for _ in 0..2 {
                assert_eq!(
                    MethodPolicy::of(method).timeout,
                    Some(Duration::from_secs(1))
                );
            }
        }
        REMEMBERED.with_borrow(|all| assert_eq!(all.len(), METHODS_REMEMBERED_MAX));
    }

    /// The generator lets none of these through; options may be written by hand.
    #[test]
    fn what_makes_no_sense_is_not_said() {
        let wrong: [&'static [u8]; 6] = [
            b"\x8A\xA2%\x04\x1A\x02\x08\x01", // retry { max_attempts: 1 }
            b"\x8A\xA2%\x04\x22\x02\x08\x01", // hedging { max_attempts: 1 }
            b"\x8A\xA2%\x04\x0A\x02\x08\x00", // timeout { seconds: 0 }
            b"\x8A\xA2%\x02\x30\x09",         // priority: 9
            b"\x8A\xA2%\x05\x0A\x02\x08\x01", // cut short
            b"\x8A\xA2%\x0D\x0A\x0B\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", // timeout { seconds: -1 }
        ];
        for options in wrong {
            let method: Method = Method::unary("/a.B/C").no_side_effects().options(options);
            assert_eq!(
                MethodPolicy::of(method),
                MethodPolicy::default(),
                "{options:?}"
            );
        }
    }

    #[test]
    fn attempts_are_for_methods_that_allow_them() {
        // retry { max_attempts: 9 initial_backoff { seconds: 1 } max_backoff { seconds: 1 }
        // backoff_multiplier: 2 retryable_status_codes: [OK, UNAVAILABLE] }
        const RETRY: &[u8] = b"\x8A\xA2%\x19\x1A\x17\x08\x09\x12\x02\x08\x01\x1A\x02\x08\x01\
                               \x21\0\0\0\0\0\0\0\x40\x2A\x02\x00\x0E";
        const HEDGING: &[u8] = b"\x8A\xA2%\x04\x22\x02\x08\x03";
        let method: Method = Method::unary("/a.B/C");
        let streaming: Method = Method::client_streaming("/a.B/C");
        let retry = |method: Method| MethodPolicy::of(method.service_options(RETRY)).attempts;
        let hedging = |method: Method| MethodPolicy::of(method.service_options(HEDGING)).attempts;
        assert_eq!(retry(method), None);
        assert_eq!(retry(streaming.no_side_effects()), None);
        assert_eq!(hedging(method.idempotent()), None);
        let Some(Attempts::Retry(policy)) = retry(method.idempotent()) else {
            panic!("an idempotent method is retried");
        };
        assert_eq!(policy.max_attempts, ATTEMPTS_MAX);
        assert_eq!(policy.retryable, [Code::Unavailable]);
        let Some(Attempts::Hedge(policy)) = hedging(method.no_side_effects()) else {
            panic!("a method without side effects is hedged");
        };
        assert_eq!(policy.max_attempts, 3);
        assert_eq!(policy.hedging_delay, Duration::ZERO);
    }
}
