//! Servers that are not there.

use super::*;
use crate::faults::{cluster::Cluster, load::Load};

/// Each so-many-th call says that it waits for a server.
const WAITING: u64 = 10;
const PATIENT: Duration = Duration::from_secs(10);
/// One step of the backoff between attempts to connect: after 3 s without servers
/// the third, 2.56 s, and its jitter of a fifth.
const BACK_MILLIS_MAX: f64 = 3_072.0;

pub(super) async fn dead(trial: &Trial) -> Result<Found> {
    let mut cluster = Cluster::of(trial.stack, SERVERS - 1).await?;
    cluster.add(trial.stack, None, None)?;
    let client = Client::to(trial.stack, &cluster.addresses(), None)?;
    trial.says("calls begin");
    let load = Load::start(&client, CALLS_PER_SECOND, each_in_turn);
    let began = load.began;
    tokio::time::sleep(trial.seconds(10, 2)).await;
    let calls = load.finish().await?;
    let executed = cluster.executed()?;
    let all = Calls {
        calls: &calls,
        executed: &executed,
    };
    let failed = Figure::count("failed", "calls", all.failed(|_| true));
    let figures = vec![
        all.made(),
        failed.at_most(0.0),
        all.worst(),
        all.executed_twice(),
        all.never_ended(),
    ];
    Ok(found(began, &calls, figures))
}

pub(super) async fn all(trial: &Trial) -> Result<Found> {
    let mut cluster = Cluster::of(trial.stack, SERVERS).await?;
    let client = trial.client(&cluster.addresses(), None).await?;
    let load = Load::start(&client, CALLS_PER_SECOND, some_wait);
    let began = load.began;
    tokio::time::sleep(SECOND).await;
    trial.says("kills all servers");
    for nth in 0..SERVERS {
        cluster.kill(nth)?;
    }
    tokio::time::sleep(trial.seconds(3, 1)).await;
    for nth in 0..SERVERS {
        cluster.start(nth).await?;
    }
    let back = Instant::now();
    trial.says("they are back");
    tokio::time::sleep(trial.seconds(5, 3)).await;
    let calls = load.finish().await?;
    let executed = cluster.executed()?;
    let all = Calls {
        calls: &calls,
        executed: &executed,
    };
    let after = |call: &&Call| call.ended >= back;
    let first = calls.iter().filter(after).filter(|call| call.is_ok());
    let first = first.map(|call| call.ended.duration_since(back)).min();
    let failing = calls.iter().filter(after).filter(|call| !call.is_ok());
    let last = failing.map(|call| call.ended.duration_since(back)).max();
    let patient = Figure::count("of those that wait, failed", "calls", all.failed(waits));
    let first = Figure::new("back until first success", "ms", first.map(millis));
    let figures = vec![
        all.made(),
        Figure::count("failed", "calls", all.failed(|call| !waits(call))),
        patient.at_most(0.0),
        first.at_most(BACK_MILLIS_MAX),
        Figure::new("back until last failure", "ms", last.map_or(0.0, millis)),
        all.executed_twice(),
        all.never_ended(),
    ];
    Ok(found(began, &calls, figures))
}

fn some_wait(order: Order) -> Ask {
    let waits = order.id.is_multiple_of(WAITING);
    let ask = each_in_turn(order);
    match waits {
        // Only what may be executed again can survive a server that dies with it.
        true => Ask {
            method: Method::Look,
            timeout: PATIENT,
            waits,
            ..ask
        },
        false => ask,
    }
}

fn waits(call: &Call) -> bool {
    call.ask.waits
}
