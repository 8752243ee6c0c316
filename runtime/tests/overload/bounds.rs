//! Each bound alone, with handlers that wait until they are let go.

use crate::common::{raw::*, *};
use cordial_runtime::{
    Call, Channel, Code, ConcurrencyLimit, Limit, Limits, Metrics, Priority, Request, Response,
    Server, Status,
};
use futures_util::StreamExt;
use std::{
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};

/// Calls wait for as long as it takes.
const LONG: Duration = Duration::MAX;

/// A service whose handlers say that they began, and wait for a permit.
struct Gated {
    go: Arc<Semaphore>,
    began: mpsc::Receiver<String>,
    handled: Arc<AtomicUsize>,
    metrics: Metrics,
    channel: Channel,
    _serving: Option<Serving>,
}

fn gated_probe(go: Arc<Semaphore>, handled: Arc<AtomicUsize>, say: mpsc::Sender<String>) -> Probe {
    Probe::echo().unary(move |request| {
        let (go, handled, say) = (go.clone(), handled.clone(), say.clone());
        async move {
            handled.fetch_add(1, SeqCst);
            let _ = say.send(request.get_ref().text.clone()).await;
            go.acquire().await.unwrap().forget();
            Ok(request.into_inner().into())
        }
    })
}

async fn reach(server: Server, socket: bool) -> (Channel, Option<Serving>) {
    if socket {
        let serving = Serving::start(server).await;
        (serving.channel(), Some(serving))
    } else {
        (server.in_process().unwrap(), None)
    }
}

impl Gated {
    async fn start(limit: ConcurrencyLimit, limits: Limits, socket: bool) -> Self {
        let go = Arc::new(Semaphore::new(0));
        let handled = Arc::new(AtomicUsize::new(0));
        let (say, began) = mpsc::channel(64);
        let probe = gated_probe(go.clone(), handled.clone(), say);
        let server = Server::new().limits(limits).concurrency_limit(limit);
        let server = server.add(probe.routes());
        let metrics = server.metrics();
        let (channel, serving) = reach(server, socket).await;
        Self {
            go,
            began,
            handled,
            metrics,
            channel,
            _serving: serving,
        }
    }

    fn call(&self, text: &str, priority: Priority) -> Call<Note> {
        let mut request = Request::new(note(text));
        priority.insert(request.metadata_mut());
        self.channel.unary(UNARY, request)
    }

    fn spawn(&self, text: &str, priority: Priority) -> JoinHandle<Result<Response<Note>, Status>> {
        tokio::spawn(self.call(text, priority).into_future())
    }

    async fn began(&mut self) -> String {
        within(self.began.recv()).await.unwrap()
    }

    async fn queued(&self, count: u64) {
        within(async {
            while self.metrics.calls_queued() != count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
}

fn pushback(status: &Status) -> i64 {
    let value = status.metadata().get("grpc-retry-pushback-ms").unwrap();
    value.to_str().unwrap().parse().unwrap()
}

/// Over sockets and in process.
const WAYS: [bool; 2] = [true, false];

#[tokio::test]
async fn calls_over_the_limit_of_the_server_are_refused() {
    for socket in WAYS {
        let limits = Limits::default().with_calls_max(20);
        let mut gated = Gated::start(ConcurrencyLimit::default(), limits, socket).await;
        let mut calls = Vec::new();
        let mut fill = async |gated: &mut Gated, count: usize, priority| {
            for _ in 0..count {
                calls.push(gated.spawn("", priority));
                gated.began().await;
            }
        };
        // The last tenths are for what matters more.
        fill(&mut gated, 16, Priority::Sheddable).await;
        let shed = gated.call("", Priority::Sheddable).await.unwrap_err();
        fill(&mut gated, 2, Priority::Normal).await;
        let refused = gated.call("", Priority::Normal).await.unwrap_err();
        fill(&mut gated, 2, Priority::Critical).await;
        let last = gated.call("", Priority::Critical).await.unwrap_err();
        for status in [&shed, &refused, &last] {
            assert_eq!(status.code(), Code::Unavailable, "{status:?}");
            assert!(status.message().contains("of 20 calls"), "{status:?}");
            assert!(status.message().contains("`calls_max`"), "{status:?}");
        }
        assert_eq!(pushback(&shed), -1);
        assert!((100..200).contains(&pushback(&refused)), "{refused:?}");
        assert_eq!(gated.handled.load(SeqCst), 20);
        assert_eq!(gated.metrics.calls_in_flight(), 20);
        assert_eq!(gated.metrics.times_reached(Limit::CallsMax), 3);
        for priority in Priority::ALL {
            assert_eq!(gated.metrics.calls_shed(priority), 1);
        }
        gated.go.add_permits(21);
        for call in calls {
            within(call).await.unwrap().unwrap();
        }
        within(gated.call("", Priority::Sheddable).into_future())
            .await
            .unwrap();
        assert_eq!(gated.metrics.calls_in_flight(), 0);
    }
}

#[tokio::test]
async fn a_stream_is_in_flight_until_its_last_message() {
    for socket in WAYS {
        let (sender, receiver) = mpsc::channel::<Result<Note, Status>>(4);
        let receiver = std::sync::Mutex::new(Some(receiver));
        let probe = Probe::echo().server_streaming(move |_| {
            let notes = receiver.lock().unwrap().take();
            let notes = notes.map(tokio_stream::wrappers::ReceiverStream::new);
            async move { Ok(Response::new(notes.unwrap().boxed())) }
        });
        let limits = Limits::default().with_calls_max(1);
        let server = Server::new().limits(limits).add(probe.routes());
        let metrics = server.metrics();
        let (channel, _serving) = reach(server, socket).await;
        let notes = channel.server_streaming(SERVER_STREAMING, note(""));
        let mut notes = within(notes.into_future()).await.unwrap().into_inner();
        sender.send(Ok(note("one"))).await.unwrap();
        assert_eq!(within(notes.message()).await.unwrap(), Some(note("one")));
        let refused = channel.unary(UNARY, note("")).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        drop(sender);
        assert_eq!(within(notes.message()).await.unwrap(), None);
        within(async {
            while metrics.calls_in_flight() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
        channel.unary(UNARY, note("")).await.unwrap();
    }
}

#[tokio::test]
async fn the_queue_is_short_and_the_urgent_go_first() {
    for socket in WAYS {
        let limits = Limits::default()
            .with_queued_calls_max(3)
            .with_queue_timeout(LONG);
        let mut gated = Gated::start(ConcurrencyLimit::fixed(1), limits, socket).await;
        let first = gated.spawn("first", Priority::Normal);
        assert_eq!(gated.began().await, "first");
        let mut waiting = Vec::new();
        for (text, priority) in [
            ("sheddable", Priority::Sheddable),
            ("normal", Priority::Normal),
            ("critical", Priority::Critical),
        ] {
            waiting.push(gated.spawn(text, priority));
            gated.queued(waiting.len() as u64).await;
        }
        let refused = gated.call("", Priority::Sheddable).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        let text = refused.message();
        assert!(
            text.contains("3 wait") && text.contains("`queued_calls_max`"),
            "{text}"
        );
        assert!(text.contains("1 are handled at once"), "{text}");
        // One that matters more takes the place of one that does not.
        waiting.push(gated.spawn("late", Priority::Normal));
        let displaced = within(waiting.remove(0)).await.unwrap().unwrap_err();
        assert!(
            displaced.message().contains("took its place"),
            "{displaced:?}"
        );
        assert_eq!(pushback(&displaced), -1);
        assert_eq!(
            gated.handled.load(SeqCst),
            1,
            "nothing was begun that waits"
        );
        for next in ["critical", "normal", "late"] {
            gated.go.add_permits(1);
            assert_eq!(gated.began().await, next);
        }
        gated.go.add_permits(1);
        for call in waiting.into_iter().chain([first]) {
            within(call).await.unwrap().unwrap();
        }
        assert_eq!(gated.metrics.times_reached(Limit::QueuedCallsMax), 2);
        assert_eq!(gated.metrics.calls_shed(Priority::Sheddable), 2);
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_the_limit_says() {
    for socket in WAYS {
        let limits = Limits::default().with_queue_timeout(Duration::from_millis(30));
        let mut gated = Gated::start(ConcurrencyLimit::fixed(1), limits, socket).await;
        let first = gated.spawn("", Priority::Normal);
        gated.began().await;
        let waited = gated.call("", Priority::Normal).into_future();
        let waited = within(waited).await.unwrap_err();
        assert_eq!(waited.code(), Code::Unavailable);
        assert!(waited.message().contains("`queue_timeout`"), "{waited:?}");
        assert!((30..60).contains(&pushback(&waited)), "{waited:?}");
        gated.go.add_permits(1);
        within(first).await.unwrap().unwrap();
        assert_eq!(gated.metrics.times_reached(Limit::QueueTimeout), 1);
        assert_eq!(gated.metrics.calls_queued(), 0);
    }
}

#[tokio::test]
async fn a_caller_that_goes_leaves_the_queue() {
    for socket in WAYS {
        let limits = Limits::default().with_queue_timeout(LONG);
        let mut gated = Gated::start(ConcurrencyLimit::fixed(1), limits, socket).await;
        let first = gated.spawn("", Priority::Normal);
        gated.began().await;
        let gone = gated.spawn("", Priority::Normal);
        gated.queued(1).await;
        gone.abort();
        gated.queued(0).await;
        // So does one whose deadline passes.
        let late = gated
            .call("", Priority::Normal)
            .timeout(Duration::from_millis(20));
        let late = within(late.into_future()).await.unwrap_err();
        assert_eq!(late.code(), Code::DeadlineExceeded);
        gated.queued(0).await;
        gated.go.add_permits(1);
        within(first).await.unwrap().unwrap();
        assert_eq!(gated.handled.load(SeqCst), 1);
    }
}

/// Turns come every second: a call that has half of one is refused at once.
#[tokio::test(start_paused = true)]
async fn a_call_whose_turn_comes_too_late_is_refused_at_once() {
    let limits = Limits::default().with_queue_timeout(LONG);
    let mut gated = Gated::start(ConcurrencyLimit::fixed(1), limits, false).await;
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(gated.spawn("", Priority::Normal));
    }
    gated.began().await;
    gated.queued(4).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        gated.go.add_permits(1);
        gated.began().await;
    }
    gated.queued(1).await;
    let asked = tokio::time::Instant::now();
    let hasty = gated
        .call("", Priority::Normal)
        .timeout(Duration::from_millis(1500));
    let refused = hasty.await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    assert!(
        refused.message().contains("after its deadline"),
        "{refused:?}"
    );
    assert_eq!(asked.elapsed(), Duration::ZERO);
    let patient = gated
        .call("", Priority::Normal)
        .timeout(Duration::from_secs(10));
    let patient = tokio::spawn(patient.into_future());
    gated.queued(2).await;
    gated.go.add_permits(3);
    patient.await.unwrap().unwrap();
}

#[tokio::test]
async fn health_checks_are_critical_and_who_decides_may_be_told() {
    const CHECK: cordial_runtime::Method<Note, Note> =
        cordial_runtime::Method::unary("/grpc.health.v1.Health/Check");
    let metadata = Request::new(()).metadata().clone();
    let of =
        |method: cordial_runtime::Method<Note, Note>| Priority::of_call(method.erase(), &metadata);
    assert_eq!(of(CHECK), Priority::Critical);
    assert_eq!(of(UNARY), Priority::Normal);
    let mut odd = Request::new(());
    odd.metadata_mut()
        .insert(Priority::KEY, "URGENT".parse().unwrap());
    assert_eq!(Priority::of(odd.metadata()), Priority::Normal);

    let limit = ConcurrencyLimit::adaptive().with_priority(|method, request| {
        match request.metadata().get("x-batch") {
            Some(_) => Priority::Sheddable,
            None => Priority::of_call(method, request.metadata()),
        }
    });
    let limits = Limits::default().with_calls_max(5);
    let mut gated = Gated::start(limit, limits, true).await;
    let mut calls = Vec::new();
    for _ in 0..4 {
        calls.push(gated.spawn("", Priority::Normal));
        gated.began().await;
    }
    let batch = gated.call("", Priority::Critical).metadata("x-batch", "1");
    let refused = within(batch.into_future()).await.unwrap_err();
    assert_eq!(
        gated.metrics.calls_shed(Priority::Sheddable),
        1,
        "{refused:?}"
    );
    gated.go.add_permits(4);
    for call in calls {
        within(call).await.unwrap().unwrap();
    }
}

/// What comes after the headers of a refused call is not even looked at.
#[tokio::test]
async fn a_refused_call_is_not_decoded() {
    let limits = Limits::default().with_calls_max(1);
    let mut gated = Gated::start(ConcurrencyLimit::default(), limits, true).await;
    let first = gated.spawn("", Priority::Normal);
    gated.began().await;
    let address = gated._serving.as_ref().unwrap().address().to_owned();
    let raw = RawClient::connect(&address).await;
    let request = http::Request::post(format!("http://{address}/test.v1.Probe/Unary"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    let (response, _open) = raw.open(request, false).await;
    // No message was sent, and the answer is there.
    let answer = within(async { answer(response.await.unwrap()).await })
        .await
        .unwrap();
    assert_eq!(answer.code(), Code::Unavailable as i32);
    gated.go.add_permits(1);
    within(first).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_limit_is_a_layer_of_a_channel_too() {
    let limits = Limits::default().with_queued_calls_max(0);
    let limit = ConcurrencyLimit::fixed(1).with_limits(&limits);
    let mut gated = Gated::start(ConcurrencyLimit::default(), Limits::default(), true).await;
    gated.channel = gated.channel.clone().layer(limit);
    let first = gated.spawn("", Priority::Normal);
    gated.began().await;
    let refused = gated.call("", Priority::Normal).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(gated.handled.load(SeqCst), 1);
    gated.go.add_permits(2);
    within(first).await.unwrap().unwrap();
    gated.call("", Priority::Normal).await.unwrap();
}
