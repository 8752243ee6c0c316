//! Servers that register, and clients that find them.

use crate::{Harness, outage, support::*};
use cordial_runtime::{
    Channel, Method, Metrics, Registration, Request, Response, Result, Routes, Server,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_stream::StreamExt;

const SAY: Method<String, String> = Method::unary("/contract.v1.Echo/Say").idempotent();

/// A server that answers with its own name.
#[derive(Debug)]
pub struct Echo {
    /// What it is registered as.
    pub id: String,
    /// What it counts.
    pub metrics: Metrics,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

struct Name(String);

async fn say(name: &Name, _: Request<String>) -> Result<Response<String>> {
    Ok(name.0.clone().into())
}

/// Takes as long as a call that is in flight when its server stops.
async fn say_slowly(name: &Name, _: Request<String>) -> Result<Response<String>> {
    sleep(Duration::from_millis(500)).await;
    Ok(name.0.clone().into())
}

const SAY_SLOWLY: Method<String, String> = Method::unary("/contract.v1.Echo/SaySlowly");

impl Echo {
    /// One that is registered under its name, for the shortest lease there is.
    pub async fn start<H: Harness>(harness: &H, name: &str) -> Self {
        let registration = Registration::new(harness.client()).with_lease(H::LEASE);
        Self::start_with(registration, name).await
    }

    async fn start_with(registration: Registration, name: &str) -> Self {
        let routes = Routes::new(SERVICE, Name(name.to_owned()))
            .unary(SAY, say)
            .unary(SAY_SLOWLY, say_slowly);
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::new()
            .add(routes)
            .register(registration.with_id(name))
            .shutdown_on(async {
                if stopped.await.is_err() {
                    std::future::pending().await
                }
            });
        let metrics = server.metrics();
        let bound = server.bind("127.0.0.1:0").await.expect("a free port");
        Self {
            id: name.to_owned(),
            metrics,
            stop: Some(stop),
            task: tokio::spawn(bound.serve()),
        }
    }

    /// As if the process was killed.
    pub fn kill(&self) {
        self.task.abort();
    }

    fn ask_to_stop(&mut self) {
        let stop = self.stop.take().expect("it was not asked before");
        stop.send(()).expect("it serves");
    }

    async fn stopped(&mut self) {
        within(&mut self.task).await.expect("it ended by itself");
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub async fn a_server_that_stops_is_gone_before_it_drains<H: Harness>() {
    let harness = H::start().await;
    let mut server = Echo::start(&harness, "one").await;
    let (_, mut watch) = watched(&harness);
    let listing = until_ids(&mut watch, &["one"]).await;
    let methods = &one(&listing, "one").expect("it is listed").methods;
    assert_eq!(methods.iter().collect::<Vec<_>>(), ["Say", "SaySlowly"]);
    // Whoever watches may hear of it before the server does.
    let registered = async {
        while server.metrics.services_registered() == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    within(registered).await;

    let channel = Channel::registered_in(SERVICE, harness.client()).expect("a service");
    let slow = channel.unary(SAY_SLOWLY, String::new());
    let slow = tokio::spawn(slow.into_future());
    while server.metrics.calls_in_flight() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    server.ask_to_stop();
    until_ids(&mut watch, &[]).await;
    let answered = within(slow).await.expect("no panic");
    assert_eq!(answered.expect("it was let end").into_inner(), "one");
    server.stopped().await;
    assert_eq!(server.metrics.services_registered(), 0);
}

pub async fn a_server_that_dies_is_gone_with_its_lease<H: Harness>() {
    let harness = H::start().await;
    let dies = Echo::start(&harness, "dies").await;
    let _stays = Echo::start(&harness, "stays").await;
    let (_, mut watch) = watched(&harness);
    until_ids(&mut watch, &["dies", "stays"]).await;
    dies.kill();
    let died = Instant::now();
    until_ids(&mut watch, &["stays"]).await;
    let late = died.elapsed();
    assert!(late <= H::LEASE + H::SLACK, "listed for {late:?}");
}

pub async fn a_server_is_registered_once_it_is_healthy<H: Harness>() {
    let harness = H::start().await;
    let (say, said) = tokio::sync::mpsc::channel(1);
    let health = tokio_stream::wrappers::ReceiverStream::new(said);
    let registration = Registration::new(harness.client())
        .with_lease(H::LEASE)
        .with_health(health);
    let _server = Echo::start_with(registration, "one").await;
    let (_, mut watch) = watched(&harness);
    until_ids(&mut watch, &[]).await;
    say.send(false).await.expect("somebody listens");
    stays(&mut watch, H::LEASE, |listing| ids(listing).is_empty()).await;
    say.send(true).await.expect("somebody listens");
    until(&mut watch, |list| {
        one(list, "one").is_some_and(|one| one.healthy)
    })
    .await;
    say.send(false).await.expect("somebody listens");
    until(&mut watch, |list| {
        one(list, "one").is_some_and(|one| !one.healthy)
    })
    .await;
}

/// Calls one after another, several at a time, until it is told to stop.
struct Load {
    failed: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    tasks: tokio::task::JoinSet<()>,
}

impl Load {
    fn start(channel: &Channel) -> Self {
        let (failed, answered) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (channel, failed, answered) = (channel.clone(), failed.clone(), answered.clone());
            tasks.spawn(async move {
                loop {
                    match channel.unary(SAY, String::new()).await {
                        Ok(_) => answered.fetch_add(1, Relaxed),
                        Err(status) => {
                            eprintln!("a call failed: {status}");
                            failed.fetch_add(1, Relaxed)
                        }
                    };
                    sleep(Duration::from_millis(2)).await;
                }
            });
        }
        Self {
            failed,
            answered,
            tasks,
        }
    }

    /// Waits for so many more answers.
    async fn go_on(&self, more: usize) {
        let enough = self.answered.load(Relaxed) + more;
        let answered = async {
            while self.answered.load(Relaxed) < enough {
                sleep(Duration::from_millis(10)).await;
            }
        };
        within(answered).await;
    }

    async fn end(mut self) {
        self.tasks.shutdown().await;
        assert_eq!(self.failed.load(Relaxed), 0, "calls failed");
    }
}

/// A channel that has called all of the servers.
async fn channel_to_all<H: Harness>(harness: &H, names: &[&str]) -> Channel {
    let (_, mut watch) = watched(harness);
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    until_ids(&mut watch, &sorted).await;
    let channel = Channel::registered_in(SERVICE, harness.client()).expect("a service");
    let mut missing = names.to_vec();
    let all = async {
        while !missing.is_empty() {
            let call = channel.unary(SAY, String::new()).wait_for_ready();
            let name = call.await.expect("an answer").into_inner();
            missing.retain(|missed| *missed != name);
        }
    };
    within(all).await;
    channel
}

pub async fn calls_go_on_when_one_of_three_dies<H: Harness>() {
    let harness = H::start().await;
    let dies = Echo::start(&harness, "dies").await;
    let mut stops = Echo::start(&harness, "stops").await;
    let _stays = Echo::start(&harness, "stays").await;
    let channel = channel_to_all(&harness, &["dies", "stops", "stays"]).await;
    let load = Load::start(&channel);
    load.go_on(100).await;
    dies.kill();
    load.go_on(200).await;
    let _comes = Echo::start(&harness, "comes").await;
    let (_, mut watch) = watched(&harness);
    until_ids(&mut watch, &["comes", "stays", "stops"]).await;
    stops.ask_to_stop();
    stops.stopped().await;
    load.go_on(200).await;
    let found = async {
        loop {
            let reply = channel.unary(SAY, String::new()).await;
            if reply.expect("an answer").into_inner() == "comes" {
                return;
            }
        }
    };
    within(found).await;
    load.end().await;
}

pub async fn calls_go_on_while_the_registry_is_away_and_comes_back_empty<H: Harness>() {
    let harness = H::start().await;
    let _one = Echo::start(&harness, "one").await;
    let _other = Echo::start(&harness, "other").await;
    let channel = channel_to_all(&harness, &["one", "other"]).await;
    let load = Load::start(&channel);
    harness.cut().await;
    sleep(outage().min(Duration::from_secs(3))).await;
    load.go_on(100).await;
    harness.mend().await;
    harness.restart_empty().await;
    let (_, mut watch) = watched(&harness);
    let mut lists = channel.metrics().into_iter();
    assert!(lists.any(|metric| metric.name == "registry_lists_total" && metric.value > 0));
    until_ids(&mut watch, &["one", "other"]).await;
    load.go_on(100).await;
    load.end().await;
    // Clients that come now find them, too.
    let late = Channel::registered_in(SERVICE, harness.client()).expect("a service");
    let mut answers = Box::pin(tokio_stream::iter(0..20).then(|_| {
        let late = late.clone();
        async move { late.unary(SAY, String::new()).wait_for_ready().await }
    }));
    while let Some(answer) = answers.next().await {
        answer.expect("an answer");
    }
}
