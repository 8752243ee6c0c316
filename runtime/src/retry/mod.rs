//! Makes one call of as many attempts as it takes and as it may (gRFC A6).
//!
//! ```text
//! request -> Replay -+-> series: one attempt after another --+-> response, or the last status
//!                    '-> hedges: several attempts at a time -'
//! ```
//!
//! An attempt has one of several fates ([`Fate`]). One that the server did nothing about
//! is tried again whatever the method is; any other if the [`Plan`] says so and the
//! [`Throttle`] allows.
//! A response whose head has come commits the call: nothing is tried after it.
//!
//! A call that needs one attempt costs one small allocation more than without, the count
//! of who shares its body, and a list of its headers, if it has any.

mod budget;
mod chain;
mod hedges;
mod judge;
mod plan;
mod pushback;
mod replay;
mod series;
mod tee;
#[cfg(test)]
mod tests;
mod throttle;
mod transparent;
mod tried;

use crate::{
    body::Body,
    deadline::Deadline,
    engine::HttpBody,
    message::Response,
    status::{Result, Status},
};
use replay::Replay;
use std::sync::Arc;

pub(crate) use budget::Budget;
pub(crate) use chain::{attempt_number, is_of_retry, mark};
pub(crate) use plan::Plan;
pub(crate) use throttle::Throttle;
pub(crate) use tried::Tried;

/// Makes one attempt.
pub(crate) trait Attempt: Send + Sync {
    /// Sends `request`, preferably to a subchannel that is not among `tried`, and waits
    /// for the head of its response. Dropping the future resets the stream.
    ///
    /// The headers that every request has are for it to add: they are not kept for
    /// further attempts.
    ///
    /// Whoever picks a subchannel tells `tried` at once, so that attempts that
    /// are under way at the same time go to different ones.
    fn attempt(
        &self,
        request: Box<http::Request<HttpBody>>,
        tried: Tried,
    ) -> impl Future<Output = Attempted> + Send;
}

/// How an attempt went.
#[derive(Debug)]
pub(crate) struct Attempted {
    /// Where it went, if anywhere.
    pub(crate) subchannel: Option<u64>,
    /// A response is what the server began to answer: the call is committed to it.
    pub(crate) outcome: Result<Response<Body>, Failed>,
}

/// An attempt that ended without a response: Trailers-Only, or none at all.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) status: Status,
    pub(crate) fate: Fate,
}

/// What became of a request that was not answered.
#[derive(Debug)]
pub(crate) enum Fate {
    /// Not a byte of it has left; here it is.
    Unsent(Box<http::Request<HttpBody>>),
    /// REFUSED_STREAM, or a GOAWAY that does not cover it: the server did nothing.
    Unprocessed,
    /// The server may have done anything.
    Unknown,
    /// The same, as the connection broke: another call on it has told the throttle,
    /// for which one connection lost is one failure.
    Lost,
}

/// Makes a call. Whoever awaits it drops it at `deadline`; it only begins nothing that
/// the deadline would end: where the next attempt would be due after it, the call ends
/// at once, with the last status.
///
/// # Errors
/// The status of the last attempt, or DEADLINE_EXCEEDED if that ended after `deadline`.
/// While the throttle allows no retries, a status that the plan covers tells callers
/// up the chain not to try either.
pub(crate) async fn call<A: Attempt>(
    attempt: &A,
    request: http::Request<HttpBody>,
    plan: &Plan,
    budget: &Arc<Budget>,
    made: Made,
) -> Result<Response<Body>> {
    let Made {
        deadline,
        is_of_retry,
    } = made;
    let plan = match is_of_retry {
        true => plan.once(),
        false => *plan,
    };
    let (replay, first) = Replay::new(request, budget, is_of_retry);
    let calling = Calling {
        attempt,
        plan,
        budget,
        replay,
        deadline,
    };
    match plan.hedging_delay() {
        // In a box: few calls are hedged, and all would be as large.
        Some(delay) => Box::pin(hedges::call(&calling, first, delay)).await,
        None => series::call(&calling, first).await,
    }
}

/// What a call is made within.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Made {
    pub(crate) deadline: Option<Deadline>,
    /// For a call that [`is_of_retry`] itself.
    pub(crate) is_of_retry: bool,
}

/// What the attempts of one call have in common.
struct Calling<'a, A> {
    attempt: &'a A,
    plan: Plan,
    budget: &'a Budget,
    replay: Replay<'a>,
    deadline: Option<Deadline>,
}
