//! Requests that trickle in.

use crate::common::{raw::*, *};
use bytes::Bytes;
use cordial_runtime::{Code, Limit, Limits, Metrics, Server};
use std::time::Duration;

const GRACE: Duration = Duration::from_millis(80);

async fn serve() -> (Serving, Metrics) {
    let limits = Limits::default()
        .with_request_rate_grace(GRACE)
        .with_request_bytes_per_second_min(1_000);
    let server = Server::new().limits(limits).add(Probe::echo().routes());
    let metrics = server.metrics();
    (Serving::start(server).await, metrics)
}

fn request(address: &str, method: &str) -> http::Request<()> {
    http::Request::post(format!("http://{address}/test.v1.Probe/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap()
}

/// How the server ends a call of `method` whose body begins with `begin` and
/// goes no further.
async fn ended(serving: &Serving, method: &str, begin: &[u8]) -> Answer {
    let raw = RawClient::connect(serving.address()).await;
    let (response, mut body) = raw.open(request(serving.address(), method), false).await;
    body.send_data(Bytes::copy_from_slice(begin), false)
        .unwrap();
    let ended = within(async { answer(response.await.unwrap()).await.unwrap() }).await;
    drop(body);
    ended
}

#[tokio::test]
async fn a_message_that_was_begun_must_go_on() {
    let (serving, metrics) = serve().await;
    let whole = frame(0, b"");
    let begun = frame_of(0, 100, b"ab");
    let after_another = [&whole[..], &begun[..]].concat();
    let cases: [(&str, &[u8]); 6] = [
        // Nothing of the only message, a part of its prefix, a part of it,
        ("Unary", b""),
        ("Unary", &[0, 0]),
        ("ServerStreaming", &begun),
        // all of it, and no end of the request.
        ("Unary", &whole),
        // Of a stream each message must come whole.
        ("ClientStreaming", &begun),
        ("Bidi", &after_another),
    ];
    for (count, (method, begin)) in (1..).zip(cases) {
        let answer = ended(&serving, method, begin).await;
        assert_eq!(
            answer.code(),
            Code::ResourceExhausted as i32,
            "{method} {begin:?}"
        );
        let headers = [&answer.trailers, &answer.head.headers];
        let message = headers
            .iter()
            .find_map(|headers| headers.get("grpc-message"));
        let message = message.unwrap().to_str().unwrap();
        assert!(
            message.contains("request_bytes_per_second_min"),
            "{message}"
        );
        assert_eq!(
            metrics.times_reached(Limit::RequestBytesPerSecondMin),
            count
        );
    }
}

#[tokio::test]
async fn a_steady_message_may_take_its_time() {
    let (serving, metrics) = serve().await;
    let raw = RawClient::connect(serving.address()).await;
    let (response, mut body) = raw.open(request(serving.address(), "Unary"), false).await;
    // A note of 600 bytes of payload, 50 bytes each 10 ms: five times the minimum.
    let payload = [&[0x1a, 0xd8, 0x04][..], &[7; 600]].concat();
    for piece in frame(0, &payload).chunks(50) {
        body.send_data(Bytes::copy_from_slice(piece), false)
            .unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    body.send_data(Bytes::new(), true).unwrap();
    let answer = within(async { answer(response.await.unwrap()).await.unwrap() }).await;
    assert_eq!(answer.code(), 0);
    assert_eq!(metrics.times_reached(Limit::RequestBytesPerSecondMin), 0);
}

#[tokio::test]
async fn between_messages_any_time_may_pass() {
    let (serving, metrics) = serve().await;
    let raw = RawClient::connect(serving.address()).await;
    let (response, mut body) = raw
        .open(request(serving.address(), "ClientStreaming"), false)
        .await;
    for _ in 0..2 {
        body.send_data(frame(0, b""), false).unwrap();
        tokio::time::sleep(3 * GRACE).await;
    }
    body.send_data(Bytes::new(), true).unwrap();
    let answer = within(async { answer(response.await.unwrap()).await.unwrap() }).await;
    assert_eq!(answer.code(), 0);
    assert_eq!(metrics.times_reached(Limit::RequestBytesPerSecondMin), 0);
}

/// A handler that stops reading in the middle of a message and comes back.
#[tokio::test]
async fn a_reader_that_looks_away_is_not_its_peers_fault() {
    let limits = Limits::default()
        .with_request_rate_grace(GRACE)
        .with_request_bytes_per_second_min(1_000);
    let (say, mut said) = tokio::sync::mpsc::channel(1);
    let probe = Probe::echo().client_streaming(move |request| {
        let say = say.clone();
        async move {
            let mut notes = request.into_inner();
            // A part of the message is read, then for long nothing.
            assert!(futures_util::FutureExt::now_or_never(notes.message()).is_none());
            tokio::time::sleep(4 * GRACE).await;
            let first = tokio::time::timeout(GRACE / 4, notes.message()).await;
            assert!(first.is_err(), "{first:?}");
            say.send(()).await.unwrap();
            let text = notes.message().await?.unwrap().text;
            Ok(note(&text).into())
        }
    });
    let server = Server::new().limits(limits).add(probe.routes());
    let serving = Serving::start(server).await;
    let raw = RawClient::connect(serving.address()).await;
    let (response, mut body) = raw
        .open(request(serving.address(), "ClientStreaming"), false)
        .await;
    let message = frame(0, b"\x0a\x03abc");
    body.send_data(message.slice(..7), false).unwrap();
    within(said.recv()).await.unwrap();
    body.send_data(message.slice(7..), true).unwrap();
    let answer = within(async { answer(response.await.unwrap()).await.unwrap() }).await;
    assert_eq!(answer.code(), 0);
}
