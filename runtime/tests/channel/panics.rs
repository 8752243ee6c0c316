//! Resolvers and balancers that panic.

use crate::common::*;
use cordial_runtime::{
    Address, Balancer, BoxStream, Candidate, Channel, Code, Endpoint, Picker, Refresh, Resolver,
    RoundRobin, Server, Status,
};
use futures_util::{StreamExt, stream};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Instant,
};
use tokio::sync::mpsc;

async fn echo() -> (Serving, Endpoint) {
    let serving = Serving::start(Server::new().add(Probe::echo().routes())).await;
    let address = Address::Tcp(serving.address().parse().unwrap());
    (serving, Endpoint::new(address))
}

/// Calls until it goes well, and at least once; what the first call ended with. All
/// that fail must say what the first one did.
async fn recovers(channel: &Channel, panics: &AtomicUsize, stop: &AtomicBool) -> Status {
    let began = Instant::now();
    let call = || within(channel.unary(UNARY, note("")).into_future());
    let first = call().await.unwrap_err();
    assert_eq!(first.code(), Code::Unavailable);
    for _ in 0..200 {
        tokio::task::yield_now().await;
        assert_eq!(call().await.unwrap_err().message(), first.message());
    }
    // One at the start, and one after each backoff.
    let most = 1 + began.elapsed().as_millis() / 800;
    let found = panics.load(SeqCst);
    assert!(found as u128 <= most, "{found} panics, at most {most}");
    stop.store(true, SeqCst);
    let waiting = channel.unary(UNARY, note("")).wait_for_ready();
    within(waiting.into_future()).await.unwrap();
    first
}

/// Panics until it is stopped.
#[derive(Debug, Default)]
struct Bad {
    panics: AtomicUsize,
    stop: AtomicBool,
}

impl Bad {
    fn panic(&self, what: &str) {
        if !self.stop.load(SeqCst) {
            self.panics.fetch_add(1, SeqCst);
            panic!("{what}");
        }
    }
}

#[derive(Debug)]
struct Lost(Arc<Bad>, Endpoint);

impl Resolver for Lost {
    fn watch(&self, _: Refresh) -> BoxStream<Vec<Endpoint>> {
        self.0.panic("lost the map");
        stream::iter([Ok(vec![self.1.clone()])]).boxed()
    }
}

#[tokio::test]
async fn a_resolver_that_panics_is_asked_again_later() {
    let (_serving, endpoint) = echo().await;
    let bad = Arc::new(Bad::default());
    let channel = Channel::resolved_by("copies", Lost(bad.clone(), endpoint)).unwrap();
    let status = recovers(&channel, &bad.panics, &bad.stop).await;
    assert_eq!(status.message(), "the resolver panicked: lost the map");
}

/// Tells what it is told, to one watch after another, and panics for `None`.
#[derive(Debug)]
struct Told(Arc<Mutex<mpsc::Receiver<Option<Endpoint>>>>);

impl Resolver for Told {
    fn watch(&self, _: Refresh) -> BoxStream<Vec<Endpoint>> {
        let told = self.0.clone();
        let next = move |cx: &mut std::task::Context<'_>| {
            let polled = told.lock().unwrap().poll_recv(cx);
            polled.map(|told| Some(Ok(vec![told?.expect("a place on the map")])))
        };
        stream::poll_fn(next).boxed()
    }
}

#[tokio::test]
async fn a_resolver_that_panics_between_lists_costs_no_call() {
    let (_first, one) = echo().await;
    let probe = Probe::echo().unary(|_| async { Ok(note("other").into()) });
    let other = Serving::start(Server::new().add(probe.routes())).await;
    let (tell, told) = mpsc::channel(1);
    let told = Told(Arc::new(Mutex::new(told)));
    let channel = Channel::resolved_by("copies", told).unwrap();
    let call = || within(channel.unary(UNARY, note("")).into_future());
    tell.send(Some(one)).await.unwrap();
    call().await.unwrap();
    tell.send(None).await.unwrap();
    within(async { drop(tell.reserve().await.unwrap()) }).await;
    for _ in 0..50 {
        assert_eq!(call().await.unwrap().into_inner().text, "");
    }
    let other = Address::Tcp(other.address().parse().unwrap());
    tell.send(Some(Endpoint::new(other))).await.unwrap();
    within(async { while call().await.unwrap().into_inner().text != "other" {} }).await;
}

#[derive(Debug)]
struct Careless {
    chooses: Arc<Bad>,
    picks: Arc<Bad>,
}

impl Balancer for Careless {
    fn choose(&self, endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
        self.chooses.panic("cannot choose");
        endpoints
    }

    fn picker(&self, ready: Arc<[Candidate]>) -> Box<dyn Picker> {
        self.picks.panic("cannot pick");
        RoundRobin::new().picker(ready)
    }
}

async fn careless(chooses: Arc<Bad>, picks: Arc<Bad>, bad: &Bad) -> Status {
    let (serving, _) = echo().await;
    let channel = serving.channel();
    let channel = channel.with_balancer(Careless { chooses, picks });
    recovers(&channel, &bad.panics, &bad.stop).await
}

#[tokio::test]
async fn a_balancer_that_panics_is_asked_again_later() {
    let well = || {
        let well = Bad::default();
        well.stop.store(true, SeqCst);
        Arc::new(well)
    };
    let bad = Arc::<Bad>::default();
    let status = careless(bad.clone(), well(), &bad).await;
    assert_eq!(status.message(), "the balancer panicked: cannot choose");
    let bad = Arc::<Bad>::default();
    let status = careless(well(), bad.clone(), &bad).await;
    assert_eq!(status.message(), "the balancer panicked: cannot pick");
}
