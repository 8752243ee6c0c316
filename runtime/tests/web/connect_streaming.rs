//! Connect: calls with streams.

use crate::{
    SERVER_STREAMING, UNARY,
    common::{Note, Probe, note, raw::frame},
    http1::{Answer, both},
    serve,
};
use cordial_runtime::{Code, Response, Status};
use futures_util::StreamExt;
use prost::Message;
use std::io::Write;

const STREAM: (&str, &str) = ("content-type", "application/connect+proto");
const CLIENT_STREAMING: &str = "/test.v1.Probe/ClientStreaming";
const BIDI: &str = "/test.v1.Probe/Bidi";

fn message(text: &str) -> Vec<u8> {
    frame(0, &note(text).encode_to_vec()).to_vec()
}

/// What the last envelope says, and all before it.
fn ended(answer: &Answer) -> (&[u8], &str) {
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/connect+proto")
    );
    let mut at = 0;
    loop {
        let length = u32::from_be_bytes(answer.body[at + 1..at + 5].try_into().unwrap());
        let end = at + 5 + length as usize;
        if answer.body[at] == 2 {
            assert_eq!(end, answer.body.len(), "something follows the end");
            return (
                &answer.body[..at],
                str::from_utf8(&answer.body[at + 5..]).unwrap(),
            );
        }
        at = end;
    }
}

#[tokio::test]
async fn a_stream_ends_with_an_envelope() {
    let serving = serve(Probe::echo()).await;
    let three = Note {
        number: 3,
        ..note("hi")
    };
    let three = frame(0, &three.encode_to_vec()).to_vec();
    let two = [message("a"), message("b")].concat();
    for (path, body, wanted) in [
        (SERVER_STREAMING, &three, three.repeat(3)),
        (SERVER_STREAMING, &message("none"), Vec::new()),
        (CLIENT_STREAMING, &two, message("a,b")),
        (CLIENT_STREAMING, &Vec::new(), frame(0, b"").to_vec()),
        (BIDI, &two, two.clone()),
    ] {
        for answer in both(serving.address(), "POST", path, &[STREAM], body).await {
            assert_eq!(ended(&answer), (&wanted[..], "{}"), "{path}");
        }
    }
}

#[tokio::test]
async fn errors_and_trailers_stand_in_the_last_envelope() {
    let probe = Probe::echo()
        .server_streaming(|_| async {
            let mut status = Status::new(Code::Aborted, "no more");
            status
                .metadata_mut()
                .insert("x-why", "because".parse().unwrap());
            let notes = futures_util::stream::iter([Ok(note("one")), Err(status)]).boxed();
            let mut response = Response::new(notes);
            response
                .metadata_mut()
                .insert("x-head", "h".parse().unwrap());
            response
                .trailers_mut()
                .append("x-foot", "f".parse().unwrap());
            response
                .trailers_mut()
                .append("x-foot", "g".parse().unwrap());
            Ok(response)
        })
        .client_streaming(|_| async { Err::<Response<Note>, _>(Status::not_found("gone")) });
    let serving = serve(probe).await;
    let address = serving.address();
    for answer in both(address, "POST", SERVER_STREAMING, &[STREAM], &message("hi")).await {
        assert_eq!(answer.header("x-head"), Some("h"));
        let wanted = concat!(
            r#"{"error":{"code":"aborted","message":"no more"},"#,
            r#""metadata":{"x-foot":["f","g"],"x-why":["because"]}}"#
        );
        assert_eq!(ended(&answer), (&message("one")[..], wanted));
    }
    let wanted = r#"{"error":{"code":"not_found","message":"gone"}}"#;
    for answer in both(address, "POST", CLIENT_STREAMING, &[STREAM], &message("hi")).await {
        assert_eq!(ended(&answer), (&[][..], wanted));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_stream_is_said_in_it() {
    let serving = serve(Probe::echo()).await;
    let one = message("a");
    for (path, body, code) in [
        ("/test.v1.Probe/None", one.clone(), "unimplemented"),
        (SERVER_STREAMING, Vec::new(), "unimplemented"),
        (SERVER_STREAMING, one.repeat(2), "unimplemented"),
        (CLIENT_STREAMING, one[..6].to_vec(), "internal"),
        (CLIENT_STREAMING, one[..3].to_vec(), "internal"),
        (CLIENT_STREAMING, frame(1, b"").to_vec(), "internal"),
        (CLIENT_STREAMING, frame(2, b"{}").to_vec(), "internal"),
        (
            CLIENT_STREAMING,
            frame(0, b"\xff").to_vec(),
            "invalid_argument",
        ),
    ] {
        is_error(serving.address(), path, &[STREAM], &body, code).await;
    }
    for (name, value, code) in [
        ("connect-content-encoding", "snappy", "unimplemented"),
        ("connect-timeout-ms", "-1", "invalid_argument"),
        ("connect-protocol-version", "3", "invalid_argument"),
    ] {
        let headers = [STREAM, (name, value)];
        is_error(serving.address(), CLIENT_STREAMING, &headers, &one, code).await;
    }
}

async fn is_error(address: &str, path: &str, headers: &[(&str, &str)], body: &[u8], code: &str) {
    for answer in both(address, "POST", path, headers, body).await {
        let (messages, end) = ended(&answer);
        assert!(messages.is_empty());
        let start = format!("{{\"error\":{{\"code\":\"{code}\"");
        assert!(end.starts_with(&start), "{headers:?} {body:?}: {end}");
    }
}

#[tokio::test]
async fn what_is_no_call_of_a_stream_is_refused() {
    let serving = serve(Probe::echo()).await;
    let one = message("a");
    // A unary method has another content type.
    for answer in both(serving.address(), "POST", UNARY, &[STREAM], &one).await {
        assert_eq!(answer.status, 415);
    }
    for answer in both(serving.address(), "PATCH", BIDI, &[STREAM], &one).await {
        assert_eq!(answer.status, 405);
    }
}

#[tokio::test]
async fn envelopes_are_compressed_as_headers_say() {
    let probe = Probe::echo().client_streaming(|request| async {
        let mut notes = request.into_inner();
        let first = notes.message().await?.unwrap();
        let response: Response<Note> = first.into();
        Ok(response.with_compression(Some(cordial_runtime::Compression::Gzip)))
    });
    let serving = serve(probe).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&note("hi").encode_to_vec()).unwrap();
    let packed = frame(1, &gzip.finish().unwrap());
    let headers = [
        STREAM,
        ("connect-content-encoding", "gzip"),
        ("connect-accept-encoding", "gzip"),
    ];
    for answer in both(
        serving.address(),
        "POST",
        CLIENT_STREAMING,
        &headers,
        &packed,
    )
    .await
    {
        assert_eq!(answer.header("connect-content-encoding"), Some("gzip"));
        let (message, end) = ended(&answer);
        assert_eq!((message[0], end), (1, "{}"));
    }
}

#[tokio::test]
async fn a_deadline_holds_within_a_stream() {
    let probe = Probe::echo().server_streaming(|_| async {
        let first = futures_util::stream::iter([Ok(note("one"))]);
        Ok(Response::new(
            first.chain(futures_util::stream::pending()).boxed(),
        ))
    });
    let serving = serve(probe).await;
    let headers = [STREAM, ("connect-timeout-ms", "20")];
    for answer in both(
        serving.address(),
        "POST",
        SERVER_STREAMING,
        &headers,
        &message("hi"),
    )
    .await
    {
        let (messages, end) = ended(&answer);
        assert_eq!(messages, message("one"));
        assert!(
            end.starts_with(r#"{"error":{"code":"deadline_exceeded""#),
            "{end}"
        );
    }
}
