//! Five times as many calls as ten workers can answer (400 a second).
//!
//! Notice: nothing was configured. The server finds out how many calls at once
//! are best, stays at full speed, and sheds first what matters least.

use cordial::{Channel, Code, IntoRequest, Priority, Request, Response, Result, Server, Status};
use pb::{Accounts, AccountsClient, Balance, GetBalanceRequest, WithdrawRequest, accounts_server};
use std::time::{Duration, Instant};
use tokio::{sync::Semaphore, task::JoinSet};

mod pb {
    cordial::include_protos!("bank.v1");
}

const WORKERS: usize = 10;
const WORK: Duration = Duration::from_millis(25);
const LOADS: [(&str, u64); 2] = [("calm", 200), ("five times too many", 2_000)];
const SECONDS: u64 = 3;

struct Bank(Semaphore);

impl Accounts for Bank {
    async fn get_balance(&self, _: Request<GetBalanceRequest>) -> Result<Response<Balance>> {
        let _clerk = self.0.acquire().await;
        tokio::time::sleep(WORK).await;
        Ok(Balance { cents: 100 }.into())
    }

    async fn withdraw(&self, _: Request<WithdrawRequest>) -> Result<Response<Balance>> {
        Err(Status::unimplemented("nobody withdraws here"))
    }
}

type Ended = (Priority, Code, Duration);

/// One call in ten is critical, three are sheddable.
async fn call(bank: AccountsClient, number: u64) -> Ended {
    let priority = match number % 10 {
        0 => Priority::Critical,
        1..=3 => Priority::Sheddable,
        _ => Priority::Normal,
    };
    let mut request = GetBalanceRequest::default().into_request();
    priority.insert(request.metadata_mut());
    let begun = Instant::now();
    let ended = bank.get_balance(request).await;
    let code = ended.map_or_else(|status| status.code(), |_| Code::Ok);
    (priority, code, begun.elapsed())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new().add(accounts_server(Bank(Semaphore::new(WORKERS))));
    let (metrics, bound) = (server.metrics(), server.bind("127.0.0.1:0").await?);
    let channels: Vec<_> = (0..16)
        .map(|_| Channel::to(bound.uri()))
        .collect::<Result<_, _>>()?;
    tokio::spawn(bound.serve());
    for (name, per_second) in LOADS {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second as u32);
        let mut calls = JoinSet::new();
        for number in 0..per_second * SECONDS {
            ticks.tick().await;
            let channel = channels[number as usize % channels.len()].clone();
            calls.spawn(call(AccountsClient::new(channel), number));
        }
        let ended = calls.join_all().await;
        println!("{name}: {per_second} calls a second");
        for priority in Priority::ALL.into_iter().rev() {
            let of_it = ended.iter().filter(|call| call.0 == priority);
            let (answered, shed): (Vec<&Ended>, Vec<_>) =
                of_it.partition(|call| call.1 == Code::Ok);
            let slowest = answered.iter().map(|call| call.2).max().unwrap_or_default();
            let (name, answered, shed) = (priority.name(), answered.len(), shed.len());
            println!("  {name:>9}: {answered:>4} answered, {shed:>4} shed, slowest {slowest:.0?}");
        }
        println!("  at once: {} calls", metrics.concurrency_limit());
    }
    Ok(())
}
