//! Servers that a registry tells of: one dies, one stops, one comes.

use super::*;
use crate::faults::{
    Version,
    cluster::Cluster,
    discovery::{LEASE, until_all},
    load::Load,
};
use std::collections::BTreeSet;

/// What a registry may take to notice that a lease has ended.
const NOTICE: Duration = Duration::from_millis(500);
const CALLED_AFTER_MILLIS_MAX: f64 = 1_000.0;

pub(super) async fn run(trial: &Trial) -> Result<Found> {
    let url = trial.discovery.url();
    let mut cluster = Cluster::listed(url, Version::New, SERVERS).await?;
    let addresses = cluster.addresses();
    let (client, lists) = trial.find(&addresses).await?;
    let load = Load::start(&client, CALLS_PER_SECOND, each_in_turn);
    let began = load.began;
    tokio::time::sleep(SECOND).await;
    trial.says("kills a server");
    let killed = cluster.kill(0)?;
    tokio::time::sleep(trial.seconds(3, 1)).await;
    trial.says("asks another to end");
    let asked = Instant::now();
    cluster.end(1).await?;
    tokio::time::sleep(trial.seconds(3, 1)).await;
    trial.says("starts a fourth");
    cluster.add_listed(url)?;
    cluster.start(SERVERS).await?;
    let ready = Instant::now();
    let gone = |nth: usize| {
        let address = addresses[nth].clone();
        move |list: &BTreeSet<String>| !list.contains(&address)
    };
    let dead = until_all(&lists, killed, gone(0)).await;
    let stopped = until_all(&lists, asked, gone(1)).await;
    tokio::time::sleep(trial.seconds(6, 3)).await;
    let calls = load.finish().await?;
    let executed = cluster.executed()?;
    let all = Calls {
        calls: &calls,
        executed: &executed,
    };
    let may_repeat = |call: &Call| call.ask.method.may_repeat();
    let by_new = cluster.executed_by(SERVERS)?;
    let by_new = calls.iter().filter(|call| by_new.contains_key(&call.id));
    let by_new = by_new.map(|call| call.due.saturating_duration_since(ready));
    let seconds = |span: Option<Duration>| span.map(|span| span.as_secs_f64());
    let idempotent = Figure::count("idempotent, failed", "calls", all.failed(may_repeat));
    let once = all.failed(|call| !may_repeat(call));
    // What was under way to the one that was killed has ended long before.
    let later = all.failed(|call| call.ended >= asked);
    let dead = Figure::new("dead until in no list", "s", seconds(dead));
    let called = Figure::new("ready until called", "ms", by_new.min().map(millis));
    let figures = vec![
        all.made(),
        idempotent.at_most(0.0),
        Figure::count("not idempotent, failed", "calls", once),
        Figure::count("failed from the stop on", "calls", later).at_most(0.0),
        dead.at_most((LEASE + NOTICE).as_secs_f64()),
        Figure::new("asked to end until in no list", "s", seconds(stopped)),
        called.at_most(CALLED_AFTER_MILLIS_MAX),
        all.executed_twice(),
        all.retried(),
        all.worst(),
        all.never_ended(),
    ];
    Ok(found(began, &calls, figures))
}
