//! Servers that are asked to end and started again, as in a deployment.

use super::*;
use crate::faults::{cluster::Cluster, load::Load};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::task::JoinSet;

const STREAMS: u64 = 30;
/// Ids of streams begin here.
const STREAM_IDS: u64 = 1 << 40;
/// Each stream has so many messages, with so much time between them.
const MESSAGES: u32 = 10;
const BETWEEN_MILLIS: u32 = 100;

pub(super) async fn run(trial: &Trial) -> Result<Found> {
    let mut cluster = Cluster::of(trial.stack, SERVERS).await?;
    let client = trial.client(&cluster.addresses(), None).await?;
    let load = Load::start(&client, CALLS_PER_SECOND, each_in_turn);
    let began = load.began;
    let stop = Arc::new(AtomicBool::new(false));
    let streams = (0..STREAMS).map(|nth| follow(client.clone(), nth, stop.clone()));
    let streams: JoinSet<Followed> = streams.collect();
    tokio::time::sleep(SECOND).await;
    let mut longest = Some(Duration::ZERO);
    for nth in 0..SERVERS {
        trial.says("asks a server to end");
        let took = cluster.end(nth).await?;
        longest = longest.zip(took).map(|(longest, took)| longest.max(took));
        cluster.start(nth).await?;
        trial.says("it is back");
        tokio::time::sleep(trial.seconds(2, 1)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let calls = load.finish().await?;
    let streams = streams.join_all().await;
    let executed = cluster.executed()?;
    let all = Calls {
        calls: &calls,
        executed: &executed,
    };
    let failed = Figure::count("failed", "calls", all.failed(|_| true));
    let whole = streams.iter().map(|followed| followed.whole).sum();
    let broken: usize = streams.iter().map(|followed| followed.broken).sum();
    let figures = vec![
        all.made(),
        failed.at_most(0.0),
        Figure::count("streams read to their end", "streams", whole),
        Figure::count("streams broken", "streams", broken).at_most(0.0),
        Figure::new(
            "longest end of a server",
            "s",
            longest.map(|span| span.as_secs_f64()),
        ),
        all.executed_twice(),
        all.worst(),
        all.never_ended(),
    ];
    Ok(found(began, &calls, figures))
}

#[derive(Debug, Default)]
struct Followed {
    whole: usize,
    broken: usize,
}

/// Reads one stream after another.
async fn follow(client: Client, nth: u64, stop: Arc<AtomicBool>) -> Followed {
    let mut followed = Followed::default();
    // They do not all begin and end at once.
    let between = u64::from(MESSAGES * BETWEEN_MILLIS) * nth / STREAMS;
    tokio::time::sleep(Duration::from_millis(between)).await;
    for turn in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let order = Order {
            id: STREAM_IDS + turn * STREAMS + nth,
            wait_millis: BETWEEN_MILLIS,
            count: MESSAGES,
        };
        match client.follow(order, TIMEOUT).await {
            Ok(MESSAGES) => followed.whole += 1,
            _ => followed.broken += 1,
        }
    }
    followed
}
