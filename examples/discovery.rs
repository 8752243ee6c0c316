//! Three servers and a client that know no addresses: a registry tells who runs where.
//!
//! Notice: one server is killed, one stops and one comes while calls go on, and none
//! fails. The registry is one in this process; `--registry files:///run/user/1000/shop`
//! is one that all processes of a user share.

use cordial::{
    Channel, Registration, Registry, Request, Response, Result, Server, Status, open_registry,
};
use pb::{Accounts, AccountsClient, Balance, GetBalanceRequest, WithdrawRequest, accounts_server};
use std::{collections::BTreeMap, error::Error, sync::Arc, time::Duration};
use tokio::{sync::oneshot, task::JoinHandle, time::sleep};

mod pb {
    cordial::include_protos!("bank.v1");
}

/// A bank whose balances tell which of its servers answered.
struct Bank(i64);

impl Accounts for Bank {
    async fn get_balance(&self, _: Request<GetBalanceRequest>) -> Result<Response<Balance>> {
        Ok(Balance { cents: self.0 }.into())
    }

    async fn withdraw(&self, _: Request<WithdrawRequest>) -> Result<Response<Balance>> {
        Err(Status::unimplemented("nobody withdraws here"))
    }
}

type Running = (oneshot::Sender<()>, JoinHandle<()>);

async fn start(number: i64, registry: &Arc<dyn Registry>) -> Result<Running, cordial::Error> {
    // Whoever is killed is forgotten after 2 s.
    let registration = Registration::new(registry.clone()).with_lease(Duration::from_secs(2));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = Server::new()
        .add(accounts_server(Bank(number)))
        .register(registration)
        .shutdown_on(async { drop(stopped.await) });
    let bound = server.bind("127.0.0.1:0").await?;
    println!("server {number} comes, on {}", bound.address());
    Ok((stop, tokio::spawn(bound.serve())))
}

/// Makes 400 calls in two seconds, and tells who answered how many.
async fn call(bank: &AccountsClient) -> Result<()> {
    let mut answers = BTreeMap::<_, u32>::new();
    for _ in 0..400 {
        let call = bank.get_balance(GetBalanceRequest::default());
        let answered_by = call.wait_for_ready().await?.into_inner().cents;
        *answers.entry(answered_by).or_default() += 1;
        sleep(Duration::from_millis(5)).await;
    }
    println!("400 calls went well; calls by server: {answers:?}");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args()
        .skip_while(|argument| argument != "--registry")
        .nth(1);
    let url = url.unwrap_or_else(|| "memory://shop".to_owned());
    let registry = open_registry(&url)?;
    let (_stop, killed) = start(1, &registry).await?;
    let (stop, stopping) = start(2, &registry).await?;
    let (_serve, _served) = start(3, &registry).await?;
    let bank = AccountsClient::new(Channel::to(format!("{url}/bank.v1.Accounts"))?);
    call(&bank).await?;
    println!("server 1 is killed");
    killed.abort();
    call(&bank).await?;
    println!("server 2 stops");
    drop(stop);
    let (_serve, _served) = start(4, &registry).await?;
    call(&bank).await?;
    Ok(stopping.await?)
}
