//! Servers that a registry tells of, replaced by some that have one more method.

use super::*;
use crate::faults::{Version, cluster::Cluster, load::Load};
use tonic::Code;

/// Ids of the calls of the new method begin here.
const NEW_IDS: u64 = 1 << 40;

/// Calls of methods that all servers have.
fn known(order: Order) -> Ask {
    let method = [Method::Put, Method::Add][(order.id % 2) as usize];
    Ask::new(method, worked(order), TIMEOUT)
}

fn new(order: Order) -> Ask {
    let id = order.id + NEW_IDS;
    Ask::new(Method::Look, worked(Order { id, ..order }), TIMEOUT)
}

pub(super) async fn run(trial: &Trial) -> Result<Found> {
    let url = trial.discovery.url();
    let mut cluster = Cluster::listed(url, Version::Old, SERVERS).await?;
    let (client, _lists) = trial.find(&cluster.addresses()).await?;
    let load = Load::start(&client, CALLS_PER_SECOND / 2, known);
    let began = load.began;
    tokio::time::sleep(SECOND).await;
    let mut of_new = None;
    for nth in 0..SERVERS {
        trial.says("replaces a server");
        cluster.end(nth).await?;
        cluster.set_version(nth, Version::New);
        cluster.start(nth).await?;
        trial.says("the new one is there");
        tokio::time::sleep(SECOND).await;
        if of_new.is_none() {
            of_new = Some(Load::start(&client, CALLS_PER_SECOND / 2, new));
        }
        tokio::time::sleep(trial.seconds(3, 1)).await;
    }
    let mut calls = load.finish().await?;
    if let Some(load) = of_new {
        calls.extend(load.finish().await?);
    }
    let executed = cluster.executed()?;
    let all = Calls {
        calls: &calls,
        executed: &executed,
    };
    let of_new = calls.iter().filter(|call| call.ask.method == Method::Look);
    let unimplemented = all.failed(|call| call.code == Some(Code::Unimplemented));
    let unimplemented = Figure::count("answered UNIMPLEMENTED", "calls", unimplemented);
    let failed = Figure::count("failed", "calls", all.failed(|_| true));
    let figures = vec![
        all.made(),
        Figure::count("of the new method", "calls", of_new.count()),
        unimplemented.at_most(0.0),
        failed.at_most(0.0),
        all.executed_twice(),
        all.retried(),
        all.worst(),
        all.never_ended(),
    ];
    Ok(found(began, &calls, figures))
}
