//! Connect: calls by GET, of methods without side effects.

use crate::{
    UNARY,
    common::{Note, Probe, Serving, note},
    http1::{Answer, both},
};
use cordial_runtime::{Limits, Method, Request, Response, Result, Routes, Server};
use prost::Message;
use std::io::Write;

const LOOK: &str = "/test.v1.Safe/Look";

struct Safe;

impl Safe {
    async fn look(&self, request: Request<Note>) -> Result<Response<Note>> {
        let mut response: Response<Note> = request.get_ref().clone().into();
        if let Some(asked) = request.metadata().get("x-ask") {
            response.trailers_mut().insert("x-told", asked.clone());
        }
        Ok(response)
    }
}

async fn serve() -> Serving {
    let method = Method::<Note, Note>::unary(LOOK).no_side_effects();
    let routes = Routes::new("test.v1.Safe", Safe).unary(method, Safe::look);
    let limits = Limits::default().with_message_bytes_max(1_000);
    let server = Server::new()
        .add(routes)
        .add(Probe::echo().routes())
        .limits(limits);
    Serving::start(server).await
}

fn is_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let start = format!("{{\"code\":\"{code}\"");
    assert!(answer.text().starts_with(&start), "{}", answer.text());
}

#[tokio::test]
async fn a_message_may_be_in_the_query() {
    let serving = serve().await;
    // `note("hi")` is `0a 02 68 69`; `note("??>>")` has both characters that differ.
    for (query, text) in [
        ("connect=v1&encoding=proto&message=%0A%02hi", "hi"),
        ("message=%0a%02h%69&encoding=proto", "hi"),
        ("encoding=proto&base64=1&message=CgJoaQ", "hi"),
        ("encoding=proto&base64=1&message=CgJoaQ%3D%3D", "hi"),
        ("encoding=proto&base64=1&message=CgQ_Pz4-", "??>>"),
        ("encoding=proto&message=%0A%03a+b&compression=", "a b"),
        ("encoding=proto&message=&compression=gzip", ""),
        ("encoding=proto&message=&other=1&&", ""),
    ] {
        let path = format!("{LOOK}?{query}");
        for answer in both(serving.address(), "GET", &path, &[("x-ask", "me")], &[]).await {
            assert_eq!(answer.status, 200, "{query}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/proto"));
            assert_eq!(answer.header("vary"), Some("accept-encoding"));
            assert_eq!(answer.header("trailer-x-told"), Some("me"));
            assert_eq!(
                Note::decode(&answer.body[..]).unwrap().text,
                text,
                "{query}"
            );
        }
    }
}

#[tokio::test]
async fn a_query_may_be_compressed_and_is_bounded() {
    let serving = serve().await;
    let path = |plain: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(plain).unwrap();
        let packed = gzip.finish().unwrap();
        let escaped: String = packed.iter().map(|byte| format!("%{byte:02X}")).collect();
        format!("{LOOK}?encoding=proto&compression=gzip&message={escaped}")
    };
    let hi = note("hi").encode_to_vec();
    for answer in both(serving.address(), "GET", &path(&hi), &[], &[]).await {
        assert_eq!(answer.body, hi);
    }
    for answer in both(serving.address(), "GET", &path(&[0; 100_000]), &[], &[]).await {
        is_error(&answer, 429, "resource_exhausted");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_said() {
    let serving = serve().await;
    let address = serving.address();
    for (query, status, code) in [
        ("encoding=proto", 400, "invalid_argument"),
        ("encoding=proto&base64=1&message=!", 400, "invalid_argument"),
        ("encoding=proto&message=&message=", 400, "invalid_argument"),
        (
            "encoding=proto&message=&encoding=json",
            400,
            "invalid_argument",
        ),
        (
            "encoding=proto&connect=v2&message=",
            400,
            "invalid_argument",
        ),
        (
            "encoding=proto&compression=x&message=",
            501,
            "unimplemented",
        ),
    ] {
        let path = format!("{LOOK}?{query}");
        for answer in both(address, "GET", &path, &[], &[]).await {
            is_error(&answer, status, code);
        }
    }
    for answer in both(address, "GET", "/a.B/C?encoding=proto&message=", &[], &[]).await {
        is_error(&answer, 404, "unimplemented");
    }
    // It might do something.
    let unsafe_path = format!("{UNARY}?encoding=proto&message=");
    for answer in both(address, "GET", &unsafe_path, &[], &[]).await {
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
    for query in ["", "?message=", "?encoding=xml&message="] {
        let path = format!("{LOOK}{query}");
        for answer in both(address, "GET", &path, &[], &[]).await {
            assert_eq!(answer.status, 415, "{query}");
        }
    }
    // By POST it goes as ever.
    let headers = [("content-type", "application/proto")];
    for answer in both(address, "POST", LOOK, &headers, &[]).await {
        assert_eq!(answer.status, 200);
    }
}
