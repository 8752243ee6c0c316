//! The server's process, and what the kernel says of it.

use crate::{Result, subject::Stack};
use std::{net::SocketAddr, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin, Command},
};

/// A server under test; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    pid: u32,
    _child: Child,
    // Closed with us, however we end: then the server ends, too.
    _input: Option<ChildStdin>,
}

/// What a process uses, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    /// The most since it was last forgotten.
    pub(crate) most: u64,
}

impl Process {
    pub(crate) async fn start(stack: Stack) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", &stack.to_string(), "--until-eof"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        let line = line.ok_or("the server ended before it listened")?;
        let address = line.rsplit(' ').next().unwrap_or_default().parse()?;
        Ok(Self {
            address,
            pid: child.id().ok_or("the server has ended")?,
            _input: child.stdin.take(),
            _child: child,
        })
    }

    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))
            .map_err(|error| format!("the server is gone: {error}"))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            kib.map(|kib| kib << 10)
                .ok_or_else(|| format!("no `{name}` in /proc/{}/status", self.pid))
        };
        Ok(Memory {
            now: bytes("VmRSS:")?,
            most: bytes("VmHWM:")?,
        })
    }

    /// Makes the present use the highest so far.
    pub(crate) fn forget_most(&self) -> Result {
        Ok(std::fs::write(
            format!("/proc/{}/clear_refs", self.pid),
            "5",
        )?)
    }

    /// CPU time used so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let stat = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += stat.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }
}

/// Lets this process, and those it starts, open as many files as it may.
pub(crate) fn raise_open_files() -> Result {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}

/// Lets others have the processor before this thread, as if it were elsewhere.
pub(crate) fn step_back() {
    const NICE: i32 = 10;
    // Whoever may not is measured a little worse, and not wrongly.
    let _ = rustix::process::setpriority_process(None, NICE);
}
