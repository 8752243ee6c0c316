//! Connections that end, and when the next one is made.

use crate::common::{raw::*, *};
use cordial_runtime::{
    Address, BoxStream, Channel, Code, Endpoint, Limits, PickFirst, Refresh, Resolver, Result,
};
use futures_util::{StreamExt, stream};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::mpsc};

/// Connections that may have been tried since `began`, where each second one more may:
/// 1 s, 1.6 s and so on, a fifth less at the least.
fn allowed(at_once: usize, began: Instant) -> usize {
    at_once + (began.elapsed().as_millis() / 800) as usize
}

#[tokio::test]
async fn a_server_that_closes_on_every_first_call_is_backed_off_from() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let server = RawServer::start(move |asked: Asked| {
        counted.fetch_max(asked.connection + 1, SeqCst);
        async move {
            // All of it: what it holds resets the call when it is dropped.
            let asked = asked;
            asked.orders.send(Order::Break).await.unwrap();
            std::future::pending().await
        }
    })
    .await;
    let channel = Channel::to(&server.uri).unwrap();
    let began = Instant::now();
    let mut said = false;
    for _ in 0..100 {
        let call = channel.unary(UNARY, note(""));
        let status = within(call.into_future()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        said |= status
            .message()
            .contains("closes connections before it answers");
        // A call that fails at once gives nobody else a turn.
        tokio::task::yield_now().await;
    }
    assert!(said, "nobody said why");
    // The first one may be by chance: a server that was about to stop.
    let (found, most) = (connections.load(SeqCst), allowed(2, began));
    assert!((2..=most).contains(&found), "{found}, at most {most}");
}

/// Tells what a test tells it.
#[derive(Debug)]
struct Told(Mutex<Option<mpsc::Receiver<Result<Vec<Endpoint>>>>>);

impl Resolver for Told {
    fn watch(&self, _: Refresh) -> BoxStream<Vec<Endpoint>> {
        let mut told = self.0.lock().unwrap().take().unwrap();
        stream::poll_fn(move |cx| told.poll_recv(cx)).boxed()
    }
}

#[tokio::test]
async fn a_list_in_another_order_ends_no_backoff() {
    // It takes connections, and closes them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closing = Endpoint::from(listener.local_addr().unwrap());
    let tried = Arc::new(AtomicUsize::new(0));
    let counted = tried.clone();
    let closer = tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            drop(tcp);
            counted.fetch_add(1, SeqCst);
        }
    });
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = Endpoint::new(Address::Tcp(nobody.local_addr().unwrap()));
    drop(nobody);
    let (tell, told) = mpsc::channel(1);
    let told = Told(Mutex::new(Some(told)));
    let channel = Channel::resolved_by("copies", told).unwrap();
    let channel = channel.with_balancer(PickFirst::new().with_seed(7).with_shuffle(true));
    let list = vec![closing, nowhere];
    let began = Instant::now();
    for _ in 0..20 {
        tell.send(Ok(list.clone())).await.unwrap();
        let call = channel.unary(UNARY, note(""));
        within(call.into_future()).await.unwrap_err();
        // The list has been read once there is room for the next, and is looked at
        // before the next call is.
        drop(within(tell.reserve()).await.unwrap());
        tokio::task::yield_now().await;
    }
    let (found, most) = (tried.load(SeqCst), allowed(1, began));
    assert!((1..=most).contains(&found), "{found}, at most {most}");
    closer.abort();
}

#[tokio::test]
async fn a_channel_that_nobody_uses_hangs_up_and_connects_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let limits = Limits::default().with_channel_idle_timeout(Duration::from_millis(50));
    let channel = Channel::to(uri).unwrap().with_limits(limits);
    for _ in 0..3 {
        let call = tokio::spawn(channel.unary(UNARY, note("")).into_future());
        let (tcp, _) = within(listener.accept()).await.unwrap();
        let mut http = within(h2::server::handshake(tcp)).await.unwrap();
        let (_, mut respond) = within(http.accept()).await.unwrap().unwrap();
        let head = http::Response::builder()
            .header("content-type", "application/grpc")
            .header("grpc-status", "5");
        respond.send_response(head.body(()).unwrap(), true).unwrap();
        // By itself, once the call is over.
        assert!(within(http.accept()).await.is_none());
        let status = within(call).await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
}
