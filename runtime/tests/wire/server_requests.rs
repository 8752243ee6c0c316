//! Requests whose heads are wrong, or odd.

use crate::{
    UNARY, call_of, call_with,
    common::{raw::*, *},
    raw,
};
use cordial_runtime::{Limits, Server};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use prost::Message;
use std::convert::Infallible;

fn probe() -> Server {
    Server::new().add(Probe::echo().routes())
}

fn body() -> Vec<u8> {
    frame(0, &note("hi").encode_to_vec()).to_vec()
}

#[tokio::test]
async fn a_content_type_that_is_not_grpc_is_415() {
    let (_serving, client) = raw(probe()).await;
    for (kind, status) in [
        ("application/grpc", 200),
        ("application/grpc+proto", 200),
        ("application/grpc;charset=utf-8", 200),
        ("application/grpc ; a=b", 200),
        ("Application/GRPC", 200),
        ("application/grpc+xml", 415),
        ("application/grpc-webb", 415),
        ("application/grpcc", 415),
        ("text/html", 415),
        ("", 415),
    ] {
        let mut request = call_of(UNARY);
        request
            .headers_mut()
            .insert("content-type", kind.parse().unwrap());
        let answer = within(client.call(request, &body())).await.unwrap();
        assert_eq!(answer.head.status, status, "{kind}");
        let is_well = answer.code() == 0;
        assert_eq!(is_well, status == 200, "{kind}");
    }
    let mut request = call_of(UNARY);
    request.headers_mut().remove("content-type");
    let answer = within(client.call(request, &body())).await.unwrap();
    assert_eq!(answer.head.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_verb_that_is_not_post_is_405() {
    let (_serving, client) = raw(probe()).await;
    for verb in [Method::GET, Method::PUT, Method::OPTIONS] {
        let mut request = call_of(UNARY);
        *request.method_mut() = verb;
        let answer = within(client.call(request, &[])).await.unwrap();
        assert_eq!(answer.head.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.head.headers["allow"], "POST");
    }
}

#[tokio::test]
async fn a_timeout_out_of_the_grammar_is_refused() {
    let probe = Probe::echo().unary(|request| async move {
        let some = request.deadline().is_some();
        Ok(note(if some { "deadline" } else { "none" }).into())
    });
    let (_serving, client) = raw(Server::new().add(probe.routes())).await;
    for bad in [
        "100000000S",
        "1",
        "-1S",
        "+1S",
        "1X",
        "",
        "S",
        " 1S ",
        "1.5S",
        "18446744073709551616S",
    ] {
        let request = call_with(UNARY, "grpc-timeout", bad);
        let answer = within(client.call(request, &body())).await.unwrap();
        assert_eq!(answer.code(), 13, "{bad:?}");
    }
    let mut twice = call_with(UNARY, "grpc-timeout", "1S");
    twice
        .headers_mut()
        .append("grpc-timeout", "2S".parse().unwrap());
    assert_eq!(
        within(client.call(twice, &body())).await.unwrap().code(),
        13
    );
    for good in [
        "99999999H",
        "10M",
        "10S",
        "10000m",
        "10000000u",
        "99999999n",
    ] {
        let request = call_with(UNARY, "grpc-timeout", good);
        let answer = within(client.call(request, &body())).await.unwrap();
        assert_eq!(answer.code(), 0, "{good}");
        assert_eq!(Note::decode(&answer.data[5..]).unwrap().text, "deadline");
    }
    let answer = within(client.call(call_with(UNARY, "grpc-timeout", "0n"), &body())).await;
    assert_eq!(answer.unwrap().code(), 4);
}

/// Mounts a tonic service, so that all ways to look a path up are walked.
#[derive(Clone)]
struct Mounted;

impl tonic::server::NamedService for Mounted {
    const NAME: &'static str = "mounted";
}

impl tower::Service<Request<tonic::body::Body>> for Mounted {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        assert_ne!(
            request.uri().path(),
            "/mounted/panic",
            "as a stock service might"
        );
        std::future::ready(Ok(http::Response::new(tonic::body::Body::empty())))
    }
}

#[tokio::test]
async fn every_path_has_an_answer() {
    let (_serving, client) = raw(probe().add_tonic(Mounted)).await;
    for path in [
        "/",
        "*",
        "/a",
        "/a/b",
        "/a/b/c",
        "//",
        "/test.v1.Probe",
        "/test.v1.Probe/",
        "/test.v1.Probe/unary",
        "/test.v1.Probe/Unary/",
        "/%2F",
    ] {
        let answer = within(client.call(call_of(path), &body())).await.unwrap();
        assert_eq!(answer.head.status, StatusCode::OK, "{path}");
        assert_eq!(answer.code(), 12, "{path}");
    }
    // A query is no part of a method.
    let answer = within(client.call(call_of("/test.v1.Probe/Unary?x=1"), &body()))
        .await
        .unwrap();
    assert_eq!(answer.code(), 0);
}

#[tokio::test]
async fn a_connect_request_is_refused() {
    let (_serving, client) = raw(probe().add_tonic(Mounted)).await;
    let mut request = call_of(UNARY);
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = Uri::from_static("localhost:1");
    let (response, _stream) = client.open(request, false).await;
    let answer = within(response).await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_mounted_service_that_panics_ends_its_call_alone() {
    let (_serving, client) = raw(probe().add_tonic(Mounted)).await;
    let answer = within(client.call(call_of("/mounted/panic"), &body()))
        .await
        .unwrap();
    assert_eq!(answer.code(), 13);
    let answer = within(client.call(call_of("/mounted/well"), &body()))
        .await
        .unwrap();
    assert_eq!(answer.head.status, StatusCode::OK);
}

#[tokio::test]
async fn http_1_is_told_so() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let serving = Serving::start(probe()).await;
    for (kind, status) in [("application/grpc", 505), ("text/html", 415)] {
        let mut tcp = tokio::net::TcpStream::connect(serving.address())
            .await
            .unwrap();
        let request = format!(
            "POST {UNARY} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: 0\r\n\r\n"
        );
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        within(tcp.read_to_string(&mut answer)).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn undecodable_binary_metadata_is_the_handlers_to_find() {
    let probe = Probe::echo().unary(|request| async move {
        let value = request.metadata().get_bin("x-foo-bin").unwrap();
        assert!(value.to_bytes().is_err());
        Ok(note("lazy").into())
    });
    let (_serving, client) = raw(Server::new().add(probe.routes())).await;
    let request = call_with(UNARY, "x-foo-bin", "@@@@");
    assert_eq!(
        within(client.call(request, &body())).await.unwrap().code(),
        0
    );
}

#[tokio::test]
async fn headers_over_the_limit_are_431() {
    let limits = Limits::default().with_header_bytes_max(4 << 10);
    let (_serving, client) = raw(probe().limits(limits)).await;
    let fits = call_with(UNARY, "x-long", &"a".repeat(3_000));
    assert_eq!(within(client.call(fits, &body())).await.unwrap().code(), 0);
    let long = call_with(UNARY, "x-long", &"a".repeat(5_000));
    let answer = within(client.call(long, &body())).await.unwrap();
    assert_eq!(
        answer.head.status,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    );
    // HPACK counts 32 bytes for each, so many small ones are large too.
    let mut many = call_of(UNARY);
    for _ in 0..200 {
        many.headers_mut().append("x", HeaderValue::from_static(""));
    }
    let answer = within(client.call(many, &body())).await.unwrap();
    assert_eq!(
        answer.head.status,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    );
}

#[tokio::test]
async fn a_reply_is_what_the_specification_says() {
    let (_serving, client) = raw(probe()).await;
    let answer = within(client.call(call_of(UNARY), &body())).await.unwrap();
    assert_eq!(answer.head.status, StatusCode::OK);
    assert_eq!(answer.head.headers["content-type"], "application/grpc");
    assert_eq!(answer.head.headers.get("grpc-encoding"), None);
    assert_eq!(answer.data, body());
    assert_eq!(answer.trailers["grpc-status"], "0");
    assert_eq!(answer.trailers.len(), 1);
    let none = within(client.call(call_of("/test.v1.Probe/None"), &body()))
        .await
        .unwrap();
    assert_eq!(none.head.headers["content-type"], "application/grpc");
    assert_eq!(none.head.headers["grpc-status"], "12");
    assert!(none.data.is_empty() && none.trailers.is_empty(), "{none:?}");
}
