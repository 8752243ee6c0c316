//! A registry of many instances that change all the time.

use super::*;
use crate::{
    faults::{
        cluster::{Scratch, free_address},
        crowd::{Caller, Spent},
        discovery::SERVICE,
        process::{Place, Process},
    },
    stats,
};
use cordial::{Instance, Registry, open_registry};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::task::{JoinHandle, block_in_place};

const INSTANCES: usize = 1_000;
const CHANGES_PER_SECOND: u32 = 100;
/// Longer than nobody renews.
const LEASE: Duration = Duration::from_secs(300);
/// Until nobody does anything about what changed last.
const SETTLES: Duration = Duration::from_secs(3);
const CPU_PERCENT_MAX: f64 = 2.0;
/// What the client's CPU for a call may grow by: what the changes cost, and noise.
const CALL_COST_MAX: f64 = 1.1;

/// The instances, all of one server, and who changes them.
struct Crowd {
    registry: Arc<dyn Registry>,
    instances: Vec<Instance>,
    changes: Arc<Changes>,
}

#[derive(Default)]
struct Changes {
    are_made: AtomicBool,
    stopped: AtomicBool,
    count: AtomicU64,
}

impl Crowd {
    async fn register(url: &str, port: &str) -> Result<Self> {
        let registry = open_registry(url)?;
        let mut instances = Vec::new();
        for nth in 0..INSTANCES {
            // All of 127.0.0.0/8 is this machine.
            let address = format!("127.0.{}.{}:{port}", 1 + nth / 250, 1 + nth % 250);
            let instance = Instance::new(SERVICE, format!("crowd-{nth}"), address.parse()?);
            registry.register(&instance, LEASE).await?;
            instances.push(instance);
        }
        Ok(Self {
            registry,
            instances,
            changes: Arc::default(),
        })
    }

    /// Changes one weight after another while that is asked for; then deregisters all.
    async fn live(mut self) -> Result {
        let step = Duration::from_secs(1) / CHANGES_PER_SECOND;
        let mut due = Instant::now();
        let mut turn = 0;
        while !self.changes.stopped.load(Ordering::Relaxed) {
            due = (due + step).max(Instant::now() - SECOND);
            tokio::time::sleep_until(due.into()).await;
            if self.changes.are_made.load(Ordering::Relaxed) {
                let instance = &mut self.instances[turn % INSTANCES];
                instance.weight = 3 - instance.weight;
                self.registry.register(instance, LEASE).await?;
                self.changes.count.fetch_add(1, Ordering::Relaxed);
                turn += 1;
            }
        }
        for instance in &self.instances {
            self.registry.deregister(instance).await?;
        }
        Ok(())
    }
}

/// One round: at rest and calling, while nothing changes and while much does.
struct Round {
    still: [Spent; 2],
    changing: [Spent; 2],
    changes: f64,
}

impl Round {
    fn of(caller: &mut Caller, changes: &Changes, span: Duration) -> Result<Self> {
        let mut spend = |changing: bool| -> Result<[Spent; 2]> {
            changes.are_made.store(changing, Ordering::Relaxed);
            std::thread::sleep(SETTLES);
            Ok([caller.rest(span)?, caller.call(span)?])
        };
        let still = spend(false)?;
        let (began, before) = (Instant::now(), changes.count.load(Ordering::Relaxed));
        let changing = spend(true)?;
        let made = changes.count.load(Ordering::Relaxed) - before;
        Ok(Self {
            still,
            changing,
            changes: made as f64 / began.elapsed().as_secs_f64(),
        })
    }
}

pub(super) async fn run(trial: &Trial) -> Result<Found> {
    let began = Instant::now();
    let url = trial.discovery.url();
    let address = free_address()?;
    let port = address.rsplit(':').next().unwrap_or_default();
    let scratch = Scratch::new()?;
    let place = Place::new(Stack::Cordial, format!("0.0.0.0:{port}"));
    let _server = Process::start(&place, &scratch.path().join("log")).await?;
    trial.says("registers 1,000 instances");
    let crowd = Crowd::register(url, port).await?;
    let changes = crowd.changes.clone();
    let living: JoinHandle<Result> = tokio::spawn(crowd.live());
    trial.says("starts the client");
    let (rounds, span) = (if trial.quick { 2 } else { 5 }, trial.seconds(4, 2));
    let rounds = block_in_place(|| {
        let mut caller = Caller::start(url)?;
        // Until it is connected to all.
        caller.call(trial.seconds(5, 3))?;
        (0..rounds)
            .map(|_| Round::of(&mut caller, &changes, span))
            .collect::<Result<Vec<_>>>()
    });
    changes.stopped.store(true, Ordering::Relaxed);
    living.await??;
    Ok(found(began, &[], figures(&rounds?)))
}

fn figures(rounds: &[Round]) -> Vec<Figure> {
    let percent = |spent: &Spent| spent.cpu.as_secs_f64() / spent.wall.as_secs_f64() * 100.0;
    let cost = |spent: &Spent| spent.cpu.as_secs_f64() * 1e6 / spent.calls as f64;
    let median = |of: &dyn Fn(&Round) -> f64| stats::median(rounds.iter().map(of));
    let ratio = median(&|round| cost(&round.changing[1]) / cost(&round.still[1]));
    let all = || {
        rounds
            .iter()
            .flat_map(|round| [round.still[1], round.changing[1]])
    };
    let made: u64 = all().map(|spent| spent.calls).sum();
    let failed: u64 = all().map(|spent| spent.failed).sum();
    let still = median(&|round| percent(&round.still[0]));
    let changing = median(&|round| percent(&round.changing[0]));
    let a_second = median(&|round| round.changes);
    let cpu = Figure::new("client's CPU, of a core", "%", changing);
    let failed = Figure::count("failed", "calls", failed as usize);
    vec![
        Figure::count("calls made", "calls", made as usize),
        failed.at_most(0.0),
        Figure::new("changes", "a second", a_second).at_least(f64::from(CHANGES_PER_SECOND) * 0.95),
        Figure::new("client's CPU without changes", "%", still),
        cpu.at_most(CPU_PERCENT_MAX),
        Figure::new("CPU of a call / without changes", "x", ratio).at_most(CALL_COST_MAX),
    ]
}
