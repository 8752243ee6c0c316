//! gRPC-Web in base64.

use crate::{
    SERVER_STREAMING, UNARY,
    common::{Note, Probe, note, raw::frame},
    http1::{both, chunked, send},
    serve,
};
use cordial_runtime::Response;
use futures_util::StreamExt;
use prost::Message;

const TEXT: (&str, &str) = ("content-type", "application/grpc-web-text");

/// `frame(0, note("hi"))`, as the tool `base64` writes it.
const HI: &str = "AAAAAAQKAmhp";

/// The message of trailers after a call that went well, the same way.
const WELL: &str = "gAAAABBncnBjLXN0YXR1czogMA0K";

#[tokio::test]
async fn a_reply_is_text_piece_by_piece() {
    let serving = serve(Probe::echo()).await;
    for kind in [
        "application/grpc-web-text",
        "application/grpc-web-text+proto",
    ] {
        let headers = [("content-type", kind)];
        for answer in both(serving.address(), "POST", UNARY, &headers, HI.as_bytes()).await {
            assert_eq!(answer.status, 200);
            assert_eq!(
                answer.header("content-type"),
                Some("application/grpc-web-text+proto")
            );
            // The frame is twelve characters; the message and the trailers leave as one.
            assert_eq!(answer.text(), [HI, WELL].concat());
        }
    }
}

#[tokio::test]
async fn each_piece_of_a_stream_is_padded() {
    let probe = Probe::echo().server_streaming(|_| async {
        let one = futures_util::stream::iter([Ok::<Note, _>(note("a"))]);
        let mut waited = false;
        let pause = futures_util::stream::poll_fn(move |cx| {
            if std::mem::replace(&mut waited, true) {
                return std::task::Poll::Ready(None);
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        });
        Ok(Response::new(one.chain(pause).boxed()))
    });
    let serving = serve(probe).await;
    for answer in both(
        serving.address(),
        "POST",
        SERVER_STREAMING,
        &[TEXT],
        HI.as_bytes(),
    )
    .await
    {
        // Eight bytes, padded, then the trailers.
        assert_eq!(answer.text(), ["AAAAAAMKAWE=", WELL].concat());
    }
}

#[tokio::test]
async fn padding_may_end_any_four_characters_of_a_request() {
    let serving = serve(Probe::echo()).await;
    // The flag alone, the length, and the message in two.
    let padded = "AA==AAAABA==CgI=aGk=";
    for text in [HI, padded] {
        for answer in both(serving.address(), "POST", UNARY, &[TEXT], text.as_bytes()).await {
            assert_eq!(answer.text(), [HI, WELL].concat(), "{text}");
        }
        for size in 1..text.len() {
            let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
            let answer = send(serving.address(), &chunked(UNARY, &[TEXT], &pieces)).await;
            assert_eq!(answer.text(), [HI, WELL].concat(), "{text} by {size}");
        }
    }
}

#[tokio::test]
async fn what_is_not_base64_is_refused() {
    let serving = serve(Probe::echo()).await;
    for bad in [
        "AAAA!AQK",
        "AAAAAAQKAmh",
        "AAA=AAQ=====",
        "AAAAAAQK\r\nAmhp",
        "A===",
        "AAAAAAQKAmhp=",
    ] {
        for answer in both(serving.address(), "POST", UNARY, &[TEXT], bad.as_bytes()).await {
            let said = decode(answer.text());
            assert!(said.contains("grpc-status: 13\r\n"), "{bad}: {said}");
            assert!(said.contains("base64"), "{bad}: {said}");
        }
    }
}

#[tokio::test]
async fn who_accepts_another_form_gets_it() {
    let serving = serve(Probe::echo()).await;
    let bytes = frame(0, &note("hi").encode_to_vec());
    let binary = ("content-type", "application/grpc-web");
    for (headers, body, wanted) in [
        (
            vec![TEXT, ("accept", "*/*")],
            HI.as_bytes(),
            "application/grpc-web-text+proto",
        ),
        (
            vec![TEXT, ("accept", "application/grpc-web")],
            HI.as_bytes(),
            "application/grpc-web+proto",
        ),
        (
            vec![binary, ("accept", "application/grpc-web-text")],
            &bytes[..],
            "application/grpc-web-text+proto",
        ),
        (
            vec![binary, ("accept", "*/*")],
            &bytes[..],
            "application/grpc-web+proto",
        ),
    ] {
        for answer in both(serving.address(), "POST", UNARY, &headers, body).await {
            assert_eq!(answer.header("content-type"), Some(wanted), "{headers:?}");
            let is_text = answer.body.starts_with(HI.as_bytes());
            assert_eq!(is_text, wanted.contains("text"), "{headers:?}");
        }
    }
}

/// What a body of one piece says.
fn decode(text: &str) -> String {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::new();
    for four in text.as_bytes().chunks(4) {
        let bits = four
            .iter()
            .fold(0u32, |bits, c| bits << 6 | u32::from(digit(*c)));
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    String::from_utf8_lossy(&out).into_owned()
}
