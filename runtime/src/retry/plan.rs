//! What a method's policy and its idempotency come to.

use crate::{
    method::Idempotency,
    policy::{ATTEMPTS_MAX, Attempts, HedgingPolicy, RetryPolicy},
    status::Code,
};
use std::time::Duration;

/// How the calls of a method are attempted. Cheap to make and to copy.
///
/// The .proto has the last word on what may be done twice: a method that declares
/// NO_SIDE_EFFECTS may be retried and hedged, one that declares IDEMPOTENT retried (a
/// policy that hedges it retries it as by default), and any other only where the server
/// provably did nothing, whatever its policy says.
///
/// Without a policy, what may be retried is: on UNAVAILABLE, twice, after 50 ms and
/// 100 ms. That outlasts a connection that broke and one that is made anew; three attempts
/// for a request are what "Site Reliability Engineering" advises, and UNAVAILABLE is the
/// one code that says the service was not reached or refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plan {
    attempts_max: u32,
    /// What an attempt may end with for the call to go on.
    codes: Codes,
    pace: Pace,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    Backoff {
        initial: Duration,
        max: Duration,
        multiplier: f64,
    },
    Hedging(Duration),
}

/// How much a backoff differs from the one computed, at most.
const JITTER: f64 = 0.2;

impl Plan {
    /// The plan for a method whose policy says so of its attempts, if anything.
    pub(crate) fn of(idempotency: Idempotency, attempts: Option<&Attempts>) -> Self {
        match (idempotency, attempts) {
            (Idempotency::Unknown, _) | (_, Some(Attempts::One)) => Self::ONE,
            (_, Some(Attempts::Retry(policy))) => Self::retry(policy),
            (Idempotency::NoSideEffects, Some(Attempts::Hedge(policy))) => Self::hedge(policy),
            (Idempotency::Idempotent, Some(Attempts::Hedge(_))) | (_, None) => Self::DEFAULT,
        }
    }

    const ONE: Self = Self {
        attempts_max: 1,
        codes: Codes::NONE,
        pace: Pace::Backoff {
            initial: Duration::ZERO,
            max: Duration::ZERO,
            multiplier: 1.0,
        },
    };

    const DEFAULT: Self = Self {
        attempts_max: 3,
        codes: Codes::NONE.with(Code::Unavailable),
        pace: Pace::Backoff {
            initial: Duration::from_millis(50),
            max: Duration::from_secs(1),
            multiplier: 2.0,
        },
    };

    fn retry(policy: &RetryPolicy) -> Self {
        Self {
            attempts_max: policy.max_attempts.clamp(1, ATTEMPTS_MAX),
            codes: Codes::of(&policy.retryable),
            pace: Pace::Backoff {
                initial: policy.initial_backoff,
                max: policy.max_backoff,
                multiplier: policy.backoff_multiplier,
            },
        }
    }

    fn hedge(policy: &HedgingPolicy) -> Self {
        Self {
            attempts_max: policy.max_attempts.clamp(1, ATTEMPTS_MAX),
            codes: Codes::of(&policy.non_fatal),
            pace: Pace::Hedging(policy.hedging_delay),
        }
    }

    /// The same without attempts of its own choice; its failures still count.
    pub(super) fn once(self) -> Self {
        Self {
            attempts_max: 1,
            ..self
        }
    }

    pub(super) fn attempts_max(&self) -> u32 {
        self.attempts_max
    }

    /// Whether a call may go on after this.
    pub(super) fn covers(&self, code: Code) -> bool {
        self.codes.contains(code)
    }

    /// `None` unless attempts overlap.
    pub(super) fn hedging_delay(&self) -> Option<Duration> {
        match self.pace {
            Pace::Hedging(delay) => Some(delay),
            Pace::Backoff { .. } => None,
        }
    }

    /// How long to wait after `backoffs` have passed already, at `random` in 0..1.
    pub(super) fn backoff(&self, backoffs: u32, random: f64) -> Duration {
        let Pace::Backoff {
            initial,
            max,
            multiplier,
        } = self.pace
        else {
            return Duration::ZERO;
        };
        let exponent = i32::try_from(backoffs).unwrap_or(i32::MAX);
        let grown = initial.as_secs_f64() * multiplier.powi(exponent);
        let base = grown.min(max.as_secs_f64());
        let jittered = base * (1.0 - JITTER + 2.0 * JITTER * random);
        Duration::try_from_secs_f64(jittered).unwrap_or(max)
    }
}

/// A set of status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Codes(u32);

impl Codes {
    const NONE: Self = Self(0);

    fn of(codes: &[Code]) -> Self {
        codes.iter().fold(Self::NONE, |set, code| set.with(*code))
    }

    const fn with(self, code: Code) -> Self {
        Self(self.0 | 1 << code as u32)
    }

    const fn contains(self, code: Code) -> bool {
        self.0 & 1 << code as u32 != 0
    }
}
