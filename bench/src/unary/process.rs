//! The processes of one measurement: where they run and what CPU they use.

use super::Stack;
use crate::Result;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The two ends of a measurement, and the core each has to itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Server = 0,
    Client = 1,
}

/// Whether there is a core for each end.
pub(crate) fn can_pin() -> bool {
    core_affinity::get_core_ids().is_some_and(|cores| cores.len() > End::Client as usize)
}

/// Keeps this thread, and those it starts later, on the core of `end`.
pub(crate) fn pin(end: End) {
    if can_pin()
        && let Some(cores) = core_affinity::get_core_ids()
    {
        core_affinity::set_for_current(cores[end as usize]);
    }
}

/// What `stack` runs on: of one thread if it is only the other end of who is measured.
pub(crate) fn runtime(stack: Stack, workers: usize) -> Result<Runtime> {
    let mut builder = match stack {
        Stack::Lean => Builder::new_current_thread(),
        Stack::Cordial | Stack::Tonic => Builder::new_multi_thread(),
    };
    Ok(builder.worker_threads(workers).enable_all().build()?)
}

/// The CPU time all threads of a process have used so far; `None` where the
/// system does not say (it is Linux that does, in nanoseconds).
pub(crate) fn cpu_time(pid: u32) -> Option<Duration> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let nanos = threads.map(|thread| {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    nanos.sum::<Option<u64>>().map(Duration::from_nanos)
}
