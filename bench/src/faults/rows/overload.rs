//! More calls than a server can answer.

use super::*;
use crate::faults::{
    cluster::Cluster,
    load::{self, Load},
};
use cordial::Priority;

/// What the server works on at once,
const PLACES: usize = 4;
/// and how long each takes: 500 calls a second at most.
const WORK_MILLIS: u32 = 8;
const OFFERED_PER_SECOND: u32 = 2_500;
const TIMEOUT: Duration = Duration::from_secs(1);
/// An adaptive limit may learn this long; critical calls must not fail even then.
const LEARNING: Duration = Duration::from_secs(1);
const GOODPUT_MIN: f64 = 0.95;

pub(super) async fn run(trial: &Trial) -> Result<Found> {
    let mut cluster = Cluster::new()?;
    cluster.add(trial.stack, Some(PLACES), None)?;
    cluster.start(0).await?;
    let client = trial.client(&cluster.addresses(), None).await?;
    let ask = Ask::new(Method::Add, work(Order::default()), TIMEOUT);
    let span = trial.seconds(3, 2);
    trial.says("as much as it can do");
    let peak = load::throughput(&client, 2 * PLACES, span, ask).await;
    trial.says("five times as much");
    let load = Load::start(&client, OFFERED_PER_SECOND, prioritized);
    let began = load.began;
    tokio::time::sleep(LEARNING).await;
    let from = Instant::now();
    tokio::time::sleep(trial.seconds(5, 3)).await;
    let until = Instant::now();
    let calls = load.finish().await?;
    let answered = calls
        .iter()
        .filter(|call| call.is_ok() && (from..until).contains(&call.ended));
    let mut took: Vec<_> = answered.map(Call::took).collect();
    took.sort_unstable();
    let goodput = took.len() as f64 / until.duration_since(from).as_secs_f64();
    let of = |priority| {
        calls
            .iter()
            .filter(move |call| call.priority() == Some(priority))
    };
    let share = |priority| {
        let answered = of(priority).filter(|call| call.is_ok()).count();
        100.0 * answered as f64 / of(priority).count().max(1) as f64
    };
    let critical = of(Priority::Critical).filter(|call| !call.is_ok()).count();
    let p99 = took.get(took.len() * 99 / 100).copied();
    let ratio = Figure::new("goodput / peak", "x", goodput / peak);
    let figures = vec![
        Figure::new("peak", "calls/s", peak),
        Figure::new("offered", "calls/s", f64::from(OFFERED_PER_SECOND)),
        Figure::new("goodput", "calls/s", goodput),
        ratio.at_least(GOODPUT_MIN),
        Figure::count("critical, failed", "calls", critical).at_most(0.0),
        Figure::new("critical, answered", "%", share(Priority::Critical)),
        Figure::new("normal, answered", "%", share(Priority::Normal)),
        Figure::new("sheddable, answered", "%", share(Priority::Sheddable)),
        Figure::new("p99 of those answered", "ms", p99.map(millis)),
    ];
    Ok(found(began, &calls, figures))
}

fn work(order: Order) -> Order {
    Order {
        wait_millis: WORK_MILLIS,
        ..order
    }
}

fn prioritized(order: Order) -> Ask {
    let priority = match order.id % 10 {
        0 => Priority::Critical,
        1..=3 => Priority::Sheddable,
        _ => Priority::Normal,
    };
    Ask {
        priority: Some(priority),
        ..Ask::new(Method::Add, work(order), TIMEOUT)
    }
}
