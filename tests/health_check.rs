//! Channels that ask servers how they are, and servers that answer (gRFC A17).
#![cfg(all(feature = "health", feature = "service-config"))]

use cordial::{
    Channel, Code, Request, Response, Result, RoundRobin, Server, ServiceConfig,
    health::{Health, ServingStatus::*},
};
use pb::{Accounts, AccountsClient, Balance, GetBalanceRequest, WithdrawRequest};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinHandle,
};

mod pb {
    cordial::include_protos!("bank.v1");
}

const SERVICE: &str = "bank.v1.Accounts";

/// Says which copy it is.
struct Bank {
    number: i64,
    slow: Arc<Slow>,
}

/// What happens to calls for the account `slow`.
#[derive(Default)]
struct Slow {
    begun: Notify,
    may_end: Notify,
}

impl Accounts for Bank {
    async fn get_balance(&self, request: Request<GetBalanceRequest>) -> Result<Response<Balance>> {
        if request.into_inner().account == "slow" {
            self.slow.begun.notify_one();
            self.slow.may_end.notified().await;
        }
        Ok(Balance { cents: self.number }.into())
    }

    async fn withdraw(&self, _: Request<WithdrawRequest>) -> Result<Response<Balance>> {
        Ok(Balance { cents: self.number }.into())
    }
}

struct Copy {
    health: Health,
    slow: Arc<Slow>,
    address: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Copy {
    /// One that serves, and says so.
    async fn start(number: i64) -> Self {
        let health = Health::new();
        health.set(SERVICE, Serving);
        let server = Server::new().add(health.routes());
        Self::start_as(number, server, health).await
    }

    async fn start_as(number: i64, server: Server, health: Health) -> Self {
        let slow = Arc::<Slow>::default();
        let bank = Bank {
            number,
            slow: slow.clone(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let server = server.add(pb::accounts_server(bank)).shutdown_on(async {
            // One that is dropped asks for nothing.
            if stopped.await.is_err() {
                std::future::pending().await
            }
        });
        let bound = server.bind("127.0.0.1:0").await.unwrap();
        Self {
            health,
            slow,
            address: bound.addresses()[0].clone(),
            stop,
            task: tokio::spawn(bound.serve()),
        }
    }
}

fn channel_to(copies: &[&Copy]) -> Channel {
    let addresses: Vec<_> = copies.iter().map(|copy| copy.address.as_str()).collect();
    let channel = Channel::to(format!("static:///{}", addresses.join(","))).unwrap();
    channel.with_balancer(RoundRobin::new())
}

/// The same, asking for health.
fn checked(copies: &[&Copy]) -> Channel {
    channel_to(copies).with_health_check(SERVICE)
}

/// Which copy answered.
async fn answered(channel: &Channel) -> Result<i64> {
    let call = AccountsClient::new(channel).withdraw(WithdrawRequest::default());
    Ok(within(call.into_future()).await?.into_inner().cents)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(15);
    tokio::time::timeout(limit, future).await.expect("an end")
}

/// Waits until calls go to all of these copies and no others, and stay there.
async fn go_to(channel: &Channel, numbers: &[i64]) {
    let wanted = BTreeSet::from_iter(numbers.iter().copied());
    let round = async || {
        let mut found = BTreeSet::new();
        for _ in 0..20 {
            found.insert(answered(channel).await.unwrap());
        }
        found
    };
    within(async { while round().await != wanted {} }).await;
    for _ in 0..5 {
        assert_eq!(round().await, wanted);
    }
}

#[tokio::test]
async fn whoever_says_not_serving_gets_no_calls_until_it_serves() {
    let copies = [Copy::start(0).await, Copy::start(1).await];
    let channel = checked(&[&copies[0], &copies[1]]);
    go_to(&channel, &[0, 1]).await;
    for status in [NotServing, Unknown, ServiceUnknown] {
        copies[0].health.set(SERVICE, status);
        go_to(&channel, &[1]).await;
        copies[0].health.set(SERVICE, Serving);
        go_to(&channel, &[0, 1]).await;
    }
}

#[tokio::test]
async fn calls_in_flight_go_on() {
    let copies = [Copy::start(0).await, Copy::start(1).await];
    let channel = checked(&[&copies[0], &copies[1]]);
    copies[1].health.set(SERVICE, NotServing);
    go_to(&channel, &[0]).await;
    let slow = AccountsClient::new(&channel).get_balance(GetBalanceRequest {
        account: "slow".into(),
    });
    let slow = tokio::spawn(slow.into_future());
    within(copies[0].slow.begun.notified()).await;
    copies[0].health.set(SERVICE, NotServing);
    copies[1].health.set(SERVICE, Serving);
    go_to(&channel, &[1]).await;
    copies[0].slow.may_end.notify_one();
    let reply = within(slow).await.unwrap().unwrap();
    assert_eq!(reply.into_inner().cents, 0);
}

#[tokio::test]
async fn a_drain_that_is_announced_costs_no_call() {
    let mut copies = [Copy::start(0).await, Copy::start(1).await];
    let channel = checked(&[&copies[0], &copies[1]]);
    go_to(&channel, &[0, 1]).await;
    let over = Arc::new(AtomicBool::new(false));
    let calling = tokio::spawn({
        let (channel, over) = (channel.clone(), over.clone());
        async move {
            while !over.load(SeqCst) {
                answered(&channel).await.unwrap();
            }
        }
    });
    copies[0].health.shut_down();
    go_to(&channel, &[1]).await;
    let [drained, _other] = &mut copies;
    let (stop, _) = oneshot::channel();
    std::mem::replace(&mut drained.stop, stop).send(()).unwrap();
    // The watch of its health does not keep it: it has 30 s for calls in flight.
    within(&mut drained.task).await.unwrap();
    go_to(&channel, &[1]).await;
    over.store(true, SeqCst);
    within(calling).await.unwrap();
}

#[tokio::test]
async fn nobody_serves_is_said_to_calls() {
    let copies = [Copy::start(0).await, Copy::start(1).await];
    for copy in &copies {
        copy.health.set(SERVICE, NotServing);
    }
    let channel = checked(&[&copies[0], &copies[1]]);
    let status = answered(&channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let says = format!("says that `{SERVICE}` is NOT_SERVING");
    assert!(status.message().contains(&says), "{status:?}");
    let waiting = AccountsClient::new(&channel).withdraw(WithdrawRequest::default());
    let waiting = tokio::spawn(waiting.wait_for_ready().into_future());
    copies[1].health.set(SERVICE, Serving);
    let reply = within(waiting).await.unwrap().unwrap();
    assert_eq!(reply.into_inner().cents, 1);
}

#[tokio::test]
async fn whoever_cannot_say_has_calls() {
    let silent = Copy::start_as(0, Server::new(), Health::new()).await;
    let other = Copy::start(1).await;
    go_to(&checked(&[&silent, &other]), &[0, 1]).await;
}

#[tokio::test]
async fn whoever_does_not_know_the_service_has_none() {
    let unaware = Health::new();
    let server = Server::new().add(unaware.routes());
    let unaware = Copy::start_as(0, server, unaware).await;
    let other = Copy::start(1).await;
    let channel = checked(&[&unaware, &other]);
    go_to(&channel, &[1]).await;
    unaware.health.set(SERVICE, Serving);
    go_to(&channel, &[0, 1]).await;
    // The server as a whole is known to serve.
    unaware.health.set(SERVICE, NotServing);
    go_to(
        &channel_to(&[&unaware, &other]).with_health_check(""),
        &[0, 1],
    )
    .await;
}

#[tokio::test]
async fn the_only_address_is_not_asked() {
    let copy = Copy::start(0).await;
    copy.health.set(SERVICE, NotServing);
    let channel = Channel::to(format!("http://{}", copy.address)).unwrap();
    go_to(&channel.with_health_check(SERVICE), &[0]).await;
}

#[tokio::test]
async fn a_service_config_asks_too() {
    let copies = [Copy::start(0).await, Copy::start(1).await];
    copies[1].health.set(SERVICE, NotServing);
    let config = r#"{ "healthCheckConfig": { "serviceName": "bank.v1.Accounts" } }"#;
    let channel = channel_to(&[&copies[0], &copies[1]]);
    let channel = channel.with_service_config(ServiceConfig::parse(config).unwrap());
    go_to(&channel, &[0]).await;
}
