//! Channels of several addresses: who gets calls, and what becomes of them when
//! one of the addresses fails.

use crate::common::*;
use cordial_runtime::{
    Address, Attempts, Balancer, BoxStream, Candidate, Channel, Code, Endpoint, HedgingPolicy,
    Limits, Method, MethodPolicy, Pick, PickFirst, Picker, Refresh, Resolver, Response, Result,
    RingHash, RoundRobin, Server, Status,
};
use futures_util::{StreamExt, future::join_all, stream};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::mpsc};

/// A second call does no harm.
const IDEMPOTENT: Method<Note, Note> = UNARY.idempotent();
const SAFE: Method<Note, Note> = UNARY.no_side_effects();

/// Says which of several it is, and counts its calls.
struct Copy {
    serving: Serving,
    number: u64,
    calls: Arc<AtomicU64>,
}

impl Copy {
    async fn start(number: u64) -> Self {
        Self::start_at(number, "127.0.0.1:0").await
    }

    async fn start_at(number: u64, address: &str) -> Self {
        let calls = Arc::new(AtomicU64::new(0));
        let counted = calls.clone();
        let probe = Probe::echo().unary(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move { Ok(numbered(number)) }
        });
        let server = Server::new().add(probe.routes());
        Self {
            serving: Serving::start_at(server, address).await,
            number,
            calls,
        }
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(Address::Tcp(self.serving.address().parse().unwrap()))
    }
}

fn numbered(number: u64) -> Response<Note> {
    Response::new(Note {
        number,
        ..Note::default()
    })
}

async fn three() -> Vec<Copy> {
    vec![
        Copy::start(0).await,
        Copy::start(1).await,
        Copy::start(2).await,
    ]
}

fn channel_to(addresses: &[&str]) -> Channel {
    Channel::to(format!("static:///{}", addresses.join(","))).unwrap()
}

fn channel_of(copies: &[Copy]) -> Channel {
    let addresses: Vec<_> = copies.iter().map(|copy| copy.serving.address()).collect();
    channel_to(&addresses)
}

/// An address where nobody listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Which copy answered.
async fn answered(channel: &Channel, method: Method<Note, Note>) -> Result<u64> {
    let reply = within(channel.unary(method, note("")).into_future()).await;
    // A call that fails at once gives nobody else a turn.
    tokio::task::yield_now().await;
    Ok(reply?.into_inner().number)
}

/// Calls on and on until told to stop; how many calls there were, and which failed.
fn keep_calling(
    channel: &Channel,
    method: Method<Note, Note>,
) -> (Arc<AtomicBool>, tokio::task::JoinHandle<(u64, Vec<Status>)>) {
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, channel) = (stop.clone(), channel.clone());
    let one = move || {
        let (stopped, channel) = (stopped.clone(), channel.clone());
        async move {
            let mut failed = Vec::new();
            let mut calls = 0;
            while !stopped.load(Ordering::SeqCst) {
                calls += 1;
                failed.extend(answered(&channel, method).await.err());
                assert!(failed.len() < 1_000, "{:?}", failed.last());
            }
            (calls, failed)
        }
    };
    let calling = tokio::spawn(async move {
        let done = join_all((0..8).map(|_| one())).await;
        let calls = done.iter().map(|(calls, _)| calls).sum();
        (
            calls,
            done.into_iter().flat_map(|(_, failed)| failed).collect(),
        )
    });
    (stop, calling)
}

/// Waits until a copy has had `more` calls from now on.
async fn gets_calls(copy: &Copy, more: u64) {
    let until = copy.calls() + more;
    within(async {
        while copy.calls() < until {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_that_never_was_costs_no_call() {
    let copies = three().await;
    let dead = nowhere().await;
    let channel = channel_to(&[
        &dead,
        copies[0].serving.address(),
        copies[1].serving.address(),
    ]);
    for _ in 0..1_000 {
        answered(&channel, UNARY).await.unwrap();
    }
    assert_eq!(copies[0].calls() + copies[1].calls(), 1_000);
    // Whoever was connected last begins with a tenth (slow start).
    assert!(copies[0].calls() > 0 && copies[1].calls() > 0);
}

#[tokio::test]
async fn an_address_that_breaks_costs_no_idempotent_call_and_comes_back() {
    let mut copies = three().await;
    let channel = channel_of(&copies);
    let (stop, calling) = keep_calling(&channel, IDEMPOTENT);
    for copy in &copies {
        gets_calls(copy, 100).await;
    }
    let broken = copies.remove(1);
    let address = broken.serving.address().to_owned();
    drop(broken);
    for copy in &copies {
        gets_calls(copy, 100).await;
    }
    let back = Copy::start_at(1, &address).await;
    gets_calls(&back, 100).await;
    stop.store(true, Ordering::SeqCst);
    let (calls, failed) = calling.await.unwrap();
    assert!(calls > 600);
    assert!(failed.is_empty(), "{} of {calls}: {failed:?}", failed.len());
}

#[tokio::test]
async fn a_connection_that_breaks_with_many_calls_costs_none_of_them() {
    const CALLS: usize = 100;
    let (begun, mut beginning) = mpsc::channel(CALLS);
    let hanging = Probe::echo().unary(move |_| {
        let begun = begun.clone();
        async move {
            begun.send(()).await.unwrap();
            std::future::pending().await
        }
    });
    let hanging = Serving::start(Server::new().add(hanging.routes())).await;
    let copy = Copy::start(4).await;
    let channel = channel_to(&[hanging.address(), copy.serving.address()]);
    let channel = channel.with_balancer(RoundRobin::new());
    let calls = (0..CALLS).map(|_| answered(&channel, IDEMPOTENT));
    let calls = async { join_all(calls).await };
    let breaks = async {
        for _ in 0..CALLS / 4 {
            within(beginning.recv()).await.unwrap();
        }
        drop(hanging);
    };
    let (replies, ()) = tokio::join!(calls, breaks);
    for reply in replies {
        assert_eq!(reply.unwrap(), 4);
    }
}

#[tokio::test]
async fn a_rolling_restart_costs_no_call() {
    let mut copies = three().await;
    let channel = channel_of(&copies);
    let (stop, calling) = keep_calling(&channel, UNARY);
    for copy in &mut copies {
        gets_calls(copy, 100).await;
        let address = copy.serving.address().to_owned();
        copy.serving.ask_to_stop();
        copy.serving.stopped().await;
        // The next one stops once this one is back, as a deployment does it.
        *copy = Copy::start_at(copy.number, &address).await;
        gets_calls(copy, 100).await;
    }
    stop.store(true, Ordering::SeqCst);
    let (calls, failed) = calling.await.unwrap();
    assert!(failed.is_empty(), "{} of {calls}: {failed:?}", failed.len());
}

#[tokio::test]
async fn all_gone_then_back_needs_nothing_but_the_addresses() {
    let mut copies = three().await;
    let channel = channel_of(&copies);
    answered(&channel, UNARY).await.unwrap();
    let addresses: Vec<_> = copies
        .iter()
        .map(|copy| copy.serving.address().to_owned())
        .collect();
    copies.clear();
    // Once the channel has noticed, calls fail at once.
    within(async { while answered(&channel, UNARY).await.is_ok() {} }).await;
    let status = answered(&channel, UNARY).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let waiting = channel.unary(UNARY, note("")).wait_for_ready();
    let waiting = tokio::spawn(waiting.into_future());
    let _back = Copy::start_at(7, &addresses[2]).await;
    let reply = within(waiting).await.unwrap().unwrap();
    assert_eq!(reply.into_inner().number, 7);
    assert_eq!(answered(&channel, UNARY).await.unwrap(), 7);
}

/// Tells what a test tells it.
#[derive(Debug)]
struct Told(Mutex<Option<mpsc::Receiver<Result<Vec<Endpoint>>>>>);

fn told() -> (mpsc::Sender<Result<Vec<Endpoint>>>, Channel) {
    let (tell, told) = mpsc::channel(1);
    let told = Told(Mutex::new(Some(told)));
    (tell, Channel::resolved_by("copies", told).unwrap())
}

impl Resolver for Told {
    fn watch(&self, _: Refresh) -> BoxStream<Vec<Endpoint>> {
        let mut told = self.0.lock().unwrap().take().unwrap();
        stream::poll_fn(move |cx| told.poll_recv(cx)).boxed()
    }
}

#[tokio::test]
async fn calls_follow_the_resolver() {
    let copies = three().await;
    let (tell, channel) = told();
    tell.send(Ok(vec![copies[0].endpoint()])).await.unwrap();
    for _ in 0..10 {
        assert_eq!(answered(&channel, UNARY).await.unwrap(), 0);
    }
    // New ones get calls by themselves.
    let both = vec![copies[0].endpoint(), copies[1].endpoint()];
    tell.send(Ok(both)).await.unwrap();
    within(async { while answered(&channel, UNARY).await.unwrap() != 1 {} }).await;
    // Those that left get none.
    tell.send(Ok(vec![copies[2].endpoint()])).await.unwrap();
    within(async { while answered(&channel, UNARY).await.unwrap() != 2 {} }).await;
    let before = copies[0].calls() + copies[1].calls();
    for _ in 0..50 {
        assert_eq!(answered(&channel, UNARY).await.unwrap(), 2);
    }
    assert_eq!(copies[0].calls() + copies[1].calls(), before);
}

#[tokio::test]
async fn the_last_good_list_is_kept() {
    let copy = Copy::start(3).await;
    let (tell, channel) = told();
    tell.send(Err(Status::not_found("no such zone")))
        .await
        .unwrap();
    // A resolver's NOT_FOUND is not the service's (gRFC A54).
    let status = answered(&channel, UNARY).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(status.message().contains("no such zone"), "{status:?}");
    tell.send(Ok(vec![copy.endpoint()])).await.unwrap();
    let call = channel.unary(UNARY, note("")).wait_for_ready();
    within(call.into_future()).await.unwrap();
    for bad in [
        Err(Status::unavailable("the registry is down")),
        Ok(Vec::new()),
    ] {
        tell.send(bad).await.unwrap();
        // The channel holds one more message back than it has read.
        tell.reserve().await.unwrap();
        assert_eq!(answered(&channel, UNARY).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn a_changed_weight_keeps_the_connection() {
    let server = raw::RawServer::start(|mut asked: raw::Asked| async move {
        let head = http::Response::builder()
            .header("content-type", "application/grpc")
            .header("grpc-status", "9")
            .header("grpc-message", asked.connection.to_string());
        let head = head.body(()).unwrap();
        asked.respond.send_response(head, true).unwrap();
    })
    .await;
    let address = server.uri.strip_prefix("http://").unwrap().parse().unwrap();
    let endpoint = Endpoint::new(Address::Tcp(address));
    let (tell, channel) = told();
    for weight in 1..=20 {
        let list = vec![endpoint.clone().with_weight(weight)];
        within(tell.send(Ok(list))).await.unwrap();
        let status = answered(&channel, UNARY).await.unwrap_err();
        assert_eq!(status.message(), "0", "{status:?}");
    }
}

#[tokio::test]
async fn a_resolver_that_ends_without_a_list_says_so() {
    let (tell, channel) = told();
    drop(tell);
    let status = answered(&channel, UNARY).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("ended"), "{status:?}");
}

/// Never knows where to.
#[derive(Debug)]
struct Clueless;

impl Balancer for Clueless {
    fn picker(&self, _: Arc<[Candidate]>) -> Box<dyn Picker> {
        Box::new(Self)
    }
}

impl Picker for Clueless {
    fn pick(&self, _: &Pick<'_>) -> Option<usize> {
        None
    }
}

#[tokio::test]
async fn a_balancer_that_picks_nobody_hangs_no_call() {
    let copy = Copy::start(6).await;
    let channel = copy.serving.channel().with_balancer(Clueless);
    assert_eq!(answered(&channel, UNARY).await.unwrap(), 6);
}

#[tokio::test]
async fn a_channel_may_never_hang_up() {
    let copy = Copy::start(8).await;
    let limits = Limits::default().with_channel_idle_timeout(Duration::MAX);
    let channel = copy.serving.channel().with_limits(limits);
    assert_eq!(answered(&channel, UNARY).await.unwrap(), 8);
}

#[tokio::test]
async fn nothing_resolved_says_so() {
    let (tell, channel) = told();
    tell.send(Ok(Vec::new())).await.unwrap();
    let status = answered(&channel, UNARY).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("no address"), "{status:?}");
}

#[tokio::test]
async fn the_first_that_answers_has_all_calls() {
    // Its connections are accepted by the kernel, and never answered.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent
        .local_addr()
        .map(|address| (silent, address))
        .unwrap();
    let copies = three().await;
    let channel = channel_to(&[
        &silent.1.to_string(),
        copies[0].serving.address(),
        copies[1].serving.address(),
    ]);
    let channel = channel.with_balancer(PickFirst::new());
    for _ in 0..100 {
        assert_eq!(answered(&channel, UNARY).await.unwrap(), 0);
    }
    assert_eq!(copies[1].calls(), 0);
}

#[tokio::test]
async fn calls_of_one_key_go_to_one_address() {
    let copies = three().await;
    let channel = channel_of(&copies).with_balancer(RingHash::new());
    // Until all three are connected, keys move.
    let all = async || {
        let calls = (0..100).map(|key| async move { (key, key.to_string()) });
        let mut found = Vec::new();
        for call in calls {
            let (_, key) = call.await;
            let reply = channel.unary(UNARY, note("")).hash_key(&key);
            found.push(
                within(reply.into_future())
                    .await
                    .unwrap()
                    .into_inner()
                    .number,
            );
        }
        found
    };
    within(async { while all().await.iter().collect::<HashSet<_>>().len() < 3 {} }).await;
    assert_eq!(all().await, all().await);
}

#[tokio::test]
async fn an_address_that_fails_its_calls_is_left_alone() {
    let refusing = Probe::echo().unary(|_| async { Err(Status::unavailable("broken")) });
    let refusing = Serving::start(Server::new().add(refusing.routes())).await;
    let copies = three().await;
    let channel = channel_to(&[
        refusing.address(),
        copies[0].serving.address(),
        copies[1].serving.address(),
    ]);
    let mut failed = 0;
    let mut well = 0;
    within(async {
        while well < 300 {
            match answered(&channel, UNARY).await {
                Ok(_) => well += 1,
                Err(_) => {
                    failed += 1;
                    well = 0;
                }
            }
        }
    })
    .await;
    assert!(
        failed <= 30,
        "{failed} calls failed before it was left alone"
    );
}

#[tokio::test]
async fn a_hedged_call_does_not_wait_for_an_address_that_hangs() {
    let hanging = Probe::echo().unary(|_| std::future::pending());
    let hanging = Serving::start(Server::new().add(hanging.routes())).await;
    let copy = Copy::start(5).await;
    let hedging = HedgingPolicy {
        max_attempts: 2,
        hedging_delay: Duration::from_millis(20),
        non_fatal: vec![Code::Unavailable],
    };
    let channel =
        channel_to(&[hanging.address(), copy.serving.address()]).with_policy(MethodPolicy {
            attempts: Some(Attempts::Hedge(hedging)),
            ..MethodPolicy::default()
        });
    for _ in 0..20 {
        assert_eq!(answered(&channel, SAFE).await.unwrap(), 5);
    }
}
