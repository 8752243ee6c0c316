//! What a failed attempt means for its call.

use super::{Calling, pushback::Pushback};
use crate::status::Status;
use std::time::Duration;

/// Whether a call goes on after an attempt that failed (gRFC A6, "Summary of Retry and
/// Hedging Logic").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The call is over: no policy covers its status.
    Fatal,
    /// No attempt may follow; those under way may go on.
    Last,
    /// The same, for want of tokens.
    Throttled,
    /// Another may follow, when the policy says.
    Again,
    /// Another may follow, when the server says.
    After(Duration),
}

impl<A> Calling<'_, A> {
    /// Judges a failure, and counts it where gRFC A6 counts it: where the status is one
    /// that the policy covers, or the server wants no other attempt, unless `is_told`.
    pub(super) fn judge(&self, status: &Status, is_told: bool) -> Verdict {
        let verdict = self.weigh(status, is_told);
        self.note(|| format!("{}; {}", self.meaning(verdict), self.budget));
        verdict
    }

    fn meaning(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Fatal if self.plan.attempts_max() == 1 => {
                "no other attempt: neither the .proto nor a policy allows one"
            }
            Verdict::Fatal => "no other attempt: the policy does not cover this status",
            Verdict::Last => "no other attempt: the server wants none (grpc-retry-pushback-ms)",
            Verdict::Throttled => "no other attempt: too few tokens are left",
            Verdict::Again => "the policy covers this status",
            Verdict::After(_) => "the policy covers this status, and the server says when",
        }
    }

    fn weigh(&self, status: &Status, is_told: bool) -> Verdict {
        let covered = self.plan.covers(status.code());
        let pushback = Pushback::of(status.metadata());
        if !covered && pushback != Pushback::Never {
            return Verdict::Fatal;
        }
        let allowed = match is_told {
            true => self.budget.allows(),
            false => self.budget.failure(),
        };
        match pushback {
            _ if !covered => Verdict::Fatal,
            Pushback::Never => Verdict::Last,
            _ if !allowed => Verdict::Throttled,
            Pushback::None => Verdict::Again,
            Pushback::After(delay) => Verdict::After(delay),
        }
    }

    /// Whether nobody waits any more for what begins after `delay`.
    pub(super) fn is_too_late(&self, delay: Duration) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline.remaining() <= delay)
    }
}
