//! One attempt after another (gRFC A6, "Retry Policy").

use super::{
    Attempt, Attempted, Calling, Failed, Fate, chain::PREVIOUS_ATTEMPTS, judge::Verdict, pushback,
    replay::Sending, transparent::Transparent, tried::Tried,
};
use crate::{
    body::Body,
    explain,
    message::Response,
    status::{self, Result, Status},
};
use std::{fmt::Display, time::Duration};
use tonic::metadata::MetadataValue;

/// The attempts of a call until one of them is the last.
pub(super) async fn call<A: Attempt>(
    calling: &Calling<'_, A>,
    first: Sending,
) -> Result<Response<Body>> {
    let mut series = Series {
        calling,
        transparent: Transparent::new(),
        tried: Tried::default(),
        previous: 0,
        backoffs: 0,
    };
    let mut sending = first;
    calling.trace(0, "first", Duration::ZERO);
    loop {
        let Sending { request, reader } = sending;
        let tried = series.tried.clone();
        let Attempted {
            subchannel,
            outcome,
        } = calling.attempt.attempt(request, tried).await;
        match outcome {
            Ok(response) => {
                calling.replay.commit(reader);
                return Ok(calling.answered(series.previous, response));
            }
            Err(failed) => {
                series.tried.add(subchannel);
                // In a box: few attempts fail, and all calls would be as large.
                sending = Box::pin(series.next(failed, reader)).await?;
            }
        }
    }
}

struct Series<'a, A> {
    calling: &'a Calling<'a, A>,
    transparent: Transparent,
    tried: Tried,
    /// Attempts made, transparent ones aside.
    previous: u32,
    /// Backoffs since the server last said when to come.
    backoffs: u32,
}

impl<A: Attempt> Series<'_, A> {
    /// What to send next, when it is time to.
    async fn next(&mut self, failed: Failed, reader: u32) -> Result<Sending> {
        let Failed { status, fate } = failed;
        let calling = self.calling;
        if calling.is_too_late(Duration::ZERO) {
            calling.note(|| "no other attempt: the deadline has passed");
            return Err(status::deadline_exceeded());
        }
        let is_told = matches!(fate, Fate::Lost);
        let again = self
            .transparent
            .again(fate, reader, self.previous, &calling.replay);
        if let Some((sending, why)) = again {
            calling.trace(self.previous, why, Duration::ZERO);
            return Ok(sending);
        }
        let (delay, why) = self
            .after(&status, is_told)
            .map_err(|end| end.of(status.clone()))?;
        if let Some(why) = self.why_last(delay) {
            calling.note(|| format!("no other attempt: {why}"));
            return Err(status);
        }
        self.previous += 1;
        calling.trace(self.previous, why, delay);
        tokio::time::sleep(delay).await;
        calling.replay.again(self.previous).ok_or(status)
    }

    /// Why no attempt may follow after `delay`, if none may.
    fn why_last(&self, delay: Duration) -> Option<&'static str> {
        if self.previous + 1 >= self.calling.plan.attempts_max() {
            Some("it was the last that the policy allows")
        } else if self.calling.is_too_late(delay) {
            Some("the deadline would pass before it began")
        } else if !self.calling.replay.is_kept() {
            Some("the request is larger than what may be kept for it")
        } else {
            None
        }
    }

    /// How long the next attempt has to wait, and why.
    fn after(&mut self, status: &Status, is_told: bool) -> Result<(Duration, &'static str), End> {
        match self.calling.judge(status, is_told) {
            Verdict::Fatal | Verdict::Last => Err(End::Final),
            Verdict::Throttled => Err(End::Throttled),
            Verdict::After(delay) => {
                self.backoffs = 0;
                Ok((delay, "the server said when"))
            }
            Verdict::Again => {
                let delay = self.calling.plan.backoff(self.backoffs, fastrand::f64());
                self.backoffs += 1;
                Ok((delay, "the policy covers the last one's status"))
            }
        }
    }
}

/// Why a call is not tried again.
pub(super) enum End {
    Final,
    Throttled,
}

impl End {
    /// The status to end with.
    pub(super) fn of(self, mut status: Status) -> Status {
        if let Self::Throttled = self {
            pushback::forbid(&mut status);
        }
        status
    }
}

impl<A> Calling<'_, A> {
    /// Ends the call with what one of its attempts was answered.
    pub(super) fn answered(&self, previous: u32, mut response: Response<Body>) -> Response<Body> {
        self.budget.success();
        if previous > 0 {
            let metadata = response.metadata_mut();
            metadata.insert(PREVIOUS_ATTEMPTS, MetadataValue::from(previous));
        }
        response
    }

    /// Logs that an attempt is about to begin.
    pub(super) fn trace(&self, previous: u32, why: &'static str, delay: Duration) {
        let attempt = previous + 1;
        tracing::debug!(method = self.replay.path(), attempt, why, ?delay, "attempt");
        let max = self.plan.attempts_max();
        self.note(|| match delay.is_zero() {
            true => format!("attempt {attempt} of at most {max}: {why}"),
            false => format!("attempt {attempt} of at most {max} in {delay:?}: {why}"),
        });
    }

    /// Tells whoever asked for an account of the call.
    pub(super) fn note<D: Display>(&self, event: impl FnOnce() -> D) {
        explain::note(self.replay.extensions(), event);
    }
}
