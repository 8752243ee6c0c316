//! Answers that are wrong, or odd, and what our channel makes of them.

use crate::common::{raw::*, *};
use bytes::Bytes;
use cordial_runtime::{Channel, Code, Status, metadata::MetadataMap};
use h2::Reason;
use http::{HeaderMap, Response};
use prost::Message;

/// One answer: status and headers, then data and trailers if any.
#[derive(Clone, Default)]
struct Script {
    http: u16,
    headers: Vec<(&'static str, String)>,
    data: Option<Bytes>,
    trailers: Vec<(&'static str, String)>,
}

fn grpc() -> Script {
    Script {
        http: 200,
        ..Script::default()
    }
    .header("content-type", "application/grpc")
}

impl Script {
    fn header(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    fn data(mut self, data: Bytes) -> Self {
        self.data = Some(data);
        self
    }

    fn trailer(mut self, name: &'static str, value: impl ToString) -> Self {
        self.trailers.push((name, value.to_string()));
        self
    }

    async fn start(self) -> (RawServer, Channel) {
        let server = RawServer::start(move |asked| self.clone().answer(asked)).await;
        let channel = Channel::to(&server.uri).unwrap();
        (server, channel)
    }

    async fn answer(self, mut asked: Asked) {
        let mut head = Response::builder().status(self.http);
        for (name, value) in &self.headers {
            head = head.header(*name, value);
        }
        let ended = self.data.is_none() && self.trailers.is_empty();
        let sent = asked.respond.send_response(head.body(()).unwrap(), ended);
        let mut stream = sent.unwrap();
        let last = self.trailers.is_empty();
        if let Some(data) = self.data {
            stream.send_data(data, last).unwrap();
        }
        if !last {
            let mut trailers = HeaderMap::new();
            for (name, value) in self.trailers {
                trailers.append(name, value.parse().unwrap());
            }
            stream.send_trailers(trailers).unwrap();
        }
    }

    /// How a unary call ends.
    async fn status(self) -> Status {
        let (_server, channel) = self.start().await;
        let ended = within(channel.unary(UNARY, note("")).into_future()).await;
        ended.expect_err("the call must fail")
    }

    /// How a stream without messages ends.
    async fn trailers_of_stream(self) -> Result<MetadataMap, Status> {
        let (_server, channel) = self.start().await;
        let replies = channel.server_streaming(SERVER_STREAMING, note(""));
        let mut replies = within(replies.into_future()).await?.into_inner();
        within(replies.trailers()).await
    }
}

fn hi() -> Bytes {
    frame(0, &note("hi").encode_to_vec())
}

#[tokio::test]
async fn a_reset_becomes_the_code_of_the_specification() {
    let table = [
        (Reason::NO_ERROR, Code::Internal),
        (Reason::PROTOCOL_ERROR, Code::Internal),
        (Reason::INTERNAL_ERROR, Code::Internal),
        (Reason::FLOW_CONTROL_ERROR, Code::Internal),
        (Reason::FRAME_SIZE_ERROR, Code::Internal),
        (Reason::REFUSED_STREAM, Code::Unavailable),
        (Reason::CANCEL, Code::Cancelled),
        (Reason::COMPRESSION_ERROR, Code::Internal),
        (Reason::CONNECT_ERROR, Code::Internal),
        (Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
        (Reason::INADEQUATE_SECURITY, Code::PermissionDenied),
    ];
    for (reason, code) in table {
        let server = RawServer::start(move |mut asked| async move {
            asked.respond.send_reset(reason);
        })
        .await;
        let channel = Channel::to(&server.uri).unwrap();
        let status = within(channel.unary(UNARY, note("")).into_future())
            .await
            .unwrap_err();
        assert_eq!(
            status.code(),
            code,
            "{reason:?} before the head: {status:?}"
        );

        let server = RawServer::start(move |mut asked| async move {
            let head = Response::builder().header("content-type", "application/grpc");
            let mut stream = asked
                .respond
                .send_response(head.body(()).unwrap(), false)
                .unwrap();
            stream.send_data(hi(), false).unwrap();
            // Only once the message has left, or the reset would overtake it.
            asked.request.body_mut().data().await;
            tokio::task::yield_now().await;
            stream.send_reset(reason);
        })
        .await;
        let channel = Channel::to(&server.uri).unwrap();
        let status = within(channel.unary(UNARY, note("")).into_future())
            .await
            .unwrap_err();
        assert_eq!(status.code(), code, "{reason:?} after the head: {status:?}");
    }
}

#[tokio::test]
async fn an_http_status_without_a_grpc_status_is_mapped() {
    let table = [
        (400, Code::Internal),
        (401, Code::Unauthenticated),
        (403, Code::PermissionDenied),
        (404, Code::Unimplemented),
        (429, Code::Unavailable),
        (502, Code::Unavailable),
        (503, Code::Unavailable),
        (504, Code::Unavailable),
        (204, Code::Unknown),
        (302, Code::Unknown),
        (405, Code::Unknown),
        (415, Code::Unknown),
        (500, Code::Unknown),
    ];
    for (http, code) in table {
        let page = Script {
            http,
            ..Script::default()
        }
        .header("content-type", "text/html");
        let status = page.clone().data("<p>sorry</p>".into()).status().await;
        assert_eq!(status.code(), code, "{http}: {status:?}");
        let status = page.header("grpc-status", "9").status().await;
        assert_eq!(
            status.code(),
            Code::FailedPrecondition,
            "{http} and grpc-status"
        );
    }
}

#[tokio::test]
async fn a_response_must_be_grpc_and_end_with_a_status() {
    let html = Script {
        http: 200,
        ..Script::default()
    }
    .header("content-type", "text/html");
    let status = html.data("<p>hello</p>".into()).status().await;
    assert_eq!(status.code(), Code::Unknown);
    assert!(status.message().contains("text/html"), "{status:?}");
    let untyped = Script {
        http: 200,
        ..Script::default()
    };
    let status = untyped.data(hi()).trailer("grpc-status", 0).status().await;
    assert_eq!(status.code(), Code::Unknown);
    for script in [
        grpc(),
        grpc().data(hi()),
        grpc().data(hi()).trailer("x-other", 1),
    ] {
        let status = script.status().await;
        assert_eq!(status.code(), Code::Unknown);
        assert!(status.message().contains("grpc-status"), "{status:?}");
    }
}

#[tokio::test]
async fn a_malformed_status_is_unknown() {
    for code in ["17", "-1", "x", ""] {
        let status = grpc()
            .header("grpc-status", code)
            .header("grpc-message", "m")
            .status()
            .await;
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unknown, "m"),
            "{code:?}"
        );
    }
    let status = grpc()
        .header("grpc-status", 3)
        .header("grpc-message", "100%, %zz %C3%28")
        .header("grpc-status-details-bin", "not base64!")
        .status()
        .await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "100%, %zz \u{fffd}(");
    assert_eq!(status.details(), b"");
}

#[tokio::test]
async fn details_are_read_with_and_without_padding() {
    for details in ["AQI=", "AQI"] {
        let script = grpc()
            .header("grpc-status", 3)
            .header("grpc-status-details-bin", details);
        assert_eq!(script.status().await.details(), b"\x01\x02", "{details}");
    }
}

#[tokio::test]
async fn trailers_only_carries_status_and_metadata() {
    let refused = grpc().header("grpc-status", 7).header("x-why", "you");
    let status = refused.status().await;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.metadata().get("x-why").unwrap(), "you");
    assert!(status.metadata().get("content-type").is_none());
    // A stream may end well before its first message.
    let empty = grpc().header("grpc-status", 0).header("x-why", "none");
    let trailers = empty.clone().trailers_of_stream().await.unwrap();
    assert_eq!(trailers.get("x-why").unwrap(), "none");
    assert!(trailers.get("content-type").is_none(), "{trailers:?}");
    let trailers = empty
        .clone()
        .header("grpc-message", "fine")
        .trailers_of_stream()
        .await;
    assert_eq!(trailers.unwrap().get("x-why").unwrap(), "none");
    // One reply cannot be none.
    assert_eq!(empty.status().await.code(), Code::Unimplemented);
}

/// Some proxies end a trailers-only response with an empty DATA frame.
#[tokio::test]
async fn a_status_in_the_head_holds_until_something_follows() {
    let head = grpc()
        .header("grpc-status", 8)
        .header("grpc-message", "early");
    let status = head.clone().data(Bytes::new()).status().await;
    assert_eq!(
        (status.code(), status.message()),
        (Code::ResourceExhausted, "early")
    );
    let status = head
        .clone()
        .data(hi())
        .trailer("grpc-status", 10)
        .status()
        .await;
    assert_eq!((status.code(), status.message()), (Code::Aborted, ""));
    let status = head.data(hi()).status().await;
    assert_eq!(status.code(), Code::Unknown);
}

#[tokio::test]
async fn a_unary_reply_is_one_message() {
    let two = Bytes::from([hi(), hi()].concat());
    for (what, data, code) in [
        ("none", Bytes::new(), Code::Unimplemented),
        ("two", two, Code::Unimplemented),
        ("half", frame_of(0, 9, b"x"), Code::Internal),
        ("no protobuf", frame(0, b"\xff\xff"), Code::Internal),
        ("compressed, but how", frame(1, b"x"), Code::Internal),
        (
            "too large",
            frame_of(0, 5 << 20, b"x"),
            Code::ResourceExhausted,
        ),
    ] {
        let status = grpc().data(data).trailer("grpc-status", 0).status().await;
        assert_eq!(status.code(), code, "{what}: {status:?}");
    }
    let failed = grpc().data(hi()).trailer("grpc-status", 6).status().await;
    assert_eq!(
        failed.code(),
        Code::AlreadyExists,
        "a message does not make up for a status"
    );
    let odd = grpc()
        .header("grpc-encoding", "snappy")
        .data(hi())
        .trailer("grpc-status", 0);
    assert_eq!(odd.status().await.code(), Code::Internal);
}

#[tokio::test]
async fn reserved_keys_are_no_metadata() {
    let script = grpc()
        .header("grpc-accept-encoding", "gzip")
        .header("x-mine", 1)
        .data(hi())
        .trailer("grpc-status", 0)
        .trailer("grpc-message", "fine")
        .trailer("content-type", "x/y")
        .trailer("x-mine", 2);
    let (_server, channel) = script.start().await;
    let reply = within(channel.unary(UNARY, note("")).into_future())
        .await
        .unwrap();
    assert_eq!(
        (reply.metadata().len(), reply.trailers().len()),
        (1, 1),
        "{reply:?}"
    );
    assert_eq!(reply.metadata().get("x-mine").unwrap(), "1");
    assert_eq!(reply.trailers().get("x-mine").unwrap(), "2");
}
