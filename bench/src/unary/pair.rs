//! A server and a client, each a process of its own, for one measurement.

use super::{Side, Stack, load::Sample};
use crate::Result;
use clap::ValueEnum;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// One measurement to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) side: Side,
    /// Who is measured.
    pub(crate) stack: Stack,
    pub(crate) workers: usize,
    pub(crate) payload_bytes: usize,
    pub(crate) in_flight: usize,
    pub(crate) connections: usize,
    pub(crate) seconds: f64,
}

impl Pair {
    /// Starts both, lets the client call, and ends both.
    pub(crate) fn measure(self) -> Result<Sample> {
        let (server, client) = match self.side {
            Side::Server => (self.stack, Stack::Lean),
            Side::Client => (Stack::Lean, self.stack),
        };
        let workers = self.workers.to_string();
        let mut serve = itself("serve")?;
        serve.args(["--stack", &name(server), "--workers", &workers]);
        let server = Running::start(serve)?;

        let mut load = itself("load")?;
        load.args(["--stack", &name(client), "--workers", &workers])
            .args(["--address", &server.address, "--side", &name(self.side)])
            .args(["--server-pid", &server.child.id().to_string()])
            .args(["--payload-bytes", &self.payload_bytes.to_string()])
            .args(["--in-flight", &self.in_flight.to_string()])
            .args(["--connections", &self.connections.to_string()])
            .args(["--seconds", &self.seconds.to_string()]);
        let output = load.stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("the client failed: {load:?}").into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

fn itself(subcommand: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(subcommand);
    Ok(command)
}

fn name(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// A server's process, ended when dropped.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(mut command: Command) -> Result<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = Self {
            child: child.spawn()?,
            address: String::new(),
        };
        let stdout = server.child.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut server.address)?;
        server.address.truncate(server.address.trim_end().len());
        match server.address.is_empty() {
            true => Err(format!("the server failed: {command:?}").into()),
            false => Ok(server),
        }
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
