//! What the tests share: a service whose handlers each test brings, a server
//! to reach it by, and ways to see that something was dropped.
// Each test binary uses a part of it.
#![allow(dead_code, unused_imports, unreachable_pub)]

pub mod log;
pub mod probe;
pub mod raw;

use cordial_runtime::{Channel, Listen, Server};
use std::{future::Future, time::Duration};
use tokio::{sync::oneshot, task::JoinHandle};

pub use probe::{BIDI, CLIENT_STREAMING, Note, Probe, SERVER_STREAMING, UNARY, note};

/// What ends a test that hangs: far beyond what any needs.
const HANG: Duration = Duration::from_secs(15);

/// What `future` gives; panics if it hangs.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(HANG, future).await {
        Ok(done) => done,
        Err(_) => panic!("nothing came within {HANG:?}"),
    }
}

/// A server on a free port; it is cut when this is dropped.
pub struct Serving {
    pub uri: String,
    pub addresses: Vec<String>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Serving {
    pub async fn start(server: Server) -> Self {
        Self::start_at(server, "127.0.0.1:0").await
    }

    pub async fn start_at(server: Server, address: impl Listen) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let server = server.shutdown_on(async {
            // A sender dropped unused asks for nothing.
            if stopped.await.is_err() {
                std::future::pending().await
            }
        });
        let bound = server.bind(address).await.unwrap();
        Self {
            uri: bound.uri(),
            addresses: bound.addresses().to_vec(),
            stop: Some(stop),
            task: tokio::spawn(bound.serve()),
        }
    }

    pub fn channel(&self) -> Channel {
        Channel::to(&self.uri).unwrap()
    }

    /// `host:port`, for a raw socket.
    pub fn address(&self) -> &str {
        self.uri.split("://").last().unwrap()
    }

    pub fn ask_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until `serve` has returned.
    pub async fn stopped(&mut self) {
        within(&mut self.task).await.unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Lives in what should be dropped.
#[derive(Debug)]
pub struct Alive {
    _sender: oneshot::Sender<()>,
}

/// Tells when its [`Alive`] is no more.
pub struct Gone(oneshot::Receiver<()>);

pub fn alive() -> (Alive, Gone) {
    let (_sender, receiver) = oneshot::channel();
    (Alive { _sender }, Gone(receiver))
}

impl Gone {
    pub async fn wait(self) {
        let _ = within(self.0).await;
    }
}
