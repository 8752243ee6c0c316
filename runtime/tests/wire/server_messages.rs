//! Messages that are framed wrong, too large, too many or too few.

use crate::{
    UNARY, call_of, call_with,
    common::{raw::*, *},
    raw,
};
use bytes::Bytes;
use cordial_runtime::{Code, Compression, Limits, Server, Status};
use prost::Message;
use std::{io::Write, sync::Mutex};
use tokio::sync::oneshot;

const CLIENT_STREAMING: &str = "/test.v1.Probe/ClientStreaming";
const BIDI: &str = "/test.v1.Probe/Bidi";

fn probe() -> Server {
    Server::new().add(Probe::echo().routes())
}

fn hi() -> Vec<u8> {
    note("hi").encode_to_vec()
}

#[tokio::test]
async fn a_body_that_is_no_message_is_refused() {
    let (_serving, client) = raw(probe()).await;
    let two = [frame(0, &hi()), frame(0, &hi())].concat();
    let cases: [(&str, Vec<u8>, Code); 10] = [
        ("one message", frame(0, &hi()).to_vec(), Code::Ok),
        ("an empty message", frame(0, b"").to_vec(), Code::Ok),
        ("none", vec![], Code::Unimplemented),
        ("two", two, Code::Unimplemented),
        ("half a prefix", vec![0, 0, 0], Code::Internal),
        (
            "half a message",
            frame_of(0, 100, &hi()).to_vec(),
            Code::Internal,
        ),
        ("flag 2", frame(2, &hi()).to_vec(), Code::Internal),
        (
            "compressed, but how",
            frame(1, &hi()).to_vec(),
            Code::Internal,
        ),
        (
            "no protobuf",
            frame(0, b"\xff\xff\xff").to_vec(),
            Code::Internal,
        ),
        (
            "4 GiB",
            frame_of(0, u32::MAX, b"").to_vec(),
            Code::ResourceExhausted,
        ),
    ];
    for (what, body, code) in cases {
        let answer = within(client.call(call_of(UNARY), &body)).await.unwrap();
        assert_eq!(answer.code(), code as i32, "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn a_large_length_is_refused_before_the_message_comes() {
    let (_serving, client) = raw(probe()).await;
    for path in [UNARY, CLIENT_STREAMING] {
        let (response, mut stream) = client.open(call_of(path), false).await;
        // The request never ends.
        stream
            .send_data(frame_of(0, u32::MAX, b"ab"), false)
            .unwrap();
        let answer = within(answer(within(response).await.unwrap()))
            .await
            .unwrap();
        assert_eq!(answer.code(), Code::ResourceExhausted as i32);
    }
}

#[tokio::test]
async fn messages_may_come_in_any_pieces() {
    let (_serving, client) = raw(probe()).await;
    let body = [
        frame(0, &hi()),
        frame(0, b""),
        frame(0, &note("you").encode_to_vec()),
    ]
    .concat();
    for size in [1, 2, 3, 5, 6, 7, 11] {
        let (response, mut stream) = client.open(call_of(CLIENT_STREAMING), false).await;
        for piece in body.chunks(size) {
            stream
                .send_data(Bytes::copy_from_slice(piece), false)
                .unwrap();
        }
        stream.send_data(Bytes::new(), true).unwrap();
        let answer = within(answer(within(response).await.unwrap()))
            .await
            .unwrap();
        assert_eq!(
            Note::decode(&answer.data[5..]).unwrap().text,
            "hi,,you",
            "by {size}"
        );
    }
}

#[tokio::test]
async fn the_messages_before_a_bad_one_arrive() {
    let (_serving, client) = raw(probe()).await;
    let body = [&frame(0, &hi())[..], &frame(0, b"\xff\xff\xff")].concat();
    let answer = within(client.call(call_of(BIDI), &body)).await.unwrap();
    assert_eq!(answer.data, frame(0, &hi()));
    assert_eq!(answer.code(), Code::Internal as i32);
}

#[tokio::test]
async fn an_unknown_encoding_is_unimplemented_and_told_what_is_known() {
    let (_serving, client) = raw(probe()).await;
    for encoding in ["snappy", "GZIP", "gzip,zstd", ""] {
        let request = call_with(UNARY, "grpc-encoding", encoding);
        let answer = within(client.call(request, &frame(0, &hi())))
            .await
            .unwrap();
        assert_eq!(answer.code(), Code::Unimplemented as i32, "{encoding:?}");
        let known = &answer.head.headers["grpc-accept-encoding"];
        assert_eq!(known, crate::ACCEPTED);
    }
    let request = call_with(UNARY, "grpc-encoding", "identity");
    assert_eq!(
        within(client.call(request, &frame(0, &hi())))
            .await
            .unwrap()
            .code(),
        0
    );
}

fn packed(compression: Compression, plain: &[u8]) -> Vec<u8> {
    match compression {
        Compression::Gzip => {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            to.write_all(plain).unwrap();
            to.finish().unwrap()
        }
        Compression::Deflate => {
            let mut to = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            to.write_all(plain).unwrap();
            to.finish().unwrap()
        }
        Compression::Zstd => zstd::encode_all(plain, 3).unwrap(),
        other => panic!("{other:?} is new: pack it too"),
    }
}

const COMPRESSIONS: [Compression; 3] = [Compression::Gzip, Compression::Deflate, Compression::Zstd];

#[tokio::test]
async fn compressed_messages_are_read() {
    let (_serving, client) = raw(probe()).await;
    for compression in COMPRESSIONS {
        let request = call_with(UNARY, "grpc-encoding", compression.name());
        let body = frame(1, &packed(compression, &hi()));
        let answer = within(client.call(request, &body)).await.unwrap();
        assert_eq!(
            (answer.code(), &answer.data),
            (0, &frame(0, &hi())),
            "{compression:?}"
        );
        // Each message says for itself whether it is.
        let request = call_with(UNARY, "grpc-encoding", compression.name());
        let answer = within(client.call(request, &frame(0, &hi())))
            .await
            .unwrap();
        assert_eq!(answer.code(), 0, "{compression:?}");
        let request = call_with(UNARY, "grpc-encoding", compression.name());
        let answer = within(client.call(request, &frame(1, b"nonsense")))
            .await
            .unwrap();
        assert_eq!(answer.code(), Code::Internal as i32, "{compression:?}");
    }
}

#[tokio::test]
async fn a_bomb_is_refused() {
    let (_serving, client) = raw(probe()).await;
    let plain = Note {
        payload: vec![0; 12 << 20],
        ..Note::default()
    }
    .encode_to_vec();
    for compression in COMPRESSIONS {
        let bomb = packed(compression, &plain);
        assert!(bomb.len() < 100_000, "{compression:?}: {}", bomb.len());
        let request = call_with(UNARY, "grpc-encoding", compression.name());
        let answer = within(client.call(request, &frame(1, &bomb)))
            .await
            .unwrap();
        assert_eq!(
            answer.code(),
            Code::ResourceExhausted as i32,
            "{compression:?}"
        );
    }
}

#[tokio::test]
async fn the_message_limit_may_be_lifted() {
    let limits = Limits::default().with_message_bytes_max(usize::MAX);
    let (_serving, client) = raw(probe().limits(limits)).await;
    for compression in COMPRESSIONS {
        let request = call_with(UNARY, "grpc-encoding", compression.name());
        let body = frame(1, &packed(compression, &hi()));
        assert_eq!(within(client.call(request, &body)).await.unwrap().code(), 0);
    }
}

/// A handler that reads until it cannot, and tells how that ended.
#[tokio::test]
async fn a_reset_cancels_the_handler() {
    let (handler, gone) = alive();
    let (started, starting) = oneshot::channel();
    let handed = Mutex::new(Some((handler, started)));
    let probe = Probe::echo().client_streaming(move |request| {
        let (alive, started) = handed.lock().unwrap().take().unwrap();
        async move {
            let _held = alive;
            let mut notes = request.into_inner();
            notes.message().await?;
            started.send(()).unwrap();
            notes.message().await?;
            Err(Status::internal("a reset is no end"))
        }
    });
    let (_serving, client) = raw(Server::new().add(probe.routes())).await;
    let (_response, mut stream) = client.open(call_of(CLIENT_STREAMING), false).await;
    stream.send_data(frame(0, &hi()), false).unwrap();
    within(starting).await.unwrap();
    stream.send_reset(h2::Reason::CANCEL);
    gone.wait().await;
    // The connection is none the worse for it.
    let answer = within(client.call(call_of(UNARY), &frame(0, &hi())))
        .await
        .unwrap();
    assert_eq!(answer.code(), 0);
}

#[tokio::test]
async fn a_handler_that_does_not_read_frees_its_stream() {
    let probe = Probe::echo().client_streaming(|_| async { Ok(note("done").into()) });
    let (_serving, client) = raw(Server::new().add(probe.routes())).await;
    let (response, mut stream) = client.open(call_of(CLIENT_STREAMING), false).await;
    let answer = within(answer(within(response).await.unwrap()))
        .await
        .unwrap();
    assert_eq!(answer.code(), 0);
    assert_eq!(within(reset(&mut stream)).await, h2::Reason::NO_ERROR);
}
