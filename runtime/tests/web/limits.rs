//! What HTTP/1.1 may cost.

use crate::{
    SERVER_STREAMING, UNARY,
    common::{Alive, Note, Probe, Serving, alive, note, within},
    http1::{parse, request, send},
};
use cordial_runtime::{Limit, Limits, Response, Server};
use futures_util::StreamExt;
use prost::Message;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PROTO: (&str, &str) = ("content-type", "application/proto");

async fn serve(limits: Limits) -> Serving {
    Serving::start(Server::new().add(Probe::echo().routes()).limits(limits)).await
}

/// Sends these bytes and reads until the connection ends.
async fn exchange(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    within(tcp.read_to_end(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_request_whose_length_is_not_clear_is_refused() {
    let serving = serve(Limits::default()).await;
    for lengths in [
        "content-length: 4\r\ncontent-length: 5\r\n",
        "content-length: 4, 5\r\n",
        "content-length: -1\r\n",
        "content-length: +4\r\n",
        "content-length: 0x4\r\n",
        "transfer-encoding: gzip\r\n",
        "transfer-encoding: chunked, gzip\r\n",
    ] {
        let head = format!(
            "POST {UNARY} HTTP/1.1\r\nhost: x\r\ncontent-type: application/proto\r\n{lengths}\r\n"
        );
        let bytes = [
            head.as_bytes(),
            b"0\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
        ]
        .concat();
        let answer = exchange(serving.address(), &bytes).await;
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{lengths}");
        let heads = answer.windows(9).filter(|nine| nine == b"HTTP/1.1 ");
        assert_eq!(heads.count(), 1, "what follows {lengths:?} was answered");
    }
}

#[tokio::test]
async fn chunks_say_where_a_request_ends_whatever_else_does() {
    let serving = serve(Limits::default()).await;
    for lengths in [
        "content-length: 50\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 50\r\n",
    ] {
        let head = format!(
            "POST {UNARY} HTTP/1.1\r\nhost: x\r\ncontent-type: application/proto\r\n{lengths}\r\n"
        );
        // By its length the request would hold the next one, which nobody answers.
        let next = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        let bytes = [head.as_bytes(), b"0\r\n\r\n", next].concat();
        let answers = exchange(serving.address(), &bytes).await;
        let answer = parse(&answers);
        assert_eq!(answer.status, 200, "{lengths:?}");
        assert!(answer.body.is_empty(), "{lengths:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{lengths:?}");
    }
}

#[tokio::test]
async fn headers_over_the_limit_are_431() {
    let serving = serve(Limits::default().with_header_bytes_max(8 << 10)).await;
    let long = "a".repeat(7 << 10);
    let fits = request("POST", UNARY, &[PROTO, ("x-long", &long)], b"");
    assert_eq!(send(serving.address(), &fits).await.status, 200);
    let long = "a".repeat(9 << 10);
    let request = request("POST", UNARY, &[PROTO, ("x-long", &long)], b"");
    let answer = exchange(serving.address(), &request).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 431 "),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn requests_that_come_together_are_answered_in_order() {
    let serving = serve(Limits::default()).await;
    let mut bytes = Vec::new();
    for (text, connection) in [
        ("one", "keep-alive"),
        ("two", "keep-alive"),
        ("three", "close"),
    ] {
        let body = note(text).encode_to_vec();
        let length = body.len();
        let head = format!(
            "POST {UNARY} HTTP/1.1\r\nhost: x\r\nconnection: {connection}\r\n\
             content-type: application/proto\r\ncontent-length: {length}\r\n\r\n"
        );
        bytes.extend(head.into_bytes());
        bytes.extend(body);
    }
    let answers = exchange(serving.address(), &bytes).await;
    let answers = String::from_utf8(answers).unwrap();
    let bodies: Vec<_> = answers.split("\r\n\r\n").skip(1).collect();
    assert_eq!(bodies.len(), 3);
    for (body, text) in bodies.iter().zip(["one", "two", "three"]) {
        assert!(body[2..].starts_with(text), "{answers}");
    }
}

#[tokio::test]
async fn who_never_sends_a_whole_head_is_let_go() {
    let serving = serve(Limits::default().with_preface_timeout(Duration::from_millis(50))).await;
    let answer = exchange(serving.address(), b"POST / HTTP/1.1\r\nhost: x\r\nx-").await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn who_does_not_read_is_cut() {
    let (running, gone) = alive();
    let slot = std::sync::Mutex::new(Some(running));
    let probe = Probe::echo().server_streaming(move |_| {
        let running: Option<Alive> = slot.lock().unwrap().take();
        async move {
            let endless = futures_util::stream::repeat_with(move || {
                let _running = &running;
                Ok(Note {
                    payload: vec![7; 64 << 10],
                    ..note("more")
                })
            });
            Ok(Response::new(endless.boxed()))
        }
    });
    let limits = Limits::default().with_stalled_write_timeout(Duration::from_millis(100));
    let server = Server::new().add(probe.routes()).limits(limits);
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    let mut tcp = TcpStream::connect(serving.address()).await.unwrap();
    let kind = [("content-type", "application/connect+proto")];
    tcp.write_all(&request("POST", SERVER_STREAMING, &kind, &[0; 5]))
        .await
        .unwrap();
    gone.wait().await;
    assert_eq!(metrics.times_reached(Limit::StalledWriteTimeout), 1);
}

#[tokio::test]
async fn an_old_connection_ends_after_its_call() {
    let limits = Limits::default().with_connection_age_max(Duration::from_millis(50));
    let server = Server::new().add(Probe::echo().routes()).limits(limits);
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    let body = note("hi").encode_to_vec();
    let head = format!(
        "POST {UNARY} HTTP/1.1\r\nhost: x\r\ncontent-type: application/proto\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // It asks to stay, and is closed all the same.
    let answer = exchange(serving.address(), &[head.as_bytes(), &body].concat()).await;
    assert_eq!(parse(&answer).body, body);
    assert_eq!(metrics.times_reached(Limit::ConnectionAgeMax), 1);
}
