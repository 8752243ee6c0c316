//! Tiers that call each other, and a last one that fails.

use super::*;
use crate::faults::{cluster::Cluster, load::Load};

const OFFERED_PER_SECOND: u32 = 200;
const TIMEOUT: Duration = Duration::from_secs(2);
const AMPLIFIED_MAX: f64 = 1.10;
const RECOVERED_MILLIS_MAX: f64 = 2_000.0;
/// The first of the tiers in the order in which they are started.
const BACKEND: usize = 0;
const FRONT: usize = 2;

pub(super) async fn run(trial: &Trial) -> Result<Found> {
    let mut cluster = Cluster::new()?;
    let mut next = None;
    for nth in BACKEND..=FRONT {
        next = Some(cluster.add(trial.stack, None, next)?);
        cluster.start(nth).await?;
    }
    let backend = cluster.client_of(BACKEND)?;
    let client = trial.client(&cluster.addresses()[FRONT..], None).await?;
    let load = Load::start(&client, OFFERED_PER_SECOND, |order| {
        Ask::new(Method::Put, order, TIMEOUT)
    });
    let began = load.began;
    tokio::time::sleep(trial.seconds(3, 2)).await;
    trial.says("the backend fails everything");
    backend.fail(true).await?;
    let fails = Instant::now();
    tokio::time::sleep(trial.seconds(5, 2)).await;
    let heals = Instant::now();
    backend.fail(false).await?;
    trial.says("it has healed");
    tokio::time::sleep(trial.seconds(5, 3)).await;
    let calls = load.finish().await?;
    let at_backend = cluster.executed_by(BACKEND)?;
    let all = Calls {
        calls: &calls,
        executed: &at_backend,
    };
    let offered = |call: &&Call| (fails..heals).contains(&call.due);
    let count = calls.iter().filter(offered).count();
    let asked = calls.iter().filter(offered);
    let asked = asked.map(|call| at_backend.get(&call.id).copied().unwrap_or(0));
    let asked: u32 = asked.sum();
    let failing = calls.iter().filter(|call| !call.is_ok());
    let last = failing.filter_map(|call| call.ended.checked_duration_since(heals));
    let last = last.max().map_or(0.0, millis);
    let amplified = f64::from(asked) / count.max(1) as f64;
    let figures = vec![
        Figure::count("calls offered while it fails", "calls", count),
        Figure::new(
            "requests at the backend meanwhile",
            "calls",
            f64::from(asked),
        ),
        Figure::new("requests at the backend / offered", "x", amplified).at_most(AMPLIFIED_MAX),
        Figure::count("failed", "calls", all.failed(|_| true)),
        Figure::new("healed until last failure", "ms", last).at_most(RECOVERED_MILLIS_MAX),
        all.never_ended(),
    ];
    Ok(found(began, &calls, figures))
}
