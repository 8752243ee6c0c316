//! Several attempts at a time (gRFC A6, "Hedging Policy").

use super::{
    Attempt, Attempted, Calling, Failed, Fate, judge::Verdict, replay::Sending, series::End,
    transparent::Transparent, tried::Tried,
};
use crate::{
    body::Body,
    message::Response,
    status::{Result, Status},
};
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// The attempts of a call until one of them is answered or none is left.
pub(super) async fn call<A: Attempt>(
    calling: &Calling<'_, A>,
    first: Sending,
    delay: Duration,
) -> Result<Response<Body>> {
    let mut hedges = Hedges {
        left: calling.plan.attempts_max() - 1,
        calling,
        delay,
        sent: 0,
        due: None,
        under_way: Vec::new(),
        tried: Tried::shared(),
        transparent: Transparent::new(),
        last: None,
    };
    hedges.send_next(first, "first");
    loop {
        let over = match hedges.event().await {
            Event::Due => hedges.due(),
            Event::Committed(reader) => hedges.choose(reader),
            Event::Ended(place, attempted) => hedges.ended(place, attempted),
        };
        if let Some(result) = over {
            return result;
        }
    }
}

struct Hedges<'a, A> {
    calling: &'a Calling<'a, A>,
    delay: Duration,
    /// Attempts begun, transparent ones aside.
    sent: u32,
    /// Attempts that may still begin.
    left: u32,
    /// When the next one does.
    due: Option<Instant>,
    under_way: Vec<Hedge<'a>>,
    tried: Tried,
    transparent: Transparent,
    /// What the last attempt that failed ended with.
    last: Option<Status>,
}

/// An attempt under way. Dropping it resets its stream.
struct Hedge<'a> {
    reader: u32,
    previous: u32,
    attempted: Pin<Box<dyn Future<Output = Attempted> + Send + 'a>>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "it is looked at once, where it was made"
)]
enum Event {
    /// Time for the next attempt.
    Due,
    /// The request has outgrown what may be kept: only this reader goes on.
    Committed(u32),
    /// The attempt at this place has ended.
    Ended(usize, Attempted),
}

/// How the call ends, if this is its end.
type Over = Option<Result<Response<Body>>>;

impl<A: Attempt> Hedges<'_, A> {
    async fn event(&mut self) -> Event {
        let now = Instant::now();
        if self.due.is_some_and(|due| due <= now) {
            return Event::Due;
        }
        let mut timer = pin!(self.due.map(sleep_until));
        let Self {
            calling,
            under_way,
            left,
            ..
        } = self;
        let mut watch = *left > 0 || under_way.len() > 1;
        poll_fn(|cx| {
            if watch && let Poll::Ready(reader) = calling.replay.poll_committed(cx) {
                watch = false;
                return Poll::Ready(Event::Committed(reader));
            }
            for (place, hedge) in under_way.iter_mut().enumerate() {
                if let Poll::Ready(attempted) = hedge.attempted.as_mut().poll(cx) {
                    return Poll::Ready(Event::Ended(place, attempted));
                }
            }
            match timer.as_mut().as_pin_mut() {
                Some(timer) => timer.poll(cx).map(|()| Event::Due),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Begins the next attempt, if it may.
    fn due(&mut self) -> Over {
        self.due = None;
        self.left -= 1;
        if !self.calling.budget.allows() {
            self.calling.note(|| "no hedge: too few tokens are left");
            self.schedule(self.delay);
            return self.give_up(End::Throttled);
        }
        let Some(sending) = self.calling.replay.again(self.sent) else {
            self.stop();
            return self.over();
        };
        let why = match self.last {
            Some(_) => "one failed",
            None => "none is answered yet",
        };
        self.send_next(sending, why);
        None
    }

    fn send_next(&mut self, sending: Sending, why: &'static str) {
        let previous = self.sent;
        self.sent += 1;
        self.send(sending, previous, why);
        self.schedule(self.delay);
    }

    fn send(&mut self, sending: Sending, previous: u32, why: &'static str) {
        self.calling.trace(previous, why, Duration::ZERO);
        let Sending { request, reader } = sending;
        let attempted = self.calling.attempt.attempt(request, self.tried.clone());
        self.under_way.push(Hedge {
            reader,
            previous,
            attempted: Box::pin(attempted),
        });
    }

    fn schedule(&mut self, delay: Duration) {
        self.due = (self.left > 0).then(|| Instant::now() + delay);
    }

    fn stop(&mut self) {
        self.left = 0;
        self.due = None;
    }

    fn choose(&mut self, reader: u32) -> Over {
        self.under_way.retain(|hedge| hedge.reader == reader);
        self.stop();
        self.over()
    }

    fn ended(&mut self, place: usize, attempted: Attempted) -> Over {
        let Hedge {
            reader, previous, ..
        } = self.under_way.swap_remove(place);
        self.tried.add(attempted.subchannel);
        if attempted.outcome.is_ok() {
            self.calling.replay.commit(reader);
        }
        // The rest of its request may be gone, and then its answer is to half of it.
        if let Some(chosen) = self.calling.replay.committed()
            && chosen != reader
        {
            return self.choose(chosen);
        }
        let Failed { status, fate } = match attempted.outcome {
            Ok(response) => return Some(Ok(self.calling.answered(previous, response))),
            Err(failed) => failed,
        };
        let is_told = matches!(fate, Fate::Lost);
        let again = self
            .transparent
            .again(fate, reader, previous, &self.calling.replay);
        if let Some((sending, why)) = again {
            self.send(sending, previous, why);
            return None;
        }
        let verdict = self.calling.judge(&status, is_told);
        match verdict {
            Verdict::Fatal => return Some(Err(status)),
            Verdict::After(delay) => self.schedule(delay),
            Verdict::Last => self.stop(),
            Verdict::Again | Verdict::Throttled => self.schedule(Duration::ZERO),
        }
        self.last = Some(status);
        match verdict {
            Verdict::Throttled if self.left == 0 => self.give_up(End::Throttled),
            _ => self.over(),
        }
    }

    /// The end, if nothing is under way and nothing may follow in time.
    fn over(&mut self) -> Over {
        let now = Instant::now();
        let due = self.due.map(|due| due.saturating_duration_since(now));
        match due {
            Some(due) if !self.calling.is_too_late(due) => None,
            _ => self.give_up(End::Final),
        }
    }

    /// The end, if nothing is under way.
    fn give_up(&mut self, end: End) -> Over {
        if !self.under_way.is_empty() {
            return None;
        }
        let status = self.last.take();
        let status = status.unwrap_or_else(|| Status::internal("a call ended without an attempt"));
        Some(Err(end.of(status)))
    }
}
