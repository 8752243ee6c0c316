//! A server that is told to stop has stopped within its grace and half a second,
//! whatever a peer does or leaves undone, and a good call in flight then ends well.
//!
//! Each state is tried once; `DRAIN_RUNS=20 cargo test -p cordial-runtime --test
//! drain` tries each twenty times.
#![cfg(feature = "tls")]

// The tests of TLS use the rest of it.
#[allow(dead_code)]
#[path = "../tls/certificates.rs"]
mod certificates;
#[path = "../common/mod.rs"]
mod common;

mod http1;
mod http2;
mod silent;
mod tls;

use certificates::Authority;
use common::{raw::*, *};
use cordial_runtime::{Channel, ClientTls, Limits, Response, Server, ServerTls};
use futures_util::{StreamExt, stream};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
};

const GRACE: Duration = Duration::from_millis(500);
/// What closing takes, on a machine that does other work too.
const SLACK: Duration = Duration::from_millis(500);
/// How long the good call goes on once the server was told to stop.
const WORK: Duration = Duration::from_millis(150);
/// What a handler is asked that only ends when it is let.
const GOOD: &str = "good";
const REPLY_BYTES: usize = 1 << 20;

/// A server in whose sight something is going wrong.
struct Site {
    serving: Serving,
    authority: Option<Authority>,
    /// Which handlers began, by the path's last part, or `GOOD`.
    began: tokio::sync::Mutex<mpsc::Receiver<&'static str>>,
    finish: watch::Sender<bool>,
}

impl Site {
    async fn open(with_tls: bool) -> Self {
        let (begin, began) = mpsc::channel(16);
        let (finish, finished) = watch::channel(false);
        let limits = Limits::default().with_drain_grace(GRACE);
        let server = Server::new()
            .limits(limits)
            .add(probe(begin, finished).routes());
        let authority = with_tls.then(Authority::new);
        let server = match &authority {
            Some(authority) => {
                let pem = authority.server("localhost");
                server.tls(ServerTls::new(pem.chain.as_bytes(), pem.key.as_bytes()).unwrap())
            }
            None => server,
        };
        Self {
            serving: Serving::start(server).await,
            authority,
            began: began.into(),
            finish,
        }
    }

    fn channel(&self) -> Channel {
        let Some(authority) = &self.authority else {
            return self.serving.channel();
        };
        let port = self.serving.address().rsplit(':').next().unwrap();
        let tls = ClientTls::new()
            .with_roots(authority.pem().as_bytes())
            .unwrap();
        Channel::to(format!("https://localhost:{port}"))
            .unwrap()
            .with_tls(tls)
    }

    async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.serving.address()).await.unwrap()
    }

    /// Waits for the handler of that name.
    async fn began(&self, name: &str) {
        let began = within(async { self.began.lock().await.recv().await }).await;
        assert_eq!(began, Some(name));
    }
}

/// Handlers that say when they begin. Unary: a large reply, and for a good call
/// its own text once it is let. Client streaming: reads. Server streaming: never ends.
fn probe(begin: mpsc::Sender<&'static str>, finished: watch::Receiver<bool>) -> Probe {
    let begin = Arc::new(begin);
    let (unary, reading) = (begin.clone(), begin.clone());
    Probe::echo()
        .unary(move |request| {
            let (begin, mut finished) = (unary.clone(), finished.clone());
            async move {
                let mut reply = request.into_inner();
                if reply.text == GOOD {
                    begin.send(GOOD).await.unwrap();
                    finished.wait_for(|finished| *finished).await.unwrap();
                } else {
                    begin.send("Unary").await.unwrap();
                    reply.payload = vec![1; REPLY_BYTES];
                }
                Ok(reply.into())
            }
        })
        .client_streaming(move |request| {
            let begin = reading.clone();
            async move {
                begin.send("ClientStreaming").await.unwrap();
                let mut notes = request.into_inner();
                while notes.message().await?.is_some() {}
                Ok(note("").into())
            }
        })
        .server_streaming(move |_| {
            let begin = begin.clone();
            async move {
                begin.send("ServerStreaming").await.unwrap();
                let replies = stream::repeat_with(|| {
                    Ok(Note {
                        payload: vec![1; 100_000],
                        ..Note::default()
                    })
                });
                Ok(Response::new(replies.boxed()))
            }
        })
}

fn runs() -> usize {
    std::env::var("DRAIN_RUNS").map_or(1, |runs| runs.parse().unwrap())
}

/// The promise, with a peer in the state that `bring` brings about and holds.
async fn drains_beside<T>(with_tls: bool, bring: impl AsyncFn(&Site) -> T) {
    for run in 0..runs() {
        let mut site = Site::open(with_tls).await;
        let held = bring(&site).await;
        // It is accepted after the peer: that one was, too.
        let call = site.channel().unary(UNARY, note(GOOD)).into_future();
        let call = tokio::spawn(call);
        site.began(GOOD).await;

        let told = Instant::now();
        site.serving.ask_to_stop();
        tokio::time::sleep(WORK).await;
        site.finish.send(true).unwrap();
        let reply = within(call).await.unwrap();
        let reply = reply.unwrap_or_else(|status| panic!("run {run}: a good call: {status:?}"));
        assert_eq!(reply.into_inner().text, GOOD);
        site.serving.stopped().await;
        let took = told.elapsed();
        assert!(took <= GRACE + SLACK, "run {run}: it took {took:?}");
        drop(held);
    }
}

/// For comparison, and for what the good call takes by itself.
#[tokio::test]
async fn nobody_else() {
    drains_beside(false, async |_: &Site| ()).await;
    drains_beside(true, async |_: &Site| ()).await;
}
