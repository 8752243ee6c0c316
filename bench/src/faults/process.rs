//! A server's process: started, killed, stopped, let go on.

use super::{Stack, Version};
use crate::Result;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long a server may take to begin, and to end when asked.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) stack: Stack,
    pub(super) address: String,
    pub(super) places: Option<usize>,
    pub(super) next: Option<String>,
    /// Who tells clients of it.
    pub(super) registry: Option<String>,
    pub(super) version: Version,
}

impl Place {
    pub(super) fn new(stack: Stack, address: String) -> Self {
        Self {
            stack,
            address,
            places: None,
            next: None,
            registry: None,
            version: Version::New,
        }
    }
}

/// One server; killed when dropped.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    /// A server that listens already.
    pub(super) async fn start(place: &Place, log: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["faults", "serve", "--stack", &place.stack.name()]);
        command.args(["--address", &place.address]);
        command.arg("--log").arg(log);
        if let Some(places) = place.places {
            command.args(["--places", &places.to_string()]);
        }
        if let Some(next) = &place.next {
            command.args(["--next", next]);
        }
        if let Some(registry) = &place.registry {
            command.args(["--registry", registry]);
        }
        if place.version == Version::Old {
            command.arg("--old");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take();
        let process = Self(child);
        let stdout = stdout.ok_or("no standard output")?;
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line)?;
            Ok::<_, std::io::Error>(line)
        });
        match tokio::time::timeout(PATIENCE, line).await???.as_str() {
            "listening\n" => Ok(process),
            _ => Err(format!("no server at {}: {command:?}", place.address).into()),
        }
    }

    fn signal(&self, signal: Signal) -> Result {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }

    /// SIGKILL; from when on it may have come.
    pub(super) fn kill(mut self) -> Result<Instant> {
        let killed = Instant::now();
        self.signal(Signal::KILL)?;
        self.0.wait()?;
        Ok(killed)
    }

    /// SIGSTOP: it is there, and does nothing.
    pub(super) fn stop(&self) -> Result {
        self.signal(Signal::STOP)
    }

    /// SIGCONT
    pub(super) fn go_on(&self) -> Result {
        self.signal(Signal::CONT)
    }

    /// SIGTERM, and until it has ended; how long that took. `None` if it took too
    /// long and was killed.
    pub(super) async fn end(mut self) -> Result<Option<Duration>> {
        self.signal(Signal::TERM)?;
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if self.0.try_wait()?.is_some() {
                return Ok(Some(asked.elapsed()));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(None)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended was waited for, and is not killed again.
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("bench: cannot end a server: {error}");
        }
    }
}
