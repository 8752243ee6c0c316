//! The contract over Consul, and what only Consul can do. `tests/registries` builds it.

mod agent;
mod answers;
mod own;

use crate::process::Process;
use cordial::{Listing, Registry, open_registry};
use registry_contract::Harness;
use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// A Consul of its own: an agent that is its cluster's only server.
struct Consul(Process);

/// In memory, and quick to be its own leader.
fn arguments(_: &Path, port: u16) -> Vec<String> {
    // Its other ports are those of an address of its own.
    let own = format!("-bind=127.{}.{}.1", port >> 8, port & 0xff);
    let http = format!("-http-port={port}");
    let limits = "limits { http_max_conns_per_client = 2000 }";
    [
        "agent",
        "-dev",
        &own,
        "-client=127.0.0.1",
        &http,
        "-grpc-port=-1",
        "-grpc-tls-port=-1",
        "-dns-port=-1",
        "-serf-wan-port=-1",
        "-log-level=warn",
        "-hcl=connect { enabled = false }",
        &format!("-hcl={limits}"),
    ]
    .map(str::to_owned)
    .into()
}

impl Consul {
    async fn begin(arguments: fn(&Path, u16) -> Vec<String>) -> Self {
        let consul = Self(Process::start("consul", "CONSUL", arguments));
        consul.ready().await;
        consul
    }

    /// Waits until it has a leader, and has listed itself.
    async fn ready(&self) {
        let ready = async {
            while !self.is_ready() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        let became = timeout(Duration::from_secs(60), ready).await;
        assert!(became.is_ok(), "Consul does not answer:\n{}", self.0.log());
    }

    fn is_ready(&self) -> bool {
        let listed = ask(self.0.port, "GET", "/v1/catalog/service/consul", "");
        listed.is_ok_and(|(status, listed)| status == 200 && listed.contains("ServiceID"))
    }

    /// What it answers an administrator.
    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let (status, answer) = ask(self.0.port, method, path, body).unwrap();
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    fn open(&self) -> Arc<dyn Registry> {
        open_registry(&format!("consul://127.0.0.1:{}", self.0.port)).unwrap()
    }
}

/// The management token of those that have tokens at all.
const ROOT: &str = "3c6e1c1e-7d54-4a4a-9a3b-1f6f4a0c9d11";

/// One request over a connection of its own.
fn ask(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nX-Consul-Token: {ROOT}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok((status.unwrap_or_default(), body.to_owned()))
}

/// The ids of what its agent has registered, as it spells them.
fn registered(agent: &str) -> Vec<String> {
    let services: serde_json::Value = serde_json::from_str(agent).unwrap();
    let services = services.as_object().unwrap();
    services.keys().cloned().collect()
}

impl Harness for Consul {
    const LEASE: Duration = Duration::from_secs(1);
    /// An agent that has just found its servers hands on nothing for up to 3 s.
    const SLACK: Duration = Duration::from_secs(4);

    async fn start() -> Self {
        Self::begin(arguments).await
    }

    fn client(&self) -> Arc<dyn Registry> {
        self.open()
    }

    async fn wipe(&self) {
        for id in registered(&self.ask("GET", "/v1/agent/services", "")) {
            self.ask("PUT", &format!("/v1/agent/service/deregister/{id}"), "");
        }
    }

    async fn cut(&self) {
        self.0.kill();
    }

    async fn mend(&self) {
        self.0.run();
        self.ready().await;
    }

    async fn restart_empty(&self) {
        self.0.kill();
        self.mend().await;
    }

    async fn write_rubbish(&self, service: &str) -> bool {
        let rubbish = format!(
            r#"{{"ID": "rubbish", "Name": "{service}", "Check":
                {{"CheckID": "cordial:rubbish", "TTL": "60s", "Status": "passing", "Notes": "{{nope"}}}}"#
        );
        self.ask("PUT", "/v1/agent/service/register", &rubbish);
        true
    }
}

registry_contract::suite!(Consul);

fn ids(listing: &Listing) -> Vec<&str> {
    listing.instances().iter().map(|one| &*one.id).collect()
}
