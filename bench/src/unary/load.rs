//! The client's process: keeps a number of calls in flight, and counts.

use super::{
    Side, Stack,
    caller::Caller,
    lean,
    ours::Ours,
    process::{self, End},
    theirs::Theirs,
};
use crate::{
    Result,
    generator::{Generator, Load, Plan, Shape},
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// How one client calls.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long)]
    stack: Stack,
    #[arg(long)]
    workers: usize,
    #[arg(long)]
    address: String,
    #[arg(long)]
    server_pid: u32,
    /// Whose CPU time counts.
    #[arg(long)]
    side: Side,
    #[arg(long)]
    payload_bytes: usize,
    #[arg(long)]
    in_flight: usize,
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    seconds: f64,
}

/// What one measurement found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Calls ended, a second.
    pub(crate) calls_per_second: f64,
    /// CPU time of who is measured, a call; `None` where the system does not say.
    pub(crate) cpu_micros_per_call: Option<f64>,
    /// Half of the calls, and 99 of 100, took no longer; of servers.
    pub(crate) p50_micros: Option<f64>,
    pub(crate) p99_micros: Option<f64>,
}

/// Calls made before anything is measured take this long.
const WARM_UP: Duration = Duration::from_millis(300);

/// Prints one [`Sample`].
pub(crate) fn run(options: &Options) -> Result {
    process::pin(End::Client);
    let Options {
        address,
        payload_bytes,
        ..
    } = options;
    let runtime = process::runtime(options.stack, options.workers)?;
    let sample =
        match options.stack {
            Stack::Lean => generate(options),
            Stack::Cordial => runtime
                .block_on(async { measure(Ours::to(address, *payload_bytes)?, options).await }),
            Stack::Tonic => runtime
                .block_on(async { measure(Theirs::to(address, *payload_bytes)?, options).await }),
        }?;
    println!("{}", serde_json::to_string(&sample)?);
    Ok(())
}

async fn measure(mut caller: impl Caller, options: &Options) -> Result<Sample> {
    let got = caller.call().await?;
    if got != options.payload_bytes {
        return Err(format!("{got} bytes came back of {}", options.payload_bytes).into());
    }

    let calls = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..options.in_flight {
        let (mut caller, calls) = (caller.clone(), calls.clone());
        callers.spawn(async move {
            loop {
                match caller.call().await {
                    Ok(_) => calls.fetch_add(1, Ordering::Relaxed),
                    Err(error) => return error,
                };
            }
        });
    }

    let pid = match options.side {
        Side::Server => options.server_pid,
        Side::Client => std::process::id(),
    };
    let now = || {
        let cpu = process::cpu_time(pid);
        (Instant::now(), cpu, calls.load(Ordering::Relaxed))
    };
    let window = async {
        tokio::time::sleep(WARM_UP).await;
        let before = now();
        tokio::time::sleep(Duration::from_secs_f64(options.seconds)).await;
        (before, now())
    };
    let ((start, cpu_start, calls_start), (end, cpu_end, calls_end)) = tokio::select! {
        window = window => window,
        Some(failed) = callers.join_next() => return Err(failed?),
    };
    let made = (calls_end - calls_start) as f64;
    if made == 0.0 {
        return Err("not one call ended while it was measured".into());
    }
    let cpu = cpu_end.zip(cpu_start).map(|(end, start)| end - start);
    Ok(Sample {
        calls_per_second: made / (end - start).as_secs_f64(),
        cpu_micros_per_call: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / made),
        p50_micros: None,
        p99_micros: None,
    })
}

/// Measures a server.
fn generate(options: &Options) -> Result<Sample> {
    let message = lean::message(options.payload_bytes)?;
    let plan = Plan {
        authority: options.address.clone(),
        path: "/bench.v1.Echoes/Echo".to_owned(),
        shape: Shape::Replies { count: 1 },
        request: message.clone(),
        reply: message,
    };
    let load = Load::Closed {
        in_flight: options.in_flight,
    };
    let mut generator = Generator::new(&options.address, options.connections, plan, load)?;
    generator.run(WARM_UP)?;
    generator.reset();
    let (start, before) = (Instant::now(), process::cpu_time(options.server_pid));
    generator.run(Duration::from_secs_f64(options.seconds))?;
    let (time, after) = (start.elapsed(), process::cpu_time(options.server_pid));
    if generator.ended == 0 {
        return Err("not one call ended while it was measured".into());
    }
    let calls = generator.ended as f64;
    let latency = |quantile| generator.latencies.value_at_quantile(quantile) as f64 / 1e3;
    let cpu = after.zip(before).map(|(after, before)| after - before);
    Ok(Sample {
        calls_per_second: calls / time.as_secs_f64(),
        cpu_micros_per_call: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / calls),
        p50_micros: Some(latency(0.5)),
        p99_micros: Some(latency(0.99)),
    })
}
