//! Tiers that each retry, in front of a service that fails.

use super::{budget, fake, loose, plan, within};
use crate::{
    body::Body,
    engine::HttpBody,
    limits::Limits,
    message::Response,
    method::Idempotency,
    retry::{self, Attempt, Attempted, Budget, Failed, Fate, Made, Tried, is_of_retry},
    status::{Result, Status, as_if_sent},
};
use http::{HeaderMap, Request};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
use tonic::metadata::MetadataMap;

/// A tier as its callers see it.
enum Tier {
    /// Calls the next one to answer.
    Middle {
        budget: Arc<Budget>,
        next: Arc<Tier>,
        /// It answers with a status of its own instead of the one it got.
        hides: bool,
    },
    /// Answers some part of its calls, and counts all.
    Last { calls: AtomicUsize, answered: f64 },
}

impl Tier {
    fn last(answered: f64) -> Arc<Self> {
        let calls = AtomicUsize::new(0);
        Arc::new(Self::Last { calls, answered })
    }

    fn before(self: &Arc<Self>, budget: Arc<Budget>, hides: bool) -> Arc<Self> {
        let next = self.clone();
        Arc::new(Self::Middle {
            budget,
            next,
            hides,
        })
    }

    fn calls(&self) -> usize {
        match self {
            Self::Last { calls, .. } => calls.load(Relaxed),
            Self::Middle { next, .. } => next.calls(),
        }
    }

    async fn handle(&self, is_of_retry: bool) -> Result<Response<Body>> {
        match self {
            Self::Middle {
                budget,
                next,
                hides,
            } => {
                let ended = call_for(is_of_retry, next, budget).await;
                ended.map_err(|status| match hides {
                    true => Status::unavailable("something below failed"),
                    false => status,
                })
            }
            Self::Last { calls, answered } => {
                calls.fetch_add(1, Relaxed);
                match fastrand::f64() < *answered {
                    true => Ok(Response::new(Body::one(()))),
                    false => Err(Status::unavailable("it fails")),
                }
            }
        }
    }
}

/// Calls a tier as by default.
async fn call(tier: &Arc<Tier>, budget: &Arc<Budget>) -> Result<Response<Body>> {
    call_for(false, tier, budget).await
}

/// In a box: each tier calls the next.
fn call_for<'a>(
    is_of_retry: bool,
    tier: &'a Tier,
    budget: &'a Arc<Budget>,
) -> Pin<Box<dyn Future<Output = Result<Response<Body>>> + Send + 'a>> {
    let made = Made {
        deadline: None,
        is_of_retry,
    };
    Box::pin(async move {
        let plan = plan(Idempotency::Idempotent, None);
        retry::call(tier, fake::request(), &plan, budget, made).await
    })
}

impl Attempt for Tier {
    async fn attempt(&self, request: Box<Request<HttpBody>>, _: Tried) -> Attempted {
        let metadata = MetadataMap::from_headers(request.headers().clone());
        let handled = self.handle(is_of_retry(&metadata)).await;
        let outcome = handled.map_err(|status| Failed {
            status: as_if_sent(&status),
            fate: Fate::Unknown,
        });
        Attempted {
            subchannel: Some(1),
            outcome,
        }
    }
}

fn untamed() -> Arc<Budget> {
    within(loose(), Limits::default())
}

#[tokio::test(start_paused = true)]
async fn tiers_add_up_and_do_not_multiply() {
    let last = Tier::last(0.0);
    let first = last.before(untamed(), false).before(untamed(), false);
    call(&first, &untamed())
        .await
        .expect_err("nothing is answered");
    // Each tier adds two to what the one below it does for the first attempt alone.
    assert_eq!(last.calls(), 3 + 2 + 2);
}

#[tokio::test(start_paused = true)]
async fn three_tiers_of_a_service_that_fails_send_a_tenth_more_at_most() {
    for hides in [false, true] {
        let last = Tier::last(0.0);
        let first = last.before(budget(), hides).before(budget(), hides);
        let budget = budget();
        for _ in 0..1000 {
            call(&first, &budget)
                .await
                .expect_err("nothing is answered");
        }
        assert!(last.calls() <= 1100, "{hides}: {}", last.calls());
        assert!(last.calls() <= 1000 + 3 * 5, "{hides}: {}", last.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn clients_of_one_call_each_hear_that_the_budget_is_spent() {
    let last = Tier::last(0.0);
    let first = last.before(budget(), false).before(budget(), false);
    for _ in 0..1000 {
        call(&first, &budget())
            .await
            .expect_err("nothing is answered");
    }
    assert!(last.calls() <= 1010, "{}", last.calls());
}

#[tokio::test(start_paused = true)]
async fn calls_at_the_same_time_share_the_budget() {
    let last = Tier::last(0.0);
    let first = last.before(budget(), false).before(budget(), false);
    let budget = budget();
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let (first, budget) = (first.clone(), budget.clone());
            tokio::spawn(async move { call(&first, &budget).await.map(drop) })
        })
        .collect();
    for call in calls {
        call.await
            .expect("no panic")
            .expect_err("nothing is answered");
    }
    assert!(last.calls() <= 1100, "{}", last.calls());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_now_and_then_gets_a_tenth_more_at_most() {
    fastrand::seed(8);
    for answered in [0.99, 0.95, 0.9, 0.7, 0.5, 0.1] {
        let last = Tier::last(answered);
        let first = last.before(budget(), false).before(budget(), false);
        let budget = budget();
        for _ in 0..2000 {
            drop(call(&first, &budget).await);
        }
        assert!(last.calls() <= 2200 + 3 * 5, "{answered}: {}", last.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn now_and_then_is_made_up_for() {
    fastrand::seed(9);
    let last = Tier::last(0.97);
    let first = last.before(budget(), false);
    let budget = budget();
    let mut failed = 0;
    for _ in 0..2000 {
        failed += usize::from(call(&first, &budget).await.is_err());
    }
    // Without retries some 60 would have failed.
    assert!(failed <= 2, "{failed}");
}

#[test]
fn a_retry_is_known_by_its_headers() {
    for (headers, wanted) in [
        (vec![], false),
        (vec!["x"], false),
        (vec!["grpc-previous-rpc-attempts"], true),
        (vec!["x", "cordial-retried"], true),
    ] {
        let mut map = HeaderMap::new();
        for name in &headers {
            map.insert(*name, http::HeaderValue::from_static("1"));
        }
        assert_eq!(
            is_of_retry(&MetadataMap::from_headers(map)),
            wanted,
            "{headers:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_for_a_retry_says_so_and_is_not_retried() {
    let run = fake::run_of_retry(super::retry(3), "unavailable", &budget()).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("unavailable", 1));
    assert_eq!(run.seen[0].header("cordial-retried"), Some("1"));
    assert_eq!(run.seen[0].header("grpc-previous-rpc-attempts"), None);
    // What provably did not happen is tried again all the same, and hedges are not sent.
    let run = fake::run_of_retry(super::hedge(3, 1), "refused ok@9", &budget()).await;
    assert_eq!((run.end().as_str(), run.seen.len()), ("ok", 2));
    assert_eq!(run.seen[1].header("cordial-retried"), Some("1"));
    // Its failures count.
    let budget = budget();
    for _ in 0..5 {
        fake::run_of_retry(super::retry(3), "unavailable", &budget).await;
    }
    assert!(!budget.allows());
    let run = fake::run(super::retry(3), "notfound", &budget, None).await;
    assert_eq!(run.seen[0].header("cordial-retried"), None);
}
