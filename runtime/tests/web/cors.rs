//! Which web pages may call.

use crate::{
    UNARY,
    common::{Note, Probe, Serving, note},
    http1::both,
};
use cordial_runtime::{Cors, ErrorKind, Response, Server};
use prost::Message;

const PROTO: (&str, &str) = ("content-type", "application/proto");
const PAGE: (&str, &str) = ("origin", "https://shop.example");
const ASKS: (&str, &str) = ("access-control-request-method", "POST");

async fn serve(cors: Option<Cors>) -> Serving {
    let probe = Probe::echo().unary(|request| async move {
        let mut response: Response<Note> = request.into_inner().into();
        response
            .metadata_mut()
            .insert("vary", "x-other".parse().unwrap());
        Ok(response)
    });
    let server = Server::new().add(probe.routes());
    Serving::start(match cors {
        Some(cors) => server.cors(cors),
        None => server,
    })
    .await
}

#[tokio::test]
async fn a_page_is_told_what_it_may_before_it_calls() {
    let cors = Cors::new(["https://shop.example", "http://localhost:8080/"])
        .with_request_metadata(["authorization"])
        .with_credentials();
    let serving = serve(Some(cors)).await;
    for origin in ["https://shop.example", "http://localhost:8080"] {
        let headers = [("origin", origin), ASKS];
        for answer in both(serving.address(), "OPTIONS", UNARY, &headers, &[]).await {
            assert_eq!(answer.status, 204);
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert_eq!(
                answer.header("access-control-allow-methods"),
                Some("GET, POST")
            );
            let sent = answer.header("access-control-allow-headers").unwrap();
            for name in [
                "content-type",
                "x-grpc-web",
                "connect-timeout-ms",
                "authorization",
            ] {
                assert!(
                    sent.split(", ").any(|known| known == name),
                    "{name}: {sent}"
                );
            }
            assert_eq!(
                answer.header("access-control-allow-credentials"),
                Some("true")
            );
            assert_eq!(answer.header("access-control-max-age"), Some("7200"));
            assert_eq!(answer.header("vary"), Some("origin"));
            assert!(answer.body.is_empty());
        }
    }
}

#[tokio::test]
async fn a_page_reads_what_is_named() {
    let cors = Cors::new(["https://shop.example"]).with_response_metadata(["x-trace"]);
    let serving = serve(Some(cors)).await;
    let body = note("hi").encode_to_vec();
    for answer in both(serving.address(), "POST", UNARY, &[PROTO, PAGE], &body).await {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE.1));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let read = answer.header("access-control-expose-headers").unwrap();
        for name in ["grpc-status", "grpc-message", "x-trace", "trailer-x-trace"] {
            assert!(
                read.split(", ").any(|known| known == name),
                "{name}: {read}"
            );
        }
        let varies: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "vary")
            .collect();
        assert_eq!(varies.len(), 2, "{varies:?}");
    }
}

#[tokio::test]
async fn other_pages_are_told_nothing() {
    let serving = serve(Some(Cors::new(["https://shop.example"]))).await;
    let body = note("hi").encode_to_vec();
    for origin in [
        "https://shop.example.evil",
        "http://shop.example",
        "null",
        "HTTPS://x",
        "",
    ] {
        let headers = [("origin", origin), ASKS];
        for answer in both(serving.address(), "OPTIONS", UNARY, &headers, &[]).await {
            assert_eq!(answer.status, 403, "{origin}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        for answer in both(
            serving.address(),
            "POST",
            UNARY,
            &[PROTO, ("origin", origin)],
            &body,
        )
        .await
        {
            assert_eq!(answer.header("access-control-allow-origin"), None);
            assert_eq!(answer.header("access-control-expose-headers"), None);
        }
    }
    // Without a question it is no preflight.
    for answer in both(serving.address(), "OPTIONS", UNARY, &[PAGE], &[]).await {
        assert_eq!(answer.status, 415);
    }
}

#[tokio::test]
async fn every_page_may_call_without_credentials() {
    let serving = serve(Some(Cors::any_origin().with_credentials())).await;
    for answer in both(serving.address(), "OPTIONS", UNARY, &[PAGE, ASKS], &[]).await {
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[tokio::test]
async fn it_is_off_unless_asked_for() {
    let serving = serve(None).await;
    for answer in both(serving.address(), "OPTIONS", UNARY, &[PAGE, ASKS], &[]).await {
        assert_eq!(answer.status, 415);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn what_can_be_no_origin_is_refused() {
    for origin in [
        "shop.example",
        "https://",
        "*",
        "https://a.b/c",
        "https://u@a.b",
        "https:// a",
    ] {
        let server = Server::new().cors(Cors::new([origin]));
        let error = server.bind("127.0.0.1:0").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{origin}");
        assert!(error.to_string().contains(origin), "{error}");
    }
    let cors = Cors::any_origin().with_request_metadata(["a b"]);
    let error = Server::new()
        .cors(cors)
        .bind("127.0.0.1:0")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("`a b`"), "{error}");
}
