//! The adaptive limit, in virtual time: a service of ten workers, each call
//! takes one of them for 10 ms, and callers do not care how busy they are.

use crate::common::*;
use cordial_runtime::{Channel, Code, Priority, Request, Server};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, sleep},
};

const WORKERS: usize = 10;
const WORK: Duration = Duration::from_millis(10);
/// Calls a second that can be answered.
const CAPACITY: u64 = 1_000;

struct Service {
    channel: Channel,
    /// How long the work takes now, in microseconds.
    work_micros: Arc<AtomicU64>,
    /// One in so many calls takes five seconds; none if 0.
    slow_every: Arc<AtomicU64>,
}

impl Service {
    /// A service that does so many calls at once, or as many as come.
    fn start(workers: Option<usize>, work: Duration) -> Self {
        let workers = Arc::new(Semaphore::new(workers.unwrap_or(Semaphore::MAX_PERMITS)));
        let work_micros = Arc::new(AtomicU64::new(work.as_micros() as u64));
        let slow_every = Arc::new(AtomicU64::new(0));
        let calls = AtomicU64::new(0);
        let (micros, every) = (work_micros.clone(), slow_every.clone());
        let probe = Probe::echo().unary(move |request| {
            let call = calls.fetch_add(1, SeqCst);
            let slow = call.checked_rem(every.load(SeqCst)) == Some(0);
            let work = match slow {
                true => Duration::from_secs(5),
                false => Duration::from_micros(micros.load(SeqCst)),
            };
            let workers = workers.clone();
            async move {
                let _worker = workers.acquire().await.unwrap();
                sleep(work).await;
                Ok(request.into_inner().into())
            }
        });
        let channel = Server::new().add(probe.routes()).in_process().unwrap();
        Self {
            channel,
            work_micros,
            slow_every,
        }
    }

    /// Every tenth call is critical, and so many of the others sheddable.
    async fn load(&self, calls_per_second: u64, seconds: u64, sheddable_of_ten: u64) -> Outcome {
        self.load_of(calls_per_second, seconds, move |call| match call % 10 {
            0 => Priority::Critical,
            rest if rest <= sheddable_of_ten => Priority::Sheddable,
            _ => Priority::Normal,
        })
        .await
    }

    /// Calls as often as `calls_per_second` says, for so long, whatever comes back.
    async fn load_of(
        &self,
        calls_per_second: u64,
        seconds: u64,
        priority: impl Fn(u64) -> Priority + Send + 'static,
    ) -> Outcome {
        const TICK: Duration = Duration::from_millis(1);
        let begun = Instant::now();
        let (sender, mut ended) = mpsc::channel(1_000);
        let channel = self.channel.clone();
        let calling = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            let mut called = 0;
            for tick in 1..=seconds * 1_000 {
                ticks.tick().await;
                while called < tick * calls_per_second / 1_000 {
                    tokio::spawn(call(channel.clone(), priority(called), sender.clone()));
                    called += 1;
                }
            }
        });
        let mut outcome = Outcome::default();
        while let Some((priority, code, took)) = ended.recv().await {
            let one = &mut outcome.0[priority as usize];
            match code {
                Code::Ok => one.latencies.push(took),
                Code::Unavailable => one.shed += 1,
                other => panic!("{priority:?}: {other:?}"),
            }
        }
        calling.await.unwrap();
        outcome.1 = begun.elapsed();
        outcome
    }
}

async fn call(
    channel: Channel,
    priority: Priority,
    ended: mpsc::Sender<(Priority, Code, Duration)>,
) {
    let begun = Instant::now();
    let mut request = Request::new(note(""));
    priority.insert(request.metadata_mut());
    let code = match channel.unary(UNARY, request).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    };
    let _ = ended.send((priority, code, begun.elapsed())).await;
}

#[derive(Debug, Default)]
struct Outcome([OfPriority; 3], Duration);

#[derive(Debug, Default)]
struct OfPriority {
    latencies: Vec<Duration>,
    shed: usize,
}

impl OfPriority {
    fn answered(&self) -> usize {
        self.latencies.len()
    }
}

impl Outcome {
    fn of(&self, priority: Priority) -> &OfPriority {
        &self.0[priority as usize]
    }

    fn answered_per_second(&self) -> f64 {
        let answered: usize = self.0.iter().map(OfPriority::answered).sum();
        answered as f64 / self.1.as_secs_f64()
    }

    fn shed(&self) -> usize {
        self.0.iter().map(|one| one.shed).sum()
    }

    /// How long that share of the answered calls took at most.
    fn quantile(&self, share: f64) -> Duration {
        let of_all = self.0.iter().flat_map(|one| one.latencies.clone());
        let mut latencies: Vec<_> = of_all.collect();
        latencies.sort();
        let last = latencies.len().saturating_sub(1);
        latencies[(last as f64 * share) as usize]
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, p99) = (self.quantile(0.5), self.quantile(0.99));
        let rate = self.answered_per_second();
        write!(
            f,
            "{rate:.0} answered a second, p50 {median:?}, p99 {p99:?}"
        )?;
        for priority in Priority::ALL {
            let one = self.of(priority);
            let (answered, shed) = (one.answered(), one.shed);
            write!(f, "; {}: {answered} answered, {shed} shed", priority.name())?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn five_times_the_load_is_answered_at_full_speed() {
    let service = Service::start(Some(WORKERS), WORK);
    let calm = service.load(CAPACITY * 8 / 10, 3, 0).await;
    assert_eq!(calm.shed(), 0, "of {calm}");
    let start = service.load(CAPACITY * 5, 2, 3).await;
    let on = service.load(CAPACITY * 5, 8, 3).await;
    println!("calm {calm}\nat first {start}\nfrom then on {on}");
    // Critical calls are half of what can be answered: all of them pass.
    assert_eq!(start.of(Priority::Critical).shed, 0, "{start}");
    assert_eq!(on.of(Priority::Critical).shed, 0, "{on}");
    assert!(on.of(Priority::Normal).answered() > 0, "{on}");
    assert!(on.of(Priority::Sheddable).answered() < 100, "{on}");
    // What is left is answered as fast as ever, and soon.
    assert!(on.answered_per_second() > 0.9 * CAPACITY as f64, "{on}");
    assert!(on.quantile(0.99) < 15 * WORK, "{on}");
    let after = service.load(CAPACITY * 8 / 10, 3, 3).await;
    assert_eq!(after.shed(), 0, "of {after}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_starts_in_the_flood_learns_what_it_can_do() {
    let service = Service::start(Some(WORKERS), WORK);
    service.load(CAPACITY * 5, 5, 3).await;
    let on = service.load(CAPACITY * 5, 5, 3).await;
    println!("{on}");
    assert!(on.answered_per_second() > 0.9 * CAPACITY as f64, "{on}");
    assert!(on.quantile(0.99) < 20 * WORK, "{on}");
}

/// All critical: none can be preferred, and still the queue stays short.
#[tokio::test(start_paused = true)]
async fn what_is_all_critical_is_shed_all_the_same() {
    let service = Service::start(Some(WORKERS), WORK);
    service
        .load_of(CAPACITY / 2, 3, |_| Priority::Critical)
        .await;
    service
        .load_of(CAPACITY * 5, 3, |_| Priority::Critical)
        .await;
    let on = service
        .load_of(CAPACITY * 5, 8, |_| Priority::Critical)
        .await;
    println!("{on}");
    assert!(on.answered_per_second() > 0.9 * CAPACITY as f64, "{on}");
    // They wait a queue's time, and what the limit allows.
    assert!(on.quantile(0.99) < 20 * WORK, "{on}");
}

#[tokio::test(start_paused = true)]
async fn calls_that_take_long_are_not_shed_for_it() {
    let service = Service::start(None, Duration::from_secs(10));
    let outcome = service.load(200, 20, 3).await;
    assert_eq!(outcome.shed(), 0, "of {outcome}");
}

#[tokio::test(start_paused = true)]
async fn one_slow_call_in_a_hundred_is_no_overload() {
    let service = Service::start(None, Duration::from_millis(1));
    service.slow_every.store(100, SeqCst);
    let outcome = service.load(1_000, 10, 3).await;
    assert_eq!(outcome.shed(), 0, "of {outcome}");
}

/// A dependency that has become slower for good, and has room for all the same.
#[tokio::test(start_paused = true)]
async fn what_has_become_slower_is_usual_after_a_while() {
    let service = Service::start(None, Duration::from_millis(10));
    service.load(500, 3, 3).await;
    service.work_micros.store(400_000, SeqCst);
    let at_first = service.load(500, 20, 3).await;
    let on = service.load(500, 10, 3).await;
    println!("at first {at_first}\nfrom then on {on}");
    assert_eq!(on.shed(), 0, "of {on}; at first {at_first}");
}
