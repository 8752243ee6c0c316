//! A server and a client, each a process of its own, for one measurement.

use super::{
    Side, Workload,
    load::{Job, Sample},
};
use crate::{Result, stacks::Stack};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// Starts both, lets the client call, and ends both.
pub(super) fn measure(
    workload: Workload,
    stack: Stack,
    workers: usize,
    seconds: f64,
) -> Result<Sample> {
    let server = match workload.side {
        Side::Server => stack,
        Side::Client => Stack::Floor,
    };
    let server = Running::start(server.server(workers)?)?;
    let job = Job {
        workload,
        stack,
        workers,
        address: server.address.clone(),
        control: server.control.clone(),
        server_pid: server.pid(),
        seconds,
    };
    let mut load = Command::new(std::env::current_exe()?);
    load.arg("load").arg(serde_json::to_string(&job)?);
    let output = load.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        let name = workload.name();
        return Err(format!("{name}: the client failed against {}", stack.name()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A server's process, ended when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pub(crate) address: String,
    control: String,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Self {
            child: child.spawn()?,
            address: String::new(),
            control: String::new(),
        };
        let stdout = server.child.stdout.take().ok_or("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some((address, control)) = line.trim_end().split_once(' ') else {
            return Err(format!("the server failed: {command:?}").into());
        };
        (server.address, server.control) = (address.to_owned(), control.to_owned());
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let killed = self.child.kill().and_then(|()| self.child.wait());
        if let Err(error) = killed {
            eprintln!("bench: cannot end a server: {error}");
        }
    }
}
