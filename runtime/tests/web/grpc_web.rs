//! gRPC-Web with binary messages.

use crate::{
    SERVER_STREAMING, UNARY,
    common::{Note, Probe, Serving, note, raw::frame, within},
    hanging,
    http1::{Answer, both, chunked, request, send},
    serve,
};
use cordial_runtime::{Code, Compression, Limits, Protocol, Response, Server, Status};
use futures_util::StreamExt;
use prost::Message;
use std::{io::Write, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream};

const WEB: (&str, &str) = ("content-type", "application/grpc-web+proto");

fn body() -> Vec<u8> {
    frame(0, &note("hi").encode_to_vec()).to_vec()
}

/// The messages of a body with their flags.
fn frames(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while !body.is_empty() {
        let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
        frames.push((body[0], body[5..5 + length].to_vec()));
        body = &body[5 + length..];
    }
    frames
}

/// The trailers, which end every body.
fn trailers(answer: &Answer) -> String {
    let mut frames = frames(&answer.body);
    let (flag, last) = frames.pop().unwrap();
    assert_eq!(flag, 0x80);
    assert!(frames.iter().all(|(flag, _)| *flag < 2), "{frames:?}");
    String::from_utf8(last).unwrap()
}

fn code(answer: &Answer) -> i32 {
    assert_eq!(answer.status, 200);
    let trailers = trailers(answer);
    let code = trailers
        .lines()
        .find_map(|line| line.strip_prefix("grpc-status: "));
    code.unwrap_or_else(|| panic!("no status: {trailers}"))
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_reply_is_its_messages_and_a_message_of_trailers() {
    let serving = serve(Probe::echo()).await;
    for kind in [
        "application/grpc-web",
        "application/grpc-web+proto",
        "Application/gRPC-Web; a=b",
    ] {
        for answer in both(
            serving.address(),
            "POST",
            UNARY,
            &[("content-type", kind)],
            &body(),
        )
        .await
        {
            assert_eq!(answer.status, 200);
            assert_eq!(
                answer.header("content-type"),
                Some("application/grpc-web+proto")
            );
            let mut wanted = body();
            wanted.extend(frame(0x80, b"grpc-status: 0\r\n"));
            assert_eq!(answer.body, wanted, "{kind}");
        }
    }
    let three = Note {
        number: 3,
        ..note("hi")
    };
    let three = frame(0, &three.encode_to_vec());
    for answer in both(serving.address(), "POST", SERVER_STREAMING, &[WEB], &three).await {
        let mut wanted = three.repeat(3);
        wanted.extend(frame(0x80, b"grpc-status: 0\r\n"));
        assert_eq!(answer.body, wanted);
    }
}

#[tokio::test]
async fn metadata_goes_both_ways_and_errors_are_trailers() {
    let probe = Probe::echo().unary(|request| async move {
        let mut status = Status::with_details(
            Code::NotFound,
            "no caf\u{e9}\r\n",
            b"\x08\x05"[..].to_vec().into(),
        );
        let metadata = status.metadata_mut();
        metadata.append("x-asked", request.metadata().get("x-ask").unwrap().clone());
        metadata.append("x-asked", "twice".parse().unwrap());
        Err::<Response<Note>, _>(status)
    });
    let probe = probe.server_streaming(|_| async {
        let notes = futures_util::stream::iter([Ok(note("one"))]).boxed();
        let mut response = Response::new(notes);
        response
            .metadata_mut()
            .insert("x-head", "h".parse().unwrap());
        response
            .trailers_mut()
            .insert("x-foot", "f".parse().unwrap());
        Ok(response)
    });
    let serving = serve(probe).await;
    for answer in both(
        serving.address(),
        "POST",
        UNARY,
        &[WEB, ("x-ask", "me")],
        &body(),
    )
    .await
    {
        assert_eq!(code(&answer), 5);
        let trailers = trailers(&answer);
        assert!(
            trailers.contains("x-asked: me\r\nx-asked: twice\r\n"),
            "{trailers}"
        );
        assert!(
            trailers.contains("grpc-message: no%20caf%C3%A9%0D%0A\r\n"),
            "{trailers}"
        );
        assert!(
            trailers.contains("grpc-status-details-bin: CAU\r\n"),
            "{trailers}"
        );
        assert_eq!(trailers.lines().count(), 5, "{trailers}");
    }
    for answer in both(serving.address(), "POST", SERVER_STREAMING, &[WEB], &body()).await {
        assert_eq!(answer.header("x-head"), Some("h"));
        assert_eq!(answer.header("x-foot"), None);
        assert_eq!(trailers(&answer), "x-foot: f\r\ngrpc-status: 0\r\n");
    }
}

#[tokio::test]
async fn what_is_not_a_call_is_refused() {
    let serving = serve(Probe::echo()).await;
    let address = serving.address();
    for kind in [
        "application/grpc-web+xml",
        "application/grpc-webx",
        "application/grpc-web-text+x",
    ] {
        for answer in both(address, "POST", UNARY, &[("content-type", kind)], &body()).await {
            assert_eq!(answer.status, 415, "{kind}");
            assert!(
                answer
                    .header("accept-post")
                    .unwrap()
                    .contains("application/grpc-web")
            );
        }
    }
    for verb in ["PUT", "OPTIONS", "DELETE"] {
        for answer in both(address, verb, UNARY, &[WEB], &body()).await {
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, Some("POST")),
                "{verb}"
            );
        }
    }
    for answer in both(address, "POST", "/test.v1.Probe/None", &[WEB], &body()).await {
        assert_eq!(code(&answer), 12);
    }
    for (bad, wanted) in [
        (frame(2, b""), 13),
        (frame(0x80, b"a: b\r\n"), 13),
        (frame(1, b""), 13),
        (frame(0, b"\xff"), 13),
        (body()[..6].to_vec().into(), 13),
        (vec![].into(), 12),
        (body().repeat(2).into(), 12),
    ] {
        for answer in both(address, "POST", UNARY, &[WEB], &bad).await {
            assert_eq!(code(&answer), wanted, "{bad:?}");
        }
    }
}

#[tokio::test]
async fn a_server_answers_the_protocols_it_is_told_to() {
    for (protocols, status) in [
        (vec![Protocol::Grpc, Protocol::Connect], 415),
        (vec![Protocol::GrpcWeb], 200),
    ] {
        let server = Server::new()
            .add(Probe::echo().routes())
            .protocols(protocols);
        let serving = Serving::start(server).await;
        for answer in both(serving.address(), "POST", UNARY, &[WEB], &body()).await {
            assert_eq!(answer.status, status);
        }
    }
}

#[tokio::test]
async fn messages_are_compressed_as_headers_say() {
    let server = Server::new()
        .add(Probe::echo().routes())
        .compression(Compression::Gzip);
    let serving = Serving::start(server).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&note("hi").encode_to_vec()).unwrap();
    let packed = frame(1, &gzip.finish().unwrap());
    let headers = [
        WEB,
        ("grpc-encoding", "gzip"),
        ("grpc-accept-encoding", "br, gzip"),
    ];
    for answer in both(serving.address(), "POST", UNARY, &headers, &packed).await {
        assert_eq!(code(&answer), 0);
        assert_eq!(answer.header("grpc-encoding"), Some("gzip"));
        let (flag, message) = frames(&answer.body).remove(0);
        let mut plain = Vec::new();
        let mut unzip = flate2::read::GzDecoder::new(&message[..]);
        std::io::Read::read_to_end(&mut unzip, &mut plain).unwrap();
        assert_eq!((flag, plain), (1, note("hi").encode_to_vec()));
    }
    let unknown = [WEB, ("grpc-encoding", "snappy")];
    for answer in both(serving.address(), "POST", UNARY, &unknown, &packed).await {
        assert_eq!(code(&answer), 12);
        assert!(trailers(&answer).contains("gzip"));
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_not_read() {
    let limits = Limits::default().with_message_bytes_max(1_000);
    let serving = Serving::start(Server::new().add(Probe::echo().routes()).limits(limits)).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&[0; 100_000]).unwrap();
    let bomb = frame(1, &gzip.finish().unwrap());
    assert!(bomb.len() < 1_000);
    let headers = [WEB, ("grpc-encoding", "gzip")];
    for large in [frame(0, &[0; 1_001]), bomb] {
        for answer in both(serving.address(), "POST", UNARY, &headers, &large).await {
            assert_eq!(code(&answer), 8);
        }
    }
}

#[tokio::test]
async fn a_deadline_holds_before_the_reply_and_within_it() {
    let probe = Probe::echo()
        .unary(|_| std::future::pending())
        .server_streaming(|_| async {
            let first = futures_util::stream::iter([Ok(note("one"))]);
            Ok(Response::new(
                first.chain(futures_util::stream::pending()).boxed(),
            ))
        });
    let serving = serve(probe).await;
    let headers = [WEB, ("grpc-timeout", "20m")];
    for (path, messages) in [(UNARY, 0), (SERVER_STREAMING, 1)] {
        for answer in both(serving.address(), "POST", path, &headers, &body()).await {
            assert_eq!(code(&answer), 4, "{path}");
            assert_eq!(frames(&answer.body).len(), messages + 1, "{path}");
        }
    }
    let bad = [WEB, ("grpc-timeout", "1 hour")];
    for answer in both(serving.address(), "POST", UNARY, &bad, &body()).await {
        assert_eq!(code(&answer), 13);
    }
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_caller_goes() {
    let (probe, begun, gone) = hanging();
    let serving = serve(probe).await;
    let mut tcp = TcpStream::connect(serving.address()).await.unwrap();
    tcp.write_all(&request("POST", UNARY, &[WEB], &body()))
        .await
        .unwrap();
    begun.wait().await;
    drop(tcp);
    gone.wait().await;
}

#[tokio::test]
async fn a_panic_ends_its_call_alone() {
    let probe = Probe::echo().unary(|request| async move {
        assert_ne!(request.get_ref().text, "hi", "as a handler might");
        Ok(request.into_inner().into())
    });
    let serving = serve(probe).await;
    let well = frame(0, &note("ho").encode_to_vec());
    for (body, wanted) in [(body(), 13), (well.to_vec(), 0)] {
        for answer in both(serving.address(), "POST", UNARY, &[WEB], &body).await {
            assert_eq!(code(&answer), wanted);
        }
    }
}

#[tokio::test]
async fn a_request_may_come_in_any_pieces() {
    let serving = serve(Probe::echo()).await;
    let body = body();
    let pieces: Vec<_> = body.chunks(1).collect();
    let answer = send(serving.address(), &chunked(UNARY, &[WEB], &pieces)).await;
    assert_eq!(frames(&answer.body)[0].1, note("hi").encode_to_vec());
    assert_eq!(code(&answer), 0);
}

#[tokio::test]
async fn a_request_that_comes_too_slowly_is_ended() {
    let limits = Limits::default()
        .with_request_bytes_per_second_min(1_000)
        .with_request_rate_grace(Duration::from_millis(50));
    let server = Server::new().add(Probe::echo().routes()).limits(limits);
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    let request = request("POST", UNARY, &[WEB], &body());
    let mut tcp = TcpStream::connect(serving.address()).await.unwrap();
    // All but its last byte, which never comes.
    tcp.write_all(&request[..request.len() - 1]).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut tcp, &mut answer);
    within(read).await.unwrap();
    assert_eq!(code(&crate::http1::parse(&answer)), 8);
    let reached = cordial_runtime::Limit::RequestBytesPerSecondMin;
    assert_eq!(metrics.times_reached(reached), 1);
}
