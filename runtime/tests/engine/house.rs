//! A house full of handlers, and requests that have none.

use super::*;
use cordial_runtime::Limit;
use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, Condvar, Mutex},
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// Handlers that notice nothing, not even that their calls were reset, until let.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// Its handlers end, or the runtime would wait for them.
impl Drop for Door {
    fn drop(&mut self) {
        self.open();
    }
}

struct House {
    serving: Serving,
    metrics: cordial_runtime::Metrics,
    began: mpsc::Receiver<()>,
    door: Door,
}

/// Two handlers at a time, and both at work for calls that are no more.
async fn full_house() -> (House, Frames) {
    let (begin, began) = mpsc::channel(100);
    let door = Door::default();
    let waits = door.0.clone();
    let probe = Probe::echo().unary(move |_| {
        let (begin, waits) = (begin.clone(), waits.clone());
        async move {
            begin.send(()).await.unwrap();
            let (open, opened) = &*waits;
            tokio::task::block_in_place(|| {
                let shut = open.lock().unwrap();
                drop(opened.wait_while(shut, |open| !*open).unwrap());
            });
            Ok(note("").into())
        }
    });
    let limits = limits().with_streams_per_connection_max(2);
    let server = Server::new().limits(limits).add(probe.routes());
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    let mut house = House {
        serving,
        metrics,
        began,
        door,
    };
    let mut frames = connect(&house.serving, WINDOW_DEFAULT, 0).await;
    for stream in [1, 3] {
        frames.write(&asking(stream, UNARY.path(), 0)).await;
        within(house.began.recv()).await.unwrap();
        frames.send(RST_STREAM, 0, stream, &[0, 0, 0, 8]).await;
    }
    (house, frames)
}

fn come_and_go(stream: u32) -> Vec<u8> {
    let reset = Frames::framed(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    [asking(stream, UNARY.path(), 0), reset].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_come_and_go_are_bounded() {
    let (mut house, mut frames) = full_house().await;
    for stream in (5..505).step_by(2) {
        // It may be gone by now.
        let bytes = come_and_go(stream);
        if tokio::io::AsyncWriteExt::write_all(&mut frames.0, &bytes)
            .await
            .is_err()
        {
            break;
        }
    }
    let goaway = within(frames.next_of(GOAWAY)).await.unwrap();
    assert_eq!(goaway.payload[4..8], CALM);
    assert_eq!(house.metrics.times_reached(Limit::PendingResetsMax), 1);
    assert!(house.began.try_recv().is_err(), "none of them began");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn those_that_stay_begin_when_others_have_left() {
    let (mut house, mut frames) = full_house().await;
    for stream in (5..25).step_by(2) {
        frames.write(&come_and_go(stream)).await;
    }
    frames.write(&asking(25, UNARY.path(), 0)).await;
    pong(&mut frames).await;
    assert!(house.began.try_recv().is_err(), "the house is full");
    house.door.open();
    within(house.began.recv()).await.unwrap();
    assert!(whole(&mut frames, 25).await > 0);
    assert!(house.began.try_recv().is_err(), "the others are gone");
}

/// A service of another kind, whose answers have bodies.
#[derive(Clone)]
struct Mounted;

impl tonic::server::NamedService for Mounted {
    const NAME: &'static str = "mounted";
}

impl tower::Service<http::Request<tonic::body::Body>> for Mounted {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let body = tonic::body::Body::new(String::from("a body"));
        let mut response = http::Response::new(body);
        *response.status_mut() = match request.uri().path() {
            "/mounted/unchanged" => http::StatusCode::NOT_MODIFIED,
            "/mounted/nothing" => http::StatusCode::NO_CONTENT,
            _ => http::StatusCode::OK,
        };
        ready(Ok(response))
    }
}

#[tokio::test]
async fn what_has_no_body_gets_none() {
    let serving = Serving::start(Server::new().add_tonic(Mounted)).await;
    let client = RawClient::connect(serving.address()).await;
    for (method, path, body) in [
        ("GET", "some", "a body"),
        ("HEAD", "some", ""),
        ("GET", "unchanged", ""),
        ("GET", "nothing", ""),
        ("HEAD", "nothing", ""),
    ] {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://x/mounted/{path}"))
            .body(())
            .unwrap();
        let (response, _stream) = client.open(request, true).await;
        let answer = within(async { answer(response.await.unwrap()).await.unwrap() }).await;
        assert_eq!(answer.data, body, "{method} {path}");
        assert!(answer.trailers.is_empty());
    }
}
