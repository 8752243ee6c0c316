//! Connect: unary calls by POST.

use crate::{
    SERVER_STREAMING, UNARY,
    common::{Note, Probe, Serving, note, within},
    hanging,
    http1::{Answer, both, chunked, parse, request, send},
    serve,
};
use cordial_runtime::{Code, Compression, Limit, Limits, Response, Server, Status};
use prost::Message;
use std::{io::Write, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PROTO: (&str, &str) = ("content-type", "application/proto");

fn body() -> Vec<u8> {
    note("hi").encode_to_vec()
}

fn is_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let start = format!("{{\"code\":\"{code}\"");
    assert!(answer.text().starts_with(&start), "{}", answer.text());
}

#[tokio::test]
async fn a_message_goes_bare_both_ways() {
    let serving = serve(Probe::echo()).await;
    for body in [body(), Vec::new()] {
        let headers = [PROTO, ("connect-protocol-version", "1")];
        for answer in both(serving.address(), "POST", UNARY, &headers, &body).await {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), Some("application/proto"));
            assert_eq!(
                answer.header("content-length"),
                Some(&*body.len().to_string())
            );
            assert_eq!(answer.header("content-encoding"), None);
            assert_eq!(answer.body, body);
        }
    }
    let body = body();
    let pieces: Vec<_> = body.chunks(1).collect();
    let answer = send(serving.address(), &chunked(UNARY, &[PROTO], &pieces)).await;
    assert_eq!(answer.body, body);
}

#[tokio::test]
async fn metadata_is_headers_and_trailers_are_prefixed() {
    let probe = Probe::echo().unary(|request| async move {
        let own = [
            "connect-timeout-ms",
            "accept-encoding",
            "content-encoding",
            "content-type",
        ];
        assert!(
            own.iter()
                .all(|name| request.metadata().get(*name).is_none())
        );
        let mut response = Response::new(note("hi"));
        let asked = request.metadata().get("x-ask").unwrap().clone();
        response.metadata_mut().insert("x-head", asked);
        response
            .metadata_mut()
            .insert("content-encoding", "none".parse().unwrap());
        response
            .trailers_mut()
            .append("x-foot", "f".parse().unwrap());
        Ok(response)
    });
    let serving = serve(probe).await;
    let headers = [
        PROTO,
        ("x-ask", "me"),
        ("connect-timeout-ms", "5000"),
        ("accept-encoding", "gzip"),
        ("content-encoding", "identity"),
    ];
    for answer in both(serving.address(), "POST", UNARY, &headers, &body()).await {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-head"), Some("me"));
        assert_eq!(answer.header("trailer-x-foot"), Some("f"));
        assert_eq!(answer.header("x-foot"), None);
        assert_eq!(answer.header("content-encoding"), None);
    }
}

#[tokio::test]
async fn an_error_is_json_with_an_http_status() {
    let codes = [
        (Code::Cancelled, 499, "canceled"),
        (Code::Unknown, 500, "unknown"),
        (Code::InvalidArgument, 400, "invalid_argument"),
        (Code::DeadlineExceeded, 504, "deadline_exceeded"),
        (Code::NotFound, 404, "not_found"),
        (Code::AlreadyExists, 409, "already_exists"),
        (Code::PermissionDenied, 403, "permission_denied"),
        (Code::ResourceExhausted, 429, "resource_exhausted"),
        (Code::FailedPrecondition, 400, "failed_precondition"),
        (Code::Aborted, 409, "aborted"),
        (Code::OutOfRange, 400, "out_of_range"),
        (Code::Unimplemented, 501, "unimplemented"),
        (Code::Internal, 500, "internal"),
        (Code::Unavailable, 503, "unavailable"),
        (Code::DataLoss, 500, "data_loss"),
        (Code::Unauthenticated, 401, "unauthenticated"),
    ];
    let probe = Probe::echo().unary(|request| async move {
        let code = Code::from_i32(request.get_ref().number as i32);
        Err::<Response<Note>, _>(Status::new(code, ""))
    });
    let serving = serve(probe).await;
    for (code, status, name) in codes {
        let number = Note {
            number: code as u64,
            ..note("")
        };
        let number = number.encode_to_vec();
        for answer in both(serving.address(), "POST", UNARY, &[PROTO], &number).await {
            is_error(&answer, status, name);
            assert_eq!(answer.text(), format!("{{\"code\":\"{name}\"}}"));
        }
    }
}

#[tokio::test]
async fn details_keep_their_types_and_bytes() {
    // google.rpc.Status: code 5, and two details of google.protobuf.Any.
    let details = b"\x08\x05\x12\x01m\x1a\x0e\x0a\x08x.y/a.B1\x12\x02\xfb\xff\x1a\x05\x0a\x03C.D";
    let probe = Probe::echo().unary(move |_| async move {
        let mut status =
            Status::with_details(Code::NotFound, "say \"no\"\n", details[..].to_vec().into());
        status
            .metadata_mut()
            .insert("x-why", "because".parse().unwrap());
        Err::<Response<Note>, _>(status)
    });
    let serving = serve(probe).await;
    for answer in both(serving.address(), "POST", UNARY, &[PROTO], &body()).await {
        is_error(&answer, 404, "not_found");
        let wanted = r#"{"code":"not_found","message":"say \"no\"\n","details":[{"type":"a.B1","value":"+/8"},{"type":"C.D","value":""}]}"#;
        assert_eq!(answer.text(), wanted);
        assert_eq!(answer.header("trailer-x-why"), Some("because"));
        assert_eq!(answer.header("grpc-status-details-bin"), None);
    }
}

#[tokio::test]
async fn what_is_not_a_call_is_refused() {
    let serving = serve(Probe::echo()).await;
    let address = serving.address();
    for answer in both(address, "POST", "/test.v1.Probe/None", &[PROTO], &body()).await {
        is_error(&answer, 404, "unimplemented");
    }
    for answer in both(address, "PUT", UNARY, &[PROTO], &body()).await {
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    }
    // A stream has another content type.
    for answer in both(address, "POST", SERVER_STREAMING, &[PROTO], &body()).await {
        assert_eq!(answer.status, 415);
    }
    for answer in both(
        address,
        "POST",
        UNARY,
        &[("content-type", "application/x")],
        &body(),
    )
    .await
    {
        assert_eq!(answer.status, 415);
        assert!(
            answer
                .header("accept-post")
                .unwrap()
                .contains("application/proto")
        );
    }
    for (header, value, status, code) in [
        ("connect-protocol-version", "2", 400, "invalid_argument"),
        ("connect-timeout-ms", "1s", 400, "invalid_argument"),
        ("connect-timeout-ms", "12345678901", 400, "invalid_argument"),
        ("content-encoding", "snappy", 501, "unimplemented"),
    ] {
        for answer in both(address, "POST", UNARY, &[PROTO, (header, value)], &body()).await {
            is_error(&answer, status, code);
            assert!(answer.text().contains(value), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn bodies_are_compressed_as_headers_say() {
    let server = Server::new()
        .add(Probe::echo().routes())
        .compression(Compression::Gzip);
    let serving = Serving::start(server).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&body()).unwrap();
    let packed = gzip.finish().unwrap();
    let headers = [
        PROTO,
        ("content-encoding", "gzip"),
        ("accept-encoding", "br, gzip, zstd"),
    ];
    for answer in both(serving.address(), "POST", UNARY, &headers, &packed).await {
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        let mut plain = Vec::new();
        let mut unzip = flate2::read::GzDecoder::new(&answer.body[..]);
        std::io::Read::read_to_end(&mut unzip, &mut plain).unwrap();
        assert_eq!(plain, body());
    }
    // No bytes are a message of any compression.
    let headers = [PROTO, ("content-encoding", "gzip")];
    for answer in both(serving.address(), "POST", UNARY, &headers, &[]).await {
        assert_eq!((answer.status, &answer.body[..]), (200, &[][..]));
    }
    for answer in both(serving.address(), "POST", UNARY, &headers, &body()).await {
        assert!(answer.status >= 400, "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read() {
    let limits = Limits::default().with_message_bytes_max(1_000);
    let server = Server::new().add(Probe::echo().routes()).limits(limits);
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&[0; 100_000]).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 1_000);
    let fits = Note {
        payload: vec![0; 900],
        ..note("")
    }
    .encode_to_vec();
    for answer in both(serving.address(), "POST", UNARY, &[PROTO], &fits).await {
        assert_eq!(answer.body, fits);
    }
    let packed = [PROTO, ("content-encoding", "gzip")];
    for (headers, large) in [(&[PROTO][..], vec![0; 1_001]), (&packed[..], bomb)] {
        for answer in both(serving.address(), "POST", UNARY, headers, &large).await {
            is_error(&answer, 429, "resource_exhausted");
        }
    }
    assert_eq!(metrics.times_reached(Limit::MessageBytesMax), 4);
    // It is refused before it has come: nothing says that it ever ends.
    let mut tcp = TcpStream::connect(serving.address()).await.unwrap();
    let endless = "POST /test.v1.Probe/Unary HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/proto\r\ncontent-length: 1000000000\r\n\r\n";
    tcp.write_all(endless.as_bytes()).await.unwrap();
    tcp.write_all(&[0; 2_000]).await.unwrap();
    let mut answer = Vec::new();
    within(tcp.read_to_end(&mut answer)).await.unwrap();
    is_error(&parse(&answer), 429, "resource_exhausted");
}

#[tokio::test]
async fn a_deadline_is_kept_and_shown() {
    let probe = Probe::echo().unary(|request| async move {
        match request.get_ref().text.as_str() {
            "hi" => std::future::pending().await,
            _ => {
                let left = request.deadline().unwrap().remaining();
                assert!(left <= Duration::from_secs(60) && left > Duration::from_secs(30));
                Ok(request.into_inner().into())
            }
        }
    });
    let serving = serve(probe).await;
    let soon = [PROTO, ("connect-timeout-ms", "20")];
    for answer in both(serving.address(), "POST", UNARY, &soon, &body()).await {
        is_error(&answer, 504, "deadline_exceeded");
    }
    let later = [PROTO, ("connect-timeout-ms", "60000")];
    let other = note("ho").encode_to_vec();
    for answer in both(serving.address(), "POST", UNARY, &later, &other).await {
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_caller_goes() {
    let (probe, begun, gone) = hanging();
    let serving = serve(probe).await;
    let mut tcp = TcpStream::connect(serving.address()).await.unwrap();
    tcp.write_all(&request("POST", UNARY, &[PROTO], &body()))
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
    for answer in both(serving.address(), "POST", UNARY, &[PROTO], &body()).await {
        is_error(&answer, 500, "internal");
    }
    let other = note("ho").encode_to_vec();
    for answer in both(serving.address(), "POST", UNARY, &[PROTO], &other).await {
        assert_eq!(answer.body, other);
    }
}
