//! A registry that is away, and comes back empty.

use super::*;
use crate::faults::{
    Version,
    cluster::Cluster,
    discovery::{LEASE, until_all},
    load::Load,
};

pub(super) async fn run(trial: &Trial) -> Result<Found> {
    let url = trial.discovery.url();
    let cluster = Cluster::listed(url, Version::New, SERVERS).await?;
    let addresses = cluster.addresses();
    let (client, lists) = trial.find(&addresses).await?;
    drop(lists);
    let load = Load::start(&client, CALLS_PER_SECOND, each_in_turn);
    let began = load.began;
    tokio::time::sleep(SECOND).await;
    trial.says("takes the registry away");
    trial.discovery.goes_away().await?;
    tokio::time::sleep(trial.seconds(60, 5)).await;
    trial.discovery.comes_back_empty().await?;
    let back = Instant::now();
    trial.says("it is back, and empty");
    // Who looked before would look again a little later.
    let lists = [Lists::of(url)?];
    let servers = addresses.iter().cloned().collect();
    let listed = until_all(&lists, back, |list| *list == servers).await;
    trial.says("the servers are listed");
    tokio::time::sleep(trial.seconds(10, 3)).await;
    let calls = load.finish().await?;
    let executed = cluster.executed()?;
    let all = Calls {
        calls: &calls,
        executed: &executed,
    };
    let failed = Figure::count("failed", "calls", all.failed(|_| true));
    let listed = listed.map(|span| span.as_secs_f64());
    let listed = Figure::new("back until all are listed", "s", listed);
    let figures = vec![
        all.made(),
        failed.at_most(0.0),
        listed.at_most((LEASE * 2).as_secs_f64()),
        all.executed_twice(),
        all.retried(),
        all.worst(),
        all.never_ended(),
    ];
    Ok(found(began, &calls, figures))
}
