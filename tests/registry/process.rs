//! A server that a test starts, kills and starts again.

use crate::port::free_port;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// One process on one port, with a directory of its own. It is killed, and its
/// directory removed, when this is dropped.
pub struct Process {
    program: String,
    arguments: Arguments,
    pub directory: PathBuf,
    pub port: u16,
    running: Mutex<Option<Child>>,
}

type Arguments = Box<dyn Fn(&Path, u16) -> Vec<String> + Send + Sync>;

impl Process {
    /// Starts `program`, or what the environment variable `variable` says is there.
    pub fn start(
        program: &str,
        variable: &str,
        arguments: impl Fn(&Path, u16) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        static PROCESSES: AtomicU64 = AtomicU64::new(0);
        let number = PROCESSES.fetch_add(1, Ordering::Relaxed);
        let name = format!("registry-{program}-{}-{number}", std::process::id());
        let process = Self {
            program: std::env::var(variable).unwrap_or_else(|_| program.to_owned()),
            arguments: Box::new(arguments),
            directory: Path::new(env!("CARGO_TARGET_TMPDIR")).join(name),
            port: free_port(),
            running: Mutex::default(),
        };
        process.run();
        process
    }

    /// Starts it where it was, with the data it had.
    pub fn run(&self) {
        fs::create_dir_all(&self.directory).unwrap();
        let log = fs::File::create(self.directory.join("log")).unwrap();
        let started = Command::new(&self.program)
            .args((self.arguments)(&self.directory, self.port))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let started = started.unwrap_or_else(|error| {
            panic!("no `{}` here ({error}): run tests/registries", self.program)
        });
        *self.running.lock().unwrap() = Some(started);
    }

    /// Kills it as `kill -9` does, and waits for its end.
    pub fn kill(&self) {
        if let Some(mut running) = self.running.lock().unwrap().take() {
            running.kill().unwrap();
            running.wait().unwrap();
        }
    }

    #[cfg(any(feature = "etcd", feature = "kubernetes-unversioned", feature = "nats"))]
    pub fn forget_data(&self) {
        fs::remove_dir_all(&self.directory).unwrap();
    }

    /// Sends a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let id = self.running.lock().unwrap().as_ref().unwrap().id();
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(id.to_string())
            .status();
        assert!(sent.unwrap().success());
    }

    /// What it has printed, for tests that fail.
    pub fn log(&self) -> String {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log).into_owned();
        let last: Vec<_> = log.lines().rev().take(20).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
