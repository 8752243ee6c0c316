//! A server that dies, and comes back.

use super::*;
use crate::faults::{cluster::Cluster, load::Load};

const LAST_FAILURE_MILLIS_MAX: f64 = 50.0;

pub(super) async fn run(trial: &Trial) -> Result<Found> {
    let mut cluster = Cluster::of(trial.stack, SERVERS).await?;
    let client = trial.client(&cluster.addresses(), None).await?;
    let load = Load::start(&client, CALLS_PER_SECOND, each_in_turn);
    let began = load.began;
    tokio::time::sleep(SECOND).await;
    trial.says("kills a server");
    let killed = cluster.kill(0)?;
    tokio::time::sleep(trial.seconds(3, 1)).await;
    cluster.start(0).await?;
    let back = Instant::now();
    trial.says("it is back");
    tokio::time::sleep(trial.seconds(6, 3)).await;
    let calls = load.finish().await?;
    let executed = cluster.executed()?;
    let all = Calls {
        calls: &calls,
        executed: &executed,
    };
    let may_repeat = |call: &Call| call.ask.method.may_repeat();
    let failing = calls
        .iter()
        .filter(|call| !call.is_ok() && !may_repeat(call));
    let last = failing.map(|call| call.ended.duration_since(killed)).max();
    let again = cluster.executed_last_by(0)?;
    let again = calls.iter().filter(|call| again.contains_key(&call.id));
    let again = again
        .map(|call| call.due.saturating_duration_since(back))
        .min();
    let idempotent = Figure::count("idempotent, failed", "calls", all.failed(may_repeat));
    let last = Figure::new("kill until last failure", "ms", last.map_or(0.0, millis));
    let figures = vec![
        all.made(),
        idempotent.at_most(0.0),
        Figure::count(
            "not idempotent, failed",
            "calls",
            all.failed(|call| !may_repeat(call)),
        ),
        last.at_most(LAST_FAILURE_MILLIS_MAX),
        all.executed_twice(),
        all.retried(),
        all.worst(),
        Figure::new("back until called again", "ms", again.map(millis)),
        all.never_ended(),
    ];
    Ok(found(began, &calls, figures))
}
