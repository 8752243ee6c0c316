//! A process of its own that serves: this test binary again, told to play the
//! server's part of one test.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

const ROLE: &str = "CORDIAL_TEST_SERVES";

/// No test takes as long; a child whose parent was killed ends by itself.
const LIFE_MAX: Duration = Duration::from_secs(60);

/// Whether this process is to serve.
pub fn is_child() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// Serves in the child until it is killed, and tells its parent where.
pub async fn serve(bound: cordial_runtime::Bound) {
    eprintln!("serving at {}", bound.addresses().join(" "));
    tokio::time::timeout(LIFE_MAX, bound.serve()).await.unwrap();
}

pub struct Serves {
    child: Child,
    pub addresses: Vec<String>,
}

impl Serves {
    /// Starts `test` in a process that a shell has prepared with `setup`.
    pub fn start(test: &str, setup: &str, stdin: Stdio, stdout: Stdio) -> Self {
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!("{setup}\nexec \"$0\" \"$@\""))
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(ROLE, "1")
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let addresses = Vec::new();
        let mut serves = Self { child, addresses };
        let mut said = String::new();
        let mut lines = BufReader::new(serves.child.stderr.take().unwrap());
        loop {
            let start = said.len();
            if lines.read_line(&mut said).unwrap() == 0 {
                let ended = serves.child.wait().unwrap();
                panic!("the child ended, {ended}: {said}");
            }
            // A name of the test harness may stand before it.
            if let Some((_, addresses)) = said[start..].split_once("serving at ") {
                let addresses = addresses.split_whitespace().map(str::to_owned);
                serves.addresses = addresses.collect();
                return serves;
            }
        }
    }

    /// How many file descriptors it has open.
    pub fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(folder).unwrap().count()
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Serves {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
