//! gRPC-Web and Connect, bit by bit, over HTTP/1.1 and HTTP/2, and what HTTP/1.1 costs.

#[path = "../common/mod.rs"]
mod common;

mod connect_get;
mod connect_streaming;
mod connect_unary;
mod cors;
mod grpc_web;
mod grpc_web_text;
mod http1;
#[cfg(feature = "json")]
mod json;
mod limits;

use common::{Alive, Gone, Probe, Serving, alive};
use cordial_runtime::Server;

const UNARY: &str = "/test.v1.Probe/Unary";
const SERVER_STREAMING: &str = "/test.v1.Probe/ServerStreaming";

async fn serve(probe: Probe) -> Serving {
    Serving::start(Server::new().add(probe.routes())).await
}

/// A probe whose unary handler never answers, and what tells that it began and that it
/// was dropped.
fn hanging() -> (Probe, Gone, Gone) {
    let (running, gone) = alive();
    let (beginning, begun) = alive();
    let slots = std::sync::Mutex::new(Some((running, beginning)));
    let probe = Probe::echo().unary(move |_| {
        let taken: Option<(Alive, Alive)> = slots.lock().unwrap().take();
        async move {
            let (_running, beginning) = taken.unwrap();
            drop(beginning);
            std::future::pending().await
        }
    });
    (probe, begun, gone)
}
