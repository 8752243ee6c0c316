//! A server that does as it is told.

use super::millis;
use crate::{
    body::Body,
    deadline::Deadline,
    engine::HttpBody,
    guard,
    message::Response,
    method::Idempotency,
    retry::{self, Attempt, Attempted, Budget, Failed, Fate, Made, Plan, Tried},
    status::{Code, Result, Status},
};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::Body as _;
use std::{
    collections::VecDeque,
    future::{pending, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tonic::metadata::AsciiMetadataValue;

/// What one attempt comes to, as `what[@delay][!pushback][,pushback]`: `ok`, `unsent`,
/// `refused`, `hang` or a status code, after `delay` ms of its own.
#[derive(Clone, Debug)]
pub(super) struct Step {
    what: String,
    delay: Duration,
    pushbacks: Vec<String>,
}

impl Step {
    pub(super) fn parse(text: &str) -> Self {
        let (text, pushbacks) = text.split_once('!').unwrap_or((text, ""));
        let (what, delay) = text.split_once('@').unwrap_or((text, "0"));
        let pushbacks = pushbacks.split(',').filter(|one| !one.is_empty());
        Self {
            what: what.to_owned(),
            delay: millis(delay.parse().expect("milliseconds")),
            pushbacks: pushbacks.map(str::to_owned).collect(),
        }
    }

    fn outcome(&self, request: Box<Request<HttpBody>>) -> Result<Response<Body>, Failed> {
        let failed = |fate| Failed {
            status: Status::unavailable(self.what.clone()),
            fate,
        };
        Err(match self.what.as_str() {
            "ok" => return Ok(Response::new(Body::one(()))),
            "unsent" => failed(Fate::Unsent(request)),
            "refused" => failed(Fate::Unprocessed),
            code => {
                let mut status = Status::new(code_named(code), code);
                for pushback in &self.pushbacks {
                    let value = AsciiMetadataValue::try_from(pushback).expect("ASCII");
                    status
                        .metadata_mut()
                        .append("grpc-retry-pushback-ms", value);
                }
                let fate = Fate::Unknown;
                Failed { status, fate }
            }
        })
    }
}

fn code_named(name: &str) -> Code {
    let known = (0..17).map(Code::from_i32);
    let mut known = known.filter(|code| format!("{code:?}").to_lowercase() == name);
    known.next().expect("the name of a code")
}

/// What an attempt looked like from the server.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) at: Duration,
    pub(super) headers: HeaderMap,
    pub(super) uri: http::Uri,
    pub(super) tried: Vec<u64>,
    pub(super) body: Vec<u8>,
    /// It was dropped before it had ended.
    pub(super) cancelled: bool,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Plays its steps, one for each attempt; the n-th goes to subchannel n.
pub(super) struct Fake {
    steps: Mutex<VecDeque<Step>>,
    seen: Mutex<Vec<Seen>>,
    started: Instant,
}

impl Fake {
    /// Steps apart by spaces.
    pub(super) fn new(steps: &str) -> Self {
        Self {
            steps: Mutex::new(steps.split_whitespace().map(Step::parse).collect()),
            seen: Mutex::default(),
            started: Instant::now(),
        }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().expect("no panic"))
    }

    fn note(&self, request: &Request<HttpBody>, tried: &Tried) -> usize {
        let mut seen = self.seen.lock().expect("no panic");
        seen.push(Seen {
            at: self.started.elapsed(),
            headers: request.headers().clone(),
            uri: request.uri().clone(),
            tried: tried.read(<[u64]>::to_vec),
            body: Vec::new(),
            cancelled: true,
        });
        tried.picked(seen.len() as u64);
        seen.len()
    }

    async fn play(&self, mut request: Box<Request<HttpBody>>, tried: Tried) -> Attempted {
        let place = self.note(&request, &tried);
        let step = self.steps.lock().expect("no panic").pop_front();
        let step = step.expect("no attempt beyond those of the script");
        if step.what != "unsent" {
            while let Some(data) = data(request.body_mut()).await {
                self.seen.lock().expect("no panic")[place - 1]
                    .body
                    .extend(data);
            }
        }
        if step.what == "hang" {
            pending::<()>().await;
        }
        if step.delay > Duration::ZERO {
            sleep(step.delay).await;
        }
        self.seen.lock().expect("no panic")[place - 1].cancelled = false;
        Attempted {
            subchannel: Some(place as u64),
            outcome: step.outcome(request),
        }
    }
}

impl Attempt for Fake {
    async fn attempt(&self, request: Box<Request<HttpBody>>, tried: Tried) -> Attempted {
        self.play(request, tried).await
    }
}

/// The next data of a body, errors taken for its end.
pub(super) async fn data(body: &mut HttpBody) -> Option<Bytes> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    frame.ok()?.into_data().ok()
}

pub(super) const BODY: &[u8] = b"\0\0\0\0\x05hello";

pub(super) fn request() -> Request<HttpBody> {
    let mut request = Request::new(HttpBody::from(Bytes::from_static(BODY)));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = http::Uri::from_static("http://greeter:50051/hello.v1.Greeter/SayHello");
    request
}

/// What a call came to.
pub(super) struct Run {
    pub(super) ended: Result<Response<Body>>,
    pub(super) seen: Vec<Seen>,
    pub(super) took: Duration,
}

impl Run {
    fn is_as(&self, attempts: &str) -> bool {
        let attempts: Vec<_> = attempts.split_whitespace().collect();
        let before = self.seen.iter().map(|seen| seen.at);
        let before = [Duration::ZERO].into_iter().chain(before);
        let mut pairs = attempts.iter().zip(&self.seen).zip(before);
        attempts.len() == self.seen.len()
            && pairs.all(|((wanted, seen), before)| is_attempt(wanted, seen, seen.at - before))
    }

    /// How it ended: `ok`, or its code, with its `!pushback` if there is one.
    pub(super) fn end(&self) -> String {
        match &self.ended {
            Ok(_) => "ok".into(),
            Err(status) => {
                let code = format!("{:?}", status.code()).to_lowercase();
                let pushback = status.metadata().get("grpc-retry-pushback-ms");
                let pushback = pushback.and_then(|value| value.to_str().ok());
                code + &pushback.map_or(String::new(), |value| format!("!{value}"))
            }
        }
    }
}

/// Makes a call with `plan` against the steps, within `deadline` milliseconds.
pub(super) async fn run(
    plan: Plan,
    steps: &str,
    budget: &Arc<Budget>,
    deadline: Option<u64>,
) -> Run {
    run_with(request(), plan, steps, budget, deadline).await
}

pub(super) async fn run_with(
    request: Request<HttpBody>,
    plan: Plan,
    steps: &str,
    budget: &Arc<Budget>,
    deadline: Option<u64>,
) -> Run {
    let made = Made {
        deadline: deadline.map(|after| Deadline::after(millis(after))),
        is_of_retry: false,
    };
    run_within(made, request, plan, steps, budget).await
}

/// Makes a call for one that is a retry itself.
pub(super) async fn run_of_retry(plan: Plan, steps: &str, budget: &Arc<Budget>) -> Run {
    let made = Made {
        deadline: None,
        is_of_retry: true,
    };
    run_within(made, request(), plan, steps, budget).await
}

async fn run_within(
    made: Made,
    request: Request<HttpBody>,
    plan: Plan,
    steps: &str,
    budget: &Arc<Budget>,
) -> Run {
    let fake = Fake::new(steps);
    let started = Instant::now();
    let call = retry::call(&fake, request, &plan, budget, made);
    let ended = guard::until(made.deadline, call).await;
    Run {
        ended,
        seen: fake.seen(),
        took: started.elapsed(),
    }
}

/// Plays vectors, one a line, each with a budget of its own, and tells of all that fail:
/// `name | plan [within deadline] | steps | how the call ends | attempts`.
///
/// An attempt is `when#previous`, and `x` if it was cancelled; when is `100` for 100 ms
/// after the attempt before, and `~100` for a fifth more or less.
pub(super) async fn check(vectors: &str) {
    let vectors: Vec<_> = vectors.trim().lines().collect();
    let mut failures = Vec::new();
    for vector in &vectors {
        let fields: Vec<_> = vector.split('|').map(str::trim).collect();
        let [_, plan, steps, end, attempts] = fields[..] else {
            panic!("five fields: {vector}");
        };
        let (plan, deadline) = match plan.split_once(" within ") {
            Some((plan, deadline)) => (plan, Some(deadline.parse().expect("milliseconds"))),
            None => (plan, None),
        };
        let run = run(plan_named(plan), steps, &super::budget(), deadline).await;
        if run.end() != end || !run.is_as(attempts) {
            let shown: Vec<_> = run.seen.iter().map(show).collect();
            failures.push(format!("{vector}\n    got {} {shown:?}", run.end()));
        }
    }
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

fn plan_named(plan: &str) -> Plan {
    let words: Vec<_> = plan.split(' ').collect();
    let number = |place: usize| words[place].parse().expect("a number");
    let number_32 = |place: usize| words[place].parse().expect("a number");
    match words[0] {
        "one" => super::one(),
        "retry" => super::retry(number_32(1)),
        "hedge" => super::hedge(number_32(1), number(2)),
        "safe" => super::plan(Idempotency::NoSideEffects, None),
        "idempotent" if words.len() == 1 => super::plan(Idempotency::Idempotent, None),
        "idempotent" => super::hedge_of(Idempotency::Idempotent, number_32(2), number(3)),
        "unsaid" => super::hedge_of(Idempotency::Unknown, number_32(2), number(3)),
        _ => panic!("no plan: {plan}"),
    }
}

fn show(seen: &Seen) -> String {
    let cancelled = if seen.cancelled { "x" } else { "" };
    let previous = seen.header("grpc-previous-rpc-attempts").unwrap_or("-");
    format!("at {}#{previous}{cancelled}", seen.at.as_millis())
}

fn is_attempt(wanted: &str, seen: &Seen, gap: Duration) -> bool {
    let (when, rest) = wanted.split_once('#').expect("when#previous");
    let (previous, cancelled) = match rest.strip_suffix('x') {
        Some(previous) => (previous, true),
        None => (rest, false),
    };
    let gap = gap.as_secs_f64() * 1e3;
    let on_time = match when.strip_prefix('~') {
        Some(about) => {
            let about: f64 = about.parse().expect("milliseconds");
            // The clock's own grain is a millisecond.
            (about * 0.8 - 1.0..=about * 1.2 + 2.0).contains(&gap)
        }
        None => (gap - when.parse::<f64>().expect("milliseconds")).abs() < 2.0,
    };
    let header = seen.header("grpc-previous-rpc-attempts").unwrap_or("-");
    on_time && header == previous && seen.cancelled == cancelled
}
