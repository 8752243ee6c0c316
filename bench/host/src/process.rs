//! Where a process runs, and what it uses.

use crate::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;

/// The two ends of a measurement, and the core each has to itself.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// On the first core.
    Server = 0,
    /// On the second core.
    Client = 1,
}

/// Whether there is a core for each end.
pub fn can_pin() -> bool {
    core_affinity::get_core_ids().is_some_and(|cores| cores.len() > End::Client as usize)
}

/// Keeps this thread, and those it starts later, on the core of `end`.
pub fn pin(end: End) {
    if can_pin()
        && let Some(cores) = core_affinity::get_core_ids()
    {
        core_affinity::set_for_current(cores[end as usize]);
    }
}

/// As many open files as the system allows this process; how many these are.
///
/// # Errors
/// When the system does not let it.
pub fn raise_file_limit() -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// The CPU time all threads of a process have used so far; `None` where the
/// system does not say (it is Linux that does, in nanoseconds).
pub fn cpu_time(pid: u32) -> Option<Duration> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let nanos = threads.map(|thread| {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    nanos.sum::<Option<u64>>().map(Duration::from_nanos)
}

/// The memory a process holds; `None` where the system does not say.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}
