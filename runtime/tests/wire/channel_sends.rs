//! What our channel sends.

use crate::common::{raw::*, *};
use cordial_runtime::{Body, Channel, Code, Compression, Method, Next, Request};
use http::HeaderMap;
use std::time::Duration;
use tokio::sync::mpsc;

/// The heads of the requests that arrive; each is answered with NOT_FOUND.
async fn heads() -> (RawServer, mpsc::Receiver<(http::request::Parts, Vec<u8>)>) {
    let (tell, told) = mpsc::channel(8);
    let server = RawServer::start(move |asked: Asked| {
        let tell = tell.clone();
        async move {
            let (parts, mut body) = asked.request.into_parts();
            let mut data = Vec::new();
            while let Some(Ok(chunk)) = body.data().await {
                data.extend_from_slice(&chunk);
            }
            tell.send((parts, data)).await.unwrap();
            let mut respond = asked.respond;
            let head = http::Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", "5");
            respond.send_response(head.body(()).unwrap(), true).unwrap();
        }
    })
    .await;
    (server, told)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_call_is_what_the_specification_says() {
    let (server, mut told) = heads().await;
    let channel = Channel::to(&server.uri).unwrap();
    let call = channel.unary(UNARY, note("")).metadata("x-mine", "1");
    let status = within(call.into_future()).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let (head, body) = told.recv().await.unwrap();
    assert_eq!(head.method, http::Method::POST);
    assert_eq!(
        head.uri.to_string(),
        format!("{}/test.v1.Probe/Unary", server.uri)
    );
    assert_eq!(text(&head.headers, "te"), "trailers");
    assert_eq!(text(&head.headers, "content-type"), "application/grpc");
    assert_eq!(text(&head.headers, "grpc-accept-encoding"), crate::ACCEPTED);
    assert!(text(&head.headers, "user-agent").starts_with("grpc-rust-cordial/"));
    assert_eq!(text(&head.headers, "x-mine"), "1");
    let timeout = text(&head.headers, "grpc-timeout").strip_suffix('m');
    let timeout: u32 = timeout.expect("milliseconds").parse().unwrap();
    assert!((50_000..=60_000).contains(&timeout), "{timeout} ms");
    assert_eq!(head.headers.len(), 6, "{:?}", head.headers);
    assert_eq!(body, frame(0, b""));
}

#[tokio::test]
async fn a_call_says_how_it_is_compressed_and_how_long_it_may_take() {
    let (server, mut told) = heads().await;
    let channel = Channel::to(&server.uri).unwrap();
    let call = channel
        .unary(UNARY, note("hi"))
        .compression(Some(Compression::Zstd))
        .timeout(Duration::from_secs(50));
    within(call.into_future()).await.unwrap_err();
    let (head, body) = told.recv().await.unwrap();
    assert_eq!(text(&head.headers, "grpc-encoding"), "zstd");
    assert_eq!(body[0], 1);
    let timeout = text(&head.headers, "grpc-timeout");
    let (digits, unit) = timeout.split_at(timeout.len() - 1);
    assert_eq!(unit, "m", "{timeout}");
    assert!(
        (40_000..=50_000).contains(&digits.parse::<u64>().unwrap()),
        "{timeout}"
    );
}

/// A layer's deadline is the channel's to hold: this server holds none.
#[tokio::test]
async fn a_deadline_holds_though_the_server_hangs() {
    let server = RawServer::start(|mut asked: Asked| async move {
        let head = http::Response::builder().header("content-type", "application/grpc");
        let _stream = match asked.request.uri().path() == UNARY.path() {
            true => None,
            false => Some(asked.respond.send_response(head.body(()).unwrap(), false)),
        };
        let _held = asked;
        std::future::pending().await
    })
    .await;
    let in_time = |mut request: Request<Body>, next: Next| async move {
        request.set_timeout(Duration::from_millis(60));
        next.run(request).await
    };
    let channel = Channel::to(&server.uri).unwrap().layer(in_time);
    let status = within(channel.unary(UNARY, note("")).into_future())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let replies = channel.server_streaming(SERVER_STREAMING, note(""));
    let mut replies = within(replies.into_future()).await.unwrap().into_inner();
    let status = within(replies.message()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_method_without_a_path_fails_its_call_alone() {
    let (server, _told) = heads().await;
    let channel = Channel::to(&server.uri).unwrap();
    for path in ["", "no slash", "/a b"] {
        let nameless: Method<Note, Note> = Method::unary(path);
        let _ = (nameless.service(), nameless.name());
        let status = within(channel.unary(nameless, note("")).into_future())
            .await
            .unwrap_err();
        assert!(status.message().contains("no path"), "{path:?}: {status:?}");
    }
}
