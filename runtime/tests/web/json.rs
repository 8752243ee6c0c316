//! Messages in JSON, in every protocol.

use crate::{
    common::{
        Probe, Serving,
        raw::{RawClient, frame},
        within,
    },
    http1::{Answer, both},
};
use cordial_runtime::{BoxStream, Method, Request, Response, Result, Routes, Server};
use futures_util::StreamExt;
use prost_types::{Duration, Timestamp};

const AT: &str = "/test.v1.Clock/At";
const TICKS: &str = "/test.v1.Clock/Ticks";

/// Tells the time after a span, counted from 1970.
struct Clock;

impl Clock {
    async fn at(&self, request: Request<Duration>) -> Result<Response<Timestamp>> {
        let Duration { seconds, nanos } = request.into_inner();
        Ok(Timestamp { seconds, nanos }.into())
    }

    async fn ticks(&self, request: Request<Duration>) -> Result<Response<BoxStream<Timestamp>>> {
        let ticks =
            (0..request.get_ref().seconds).map(|seconds| Ok(Timestamp { seconds, nanos: 0 }));
        let ticks: Vec<_> = ticks.collect();
        Ok(Response::new(futures_util::stream::iter(ticks).boxed()))
    }
}

async fn serve() -> Serving {
    let routes = Routes::new("test.v1.Clock", Clock)
        .unary(Method::unary(AT).no_side_effects().json(), Clock::at)
        .server_streaming(Method::server_streaming(TICKS).json(), Clock::ticks);
    Serving::start(Server::new().add(routes).add(Probe::echo().routes())).await
}

fn text(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text()
}

#[tokio::test]
async fn connect_takes_and_gives_json() {
    let serving = serve().await;
    for kind in ["application/json", "application/json; charset=utf-8"] {
        let headers = [("content-type", kind)];
        for answer in both(serving.address(), "POST", AT, &headers, br#""90.5s""#).await {
            assert_eq!(text(&answer), r#""1970-01-01T00:01:30.500Z""#);
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
    }
    for query in ["message=%2290.5s%22", "base64=1&message=IjkwLjVzIg"] {
        let path = format!("{AT}?connect=v1&encoding=json&{query}");
        for answer in both(serving.address(), "GET", &path, &[], &[]).await {
            assert_eq!(text(&answer), r#""1970-01-01T00:01:30.500Z""#);
        }
    }
    let kind = "application/connect+json";
    let two = frame(0, br#""2s""#);
    for answer in both(
        serving.address(),
        "POST",
        TICKS,
        &[("content-type", kind)],
        &two,
    )
    .await
    {
        assert_eq!(answer.header("content-type"), Some(kind));
        let wanted = [
            frame(0, br#""1970-01-01T00:00:00Z""#),
            frame(0, br#""1970-01-01T00:00:01Z""#),
            frame(2, b"{}"),
        ];
        assert_eq!(answer.body, wanted.concat());
    }
}

#[tokio::test]
async fn grpc_and_grpc_web_do_too() {
    let serving = serve().await;
    let one = frame(0, br#""1s""#);
    let kind = "application/grpc-web+json";
    for answer in both(
        serving.address(),
        "POST",
        AT,
        &[("content-type", kind)],
        &one,
    )
    .await
    {
        assert_eq!(answer.header("content-type"), Some(kind));
        let wanted = [
            frame(0, br#""1970-01-01T00:00:01Z""#),
            frame(0x80, b"grpc-status: 0\r\n"),
        ];
        assert_eq!(answer.body, wanted.concat());
    }
    let client = RawClient::connect(serving.address()).await;
    for path in [AT, TICKS] {
        let request = http::Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc+json")
            .header("te", "trailers");
        let answer = client.call(request.body(()).unwrap(), &one);
        let answer = within(answer).await.unwrap();
        assert_eq!(answer.head.headers["content-type"], "application/grpc+json");
        assert_eq!(answer.code(), 0);
        assert!(answer.data[5..].starts_with(br#""1970-01-01T00:00:0"#));
    }
}

#[tokio::test]
async fn json_that_is_no_message_is_the_callers_fault() {
    let serving = serve().await;
    let headers = [("content-type", "application/json")];
    for bad in ["", "{}", "\"1 s\"", "\"1s\" \"1s\"", "[[[["] {
        for answer in both(serving.address(), "POST", AT, &headers, bad.as_bytes()).await {
            assert_eq!(answer.status, 400, "{bad}");
            assert!(
                answer.text().starts_with(r#"{"code":"invalid_argument""#),
                "{bad}"
            );
        }
    }
    // So is protobuf that is none.
    let headers = [("content-type", "application/proto")];
    for answer in both(serving.address(), "POST", AT, &headers, b"\xff").await {
        assert_eq!(answer.status, 400);
    }
}

#[tokio::test]
async fn a_method_without_json_says_how_to_have_it() {
    let serving = serve().await;
    for (kind, status, body) in [
        ("application/json", 415, "{}".into()),
        ("application/grpc-web+json", 200, frame(0, b"{}")),
    ] {
        let headers = [("content-type", kind)];
        for answer in both(serving.address(), "POST", crate::UNARY, &headers, &body).await {
            assert_eq!(answer.status, status);
            let said = String::from_utf8_lossy(&answer.body);
            assert!(said.contains("Config::json"), "{said}");
        }
    }
    let headers = [("content-type", "application/connect+json")];
    for answer in both(
        serving.address(),
        "POST",
        crate::SERVER_STREAMING,
        &headers,
        &[],
    )
    .await
    {
        assert_eq!(answer.status, 200);
        let said = String::from_utf8_lossy(&answer.body);
        assert!(
            said.contains(r#"{"error":{"code":"unimplemented""#),
            "{said}"
        );
    }
}
