//! Cordial against stock tonic, both ways round, and tonic's service on our server.
//!
//! Everything tonic here is what tonic's users have: its transport and the stubs
//! that tonic-build makes.

mod ours;
mod stock;
mod theirs;

#[allow(dead_code, missing_docs, unreachable_pub)]
mod pb {
    include!(concat!(env!("OUT_DIR"), "/tonic/_packages.rs"));
    pub use grpc::testing::*;
}

use std::future::Future;

use cordial::Server;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;

/// A server that runs until it is dropped.
struct Running {
    uri: String,
    task: JoinHandle<()>,
}

impl Running {
    async fn ours(server: Server) -> Self {
        let bound = server.bind("127.0.0.1:0").await.unwrap();
        Self::new(bound.uri(), bound.serve())
    }

    async fn stock() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        Self::new(uri, async {
            let server = tonic::transport::Server::builder().add_service(stock::server());
            let incoming = TcpIncoming::from(listener);
            server.serve_with_incoming(incoming).await.unwrap();
        })
    }

    fn new<F: Future<Output = ()> + Send + 'static>(uri: String, serve: F) -> Self {
        let task = tokio::spawn(serve);
        Self { uri, task }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn our_client_and_a_stock_server() {
    let server = Running::stock().await;
    ours::all(&server.uri).await;
}

#[tokio::test]
async fn a_stock_client_and_our_server() {
    let server = Running::ours(interop::server::new().unwrap()).await;
    theirs::all(&server.uri).await;
    theirs::deadline(&server.uri).await;
}

#[tokio::test]
async fn both_clients_and_a_stock_service_on_our_server() {
    let server = Running::ours(Server::new().add_tonic(stock::server())).await;
    ours::all(&server.uri).await;
    theirs::all(&server.uri).await;
    theirs::deadline(&server.uri).await;
}
