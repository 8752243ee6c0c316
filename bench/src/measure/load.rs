//! The client's process: calls, and counts.

use super::{Side, Workload};
use crate::{
    Result,
    generator::{Generator, Load},
    stacks::{Stack, caller::Caller, cordial::Ours, tonic::Theirs},
};
use bench_host::{End, Threads};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// What one client's process is told to do, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) workload: Workload,
    /// Who calls, where the client is measured.
    pub(crate) stack: Stack,
    pub(crate) workers: usize,
    pub(crate) address: String,
    pub(crate) control: String,
    pub(crate) server_pid: u32,
    pub(crate) seconds: f64,
}

/// What one measurement found.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Messages that came back, a second: of unary calls, calls.
    pub(crate) per_second: f64,
    /// CPU time of who is measured, for each of them; `None` where the system does not say.
    pub(crate) cpu_micros: Option<f64>,
    /// Calls that failed, a second; they count nowhere else.
    pub(crate) failed_per_second: f64,
    /// How much of a core the generator used; of servers.
    pub(crate) generator_busy: Option<f64>,
    /// Half of the calls took no longer.
    pub(crate) p50_micros: Option<f64>,
    /// 99 of 100 took no longer.
    pub(crate) p99_micros: Option<f64>,
    /// Allocations of the server for each of them, and their bytes.
    pub(crate) allocations: Option<f64>,
    pub(crate) allocated_bytes: Option<f64>,
}

/// Calls made before anything is measured take this part of what is measured,
/// and those whose allocations are counted afterwards, that part.
const WARM_UP: f64 = 0.4;
const COUNTED: f64 = 0.2;
const WARM_UP_MIN: Duration = Duration::from_millis(200);
const COUNTED_MIN: Duration = Duration::from_millis(100);

/// Prints one [`Sample`].
pub(crate) fn run(job: &str) -> Result {
    let job: Job = serde_json::from_str(job)?;
    bench_host::raise_file_limit()?;
    bench_host::pin(End::Client);
    let sample = match job.workload.side {
        Side::Server => generate(&job),
        Side::Client => {
            let runtime = Threads::Workers(job.workers).runtime()?;
            let (address, bytes) = (&job.address, job.workload.payload.bytes());
            runtime.block_on(async {
                match job.stack {
                    Stack::Cordial => call(Ours::to(address, bytes)?, &job).await,
                    Stack::Tonic => call(Theirs::to(address, bytes)?, &job).await,
                    stack => Err(format!("{stack:?} has no client to measure").into()),
                }
            })
        }
    }?;
    println!("{}", serde_json::to_string(&sample)?);
    Ok(())
}

impl Job {
    fn part(&self, part: f64, least: Duration) -> Duration {
        Duration::from_secs_f64(self.seconds * part).max(least)
    }
}

/// Measures a server.
fn generate(job: &Job) -> Result<Sample> {
    let mut generator = Generator::new(&job.address, &job.workload.sources()?)?;
    generator.run(job.part(WARM_UP, WARM_UP_MIN))?;
    generator.reset();
    let pids = [job.server_pid, std::process::id()];
    let (start, before) = (Instant::now(), pids.map(bench_host::cpu_time));
    generator.run(Duration::from_secs_f64(job.seconds))?;
    let (time, after) = (start.elapsed(), pids.map(bench_host::cpu_time));
    generator.count_unfinished();
    let all = |generator: &Generator| -> u64 {
        generator.tallies.iter().map(|tally| tally.messages).sum()
    };
    let (tally, messages) = (&generator.tallies[0], all(&generator) as f64);
    if tally.messages == 0 {
        return Err("nothing came back while it was measured".into());
    }
    let latency = |quantile| {
        let nanos = tally.latencies.value_at_quantile(quantile);
        (!tally.latencies.is_empty()).then_some(nanos as f64 / 1e3)
    };
    let used = |end: usize| Some((after[end]? - before[end]?).as_secs_f64());
    let mut sample = Sample {
        per_second: tally.messages as f64 / time.as_secs_f64(),
        failed_per_second: tally.failed as f64 / time.as_secs_f64(),
        cpu_micros: used(0).map(|cpu| cpu * 1e6 / messages),
        generator_busy: used(1).map(|cpu| cpu / time.as_secs_f64()),
        p50_micros: latency(0.5),
        p99_micros: latency(0.99),
        allocations: None,
        allocated_bytes: None,
    };
    generator.reset();
    let time = job.part(COUNTED, COUNTED_MIN);
    let ((), counted) = bench_host::count(&job.control, || generator.run(time))?;
    let messages = all(&generator) as f64;
    if messages > 0.0 {
        sample.allocations = Some(counted.allocations as f64 / messages);
        sample.allocated_bytes = Some(counted.bytes as f64 / messages);
    }
    Ok(sample)
}

/// Measures a client.
async fn call(mut caller: impl Caller, job: &Job) -> Result<Sample> {
    let bytes = job.workload.payload.bytes();
    let got = caller.call().await?;
    if got != bytes {
        return Err(format!("{got} bytes came back of {bytes}").into());
    }
    let Load::InFlight(in_flight) = job.workload.load else {
        return Err("clients are measured with calls in flight only".into());
    };
    let calls = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..in_flight {
        let (mut caller, calls) = (caller.clone(), calls.clone());
        callers.spawn(async move {
            loop {
                match caller.call().await {
                    Ok(got) if got == bytes => calls.fetch_add(1, Ordering::Relaxed),
                    Ok(got) => return format!("{got} bytes came back of {bytes}").into(),
                    Err(error) => return error,
                };
            }
        });
    }
    let now = || {
        let cpu = bench_host::cpu_time(std::process::id());
        (Instant::now(), cpu, calls.load(Ordering::Relaxed))
    };
    let window = async {
        tokio::time::sleep(job.part(WARM_UP, WARM_UP_MIN)).await;
        let before = now();
        tokio::time::sleep(Duration::from_secs_f64(job.seconds)).await;
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
        per_second: made / (end - start).as_secs_f64(),
        failed_per_second: 0.0,
        cpu_micros: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / made),
        generator_busy: None,
        p50_micros: None,
        p99_micros: None,
        allocations: None,
        allocated_bytes: None,
    })
}
