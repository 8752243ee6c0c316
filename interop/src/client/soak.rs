//! Large calls, one after another.

use std::time::{Duration, Instant};

use cordial::Channel;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::target::Target;
use super::{Failure, Outcome, request};
use crate::flag::Soak;
use crate::grpc::testing::{SimpleRequest, TestServiceClient};

pub(super) async fn one_channel(soak: &Soak, channel: Channel) -> Outcome {
    run(soak, move || Ok(channel.clone())).await
}

pub(super) async fn many_channels(soak: &Soak, target: Target) -> Outcome {
    run(soak, move || target.channel()).await
}

/// What the calls of one task came to.
#[derive(Debug, Default)]
struct Tally {
    made: u32,
    failures: u32,
    slowest: Duration,
    last_failure: String,
}

async fn run<F>(soak: &Soak, channel: F) -> Outcome
where
    F: Fn() -> Result<Channel, Failure> + Clone + Send + Sync + 'static,
{
    let tasks = soak.soak_num_threads.max(1);
    if !soak.soak_iterations.is_multiple_of(tasks) {
        return Err(Failure::new(format!(
            "--soak_iterations={} cannot be shared evenly by --soak_num_threads={tasks}",
            soak.soak_iterations
        )));
    }
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        running.spawn(task(
            soak.clone(),
            soak.soak_iterations / tasks,
            channel.clone(),
        ));
    }
    let mut all = Tally::default();
    while let Some(tally) = running.join_next().await {
        let tally = tally.map_err(|error| Failure::new(format!("a task died: {error}")))?;
        all.add(tally);
    }
    all.judge(soak)
}

async fn task<F>(soak: Soak, calls: u32, channel: F) -> Tally
where
    F: Fn() -> Result<Channel, Failure> + Send + Sync,
{
    let mut tally = Tally::default();
    let calling = async {
        let mut pace = interval(soak.pace().max(Duration::from_nanos(1)));
        for _ in 0..calls {
            pace.tick().await;
            let start = Instant::now();
            let result = call(&soak, &channel).await;
            tally.count(result, start.elapsed(), soak.latency_max());
        }
    };
    // What was not made by then is missing in the tally.
    let _ = timeout(soak.timeout(), calling).await;
    tally
}

async fn call(soak: &Soak, channel: impl Fn() -> Result<Channel, Failure>) -> Outcome {
    let service = TestServiceClient::new(channel()?);
    let payload = request::payload(usize::try_from(soak.soak_request_size).unwrap_or(0));
    let request = SimpleRequest {
        payload,
        response_size: soak.soak_response_size,
        ..SimpleRequest::default()
    };
    let response = service.unary_call(request).await?.into_inner();
    let got = request::size(response.payload);
    super::failure::equal(
        got as i64,
        i64::from(soak.soak_response_size),
        "payload bytes",
    )
}

impl Tally {
    fn count(&mut self, result: Outcome, took: Duration, latency_max: Duration) {
        self.made += 1;
        self.slowest = self.slowest.max(took);
        let failure = match result {
            Err(failure) => failure.to_string(),
            Ok(()) if took > latency_max => format!("took {took:?}, more than {latency_max:?}"),
            Ok(()) => return,
        };
        self.failures += 1;
        self.last_failure = failure;
    }

    fn add(&mut self, other: Self) {
        self.made += other.made;
        self.failures += other.failures;
        self.slowest = self.slowest.max(other.slowest);
        if !other.last_failure.is_empty() {
            self.last_failure = other.last_failure;
        }
    }

    fn judge(&self, soak: &Soak) -> Outcome {
        if self.made == soak.soak_iterations && self.failures <= soak.soak_max_failures {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{} of {} calls made, {} failed or late (slowest {:?}); the last failure: {}",
            self.made, soak.soak_iterations, self.failures, self.slowest, self.last_failure
        )))
    }
}
