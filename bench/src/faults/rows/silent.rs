//! A server that is there and says nothing.

use super::*;
use crate::faults::{
    cluster::Cluster,
    load::{Asking, Load},
};
use faulty_proxy::{Break, Faults, Proxy, Way};

const KEEPALIVE: Duration = Duration::from_millis(500);
/// Twice the keepalive, and what the call takes.
const LONGEST_MILLIS_MAX: f64 = 1_100.0;

pub(super) async fn stopped(trial: &Trial) -> Result<Found> {
    let cluster = Cluster::of(trial.stack, SERVERS).await?;
    let client = trial.client(&cluster.addresses(), Some(KEEPALIVE)).await?;
    let load = Load::start(&client, CALLS_PER_SECOND, looks());
    tokio::time::sleep(SECOND).await;
    trial.says("stops a server");
    cluster.stop(0)?;
    let since = Instant::now();
    tokio::time::sleep(trial.seconds(8, 3)).await;
    cluster.go_on(0)?;
    judge(trial, &cluster, load, since).await
}

pub(super) async fn hole(trial: &Trial) -> Result<Found> {
    let cluster = Cluster::of(trial.stack, SERVERS).await?;
    let mut addresses = cluster.addresses();
    let proxy = Proxy::start(addresses[0].parse()?).await?;
    addresses[0] = proxy.address().to_string();
    let client = trial.client(&addresses, Some(KEEPALIVE)).await?;
    let load = Load::start(&client, CALLS_PER_SECOND, looks());
    tokio::time::sleep(SECOND).await;
    trial.says("a server falls into a black hole");
    proxy.set(Faults::both(Way::broken(Break::Silence, 0)));
    let since = Instant::now();
    tokio::time::sleep(trial.seconds(8, 3)).await;
    proxy.set(Faults::default());
    judge(trial, &cluster, load, since).await
}

fn looks() -> Asking {
    |order| Ask::new(Method::Look, worked(order), TIMEOUT)
}

async fn judge(trial: &Trial, cluster: &Cluster, load: Load, since: Instant) -> Result<Found> {
    let back = Instant::now();
    trial.says("it is back");
    tokio::time::sleep(trial.seconds(4, 2)).await;
    let began = load.began;
    let calls = load.finish().await?;
    let (executed, by_it) = (cluster.executed()?, cluster.executed_by(0)?);
    let all = Calls {
        calls: &calls,
        executed: &executed,
    };
    // Who took more than half of the keepalive waited for the one that is silent.
    let late = calls.iter().filter(|call| call.took() >= KEEPALIVE / 2);
    let last = late
        .map(|call| call.due.saturating_duration_since(since))
        .max();
    let again = calls.iter().filter(|call| by_it.contains_key(&call.id));
    let again = again
        .filter_map(|call| call.due.checked_duration_since(back))
        .min();
    let failed = Figure::count("failed", "calls", all.failed(|_| true));
    let figures = vec![
        all.made(),
        failed.at_most(0.0),
        all.worst().at_most(LONGEST_MILLIS_MAX),
        Figure::new(
            "silent until last call that waited for it",
            "ms",
            last.map_or(0.0, millis),
        ),
        all.retried(),
        Figure::new("back until called again", "ms", again.map(millis)),
        all.never_ended(),
    ];
    Ok(found(began, &calls, figures))
}
