//! Connections that go away, never were, or refuse.

use crate::common::{raw::*, *};
use cordial_runtime::{Channel, Code, Limits, Server};
use http::{HeaderMap, Response};
use prost::Message;
use std::{pin::pin, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
};

/// Answers with the number of the connection.
async fn numbered(asked: &mut Asked) -> h2::SendStream<bytes::Bytes> {
    let head = Response::builder().header("content-type", "application/grpc");
    let mut stream = asked
        .respond
        .send_response(head.body(()).unwrap(), false)
        .unwrap();
    let number = Note {
        number: asked.connection as u64,
        ..Note::default()
    };
    stream
        .send_data(frame(0, &number.encode_to_vec()), false)
        .unwrap();
    stream
}

fn end(mut stream: h2::SendStream<bytes::Bytes>) {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
}

async fn number(channel: &Channel) -> u64 {
    let reply = within(channel.unary(UNARY, note("")).into_future())
        .await
        .unwrap();
    reply.into_inner().number
}

#[tokio::test]
async fn after_a_goaway_the_next_call_connects_anew() {
    let server = RawServer::start(|mut asked| async move {
        let stream = numbered(&mut asked).await;
        asked.orders.send(Order::GoAway).await.unwrap();
        end(stream);
    })
    .await;
    let channel = Channel::to(&server.uri).unwrap();
    // The first GOAWAY lets a call in that it crossed on the way, the second none.
    let mut last = 0;
    while last < 5 {
        let next = number(&channel).await;
        assert!(next == last || next == last + 1, "{next} after {last}");
        last = next;
    }
}

#[tokio::test]
async fn a_goaway_lets_the_calls_in_flight_end() {
    let (finish, finished) = tokio::sync::watch::channel(false);
    let server = RawServer::start(move |mut asked| {
        let mut finished = finished.clone();
        async move {
            let held = asked.request.uri().path() == SERVER_STREAMING.path();
            let stream = numbered(&mut asked).await;
            if held {
                asked.orders.send(Order::GoAway).await.unwrap();
                finished.wait_for(|finished| *finished).await.unwrap();
            }
            end(stream);
        }
    })
    .await;
    let channel = Channel::to(&server.uri).unwrap();
    let replies = channel.server_streaming(SERVER_STREAMING, note(""));
    let mut replies = within(replies.into_future()).await.unwrap().into_inner();
    assert_eq!(within(replies.message()).await.unwrap().unwrap().number, 0);
    // A call that the GOAWAY crossed on the way is still answered there.
    while number(&channel).await == 0 {}
    finish.send(true).unwrap();
    assert_eq!(within(replies.message()).await.unwrap(), None);
}

#[tokio::test]
async fn a_connection_that_breaks_ends_its_calls_unavailable() {
    let server = RawServer::start(|mut asked| async move {
        let stream = numbered(&mut asked).await;
        match asked.connection {
            // Before the message has left, and after.
            0 | 1 => {
                if asked.connection == 1 {
                    asked.request.body_mut().data().await;
                    tokio::task::yield_now().await;
                }
                asked.orders.send(Order::Break).await.unwrap();
                std::future::pending::<()>().await;
            }
            _ => end(stream),
        }
    })
    .await;
    let channel = Channel::to(&server.uri).unwrap();
    for _ in 0..2 {
        let status = within(channel.unary(UNARY, note("")).into_future())
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
    assert_eq!(number(&channel).await, 2);
}

/// A listener that does `what` with each connection.
async fn listener<F>(what: impl Fn(tokio::net::TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(what(tcp));
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_peer_must_greet() {
    let closes = listener(|tcp| async { drop(tcp) }).await;
    let http_1 = listener(|mut tcp| async move {
        let mut byte = [0];
        let _ = tcp.read_exact(&mut byte).await;
        let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = tcp.read_to_end(&mut Vec::new()).await;
    })
    .await;
    for (uri, words) in [
        (closes, "closed the connection before it served"),
        (http_1, "speaks no HTTP/2"),
    ] {
        let channel = Channel::to(uri).unwrap();
        let status = within(channel.unary(UNARY, note("")).into_future())
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert!(status.message().contains(words), "{status:?}");
    }
    // One that takes connections and says nothing is not there either.
    let silent = listener(|tcp| async move {
        let _held = tcp;
        std::future::pending().await
    })
    .await;
    let limits = Limits::default().with_connect_timeout(std::time::Duration::from_millis(50));
    let channel = Channel::to(silent).unwrap().with_limits(limits);
    let status = within(channel.unary(UNARY, note("")).into_future())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("within 50ms"), "{status:?}");
}

#[tokio::test]
async fn streams_over_the_limit_are_refused() {
    let limits = Limits::default().with_streams_per_connection_max(2);
    let probe = Probe::echo().client_streaming(|_| std::future::pending());
    let serving = Serving::start(Server::new().limits(limits).add(probe.routes())).await;
    let mut frames = Frames::connect(serving.address()).await;
    for stream in [1, 3, 5] {
        frames.begin(stream, "/test.v1.Probe/ClientStreaming").await;
    }
    let refused = within(frames.next_of(RST_STREAM)).await.unwrap();
    assert_eq!(
        (refused.stream, &refused.payload[..]),
        (5, &[0, 0, 0, 7][..])
    );
}

/// Our own channel keeps to the server's limit: the rest of the calls wait.
#[tokio::test]
async fn a_channel_queues_what_the_server_would_refuse() {
    let limits = Limits::default().with_streams_per_connection_max(2);
    let serving = Serving::start(Server::new().limits(limits).add(Probe::echo().routes())).await;
    let channel = serving.channel();
    let calls = (0..50).map(|_| channel.unary(UNARY, note("")).into_future());
    let replies = within(futures_util::future::join_all(calls)).await;
    assert!(replies.iter().all(Result::is_ok), "{replies:?}");
}

/// What is on its way when a connection fails may arrive, so it is not made again:
/// the methods of this service declare no idempotency.
#[tokio::test]
async fn a_call_on_its_way_to_a_peer_that_errs_is_not_made_again() {
    const SETTINGS: [u8; 15] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff];
    const WINDOW: [u8; 13] = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0];
    const PUSH_PROMISE: [u8; 13] = [0, 0, 4, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2];
    let (came, begun) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tells, told) = (came.clone(), begun.clone());
    let uri = listener(move |mut tcp| {
        let (tells, told) = (tells.clone(), told.clone());
        async move {
            tcp.write_all(&SETTINGS).await.unwrap();
            tcp.write_all(&WINDOW).await.unwrap();
            let path = UNARY.path().as_bytes();
            let mut read = Vec::new();
            while !read.windows(path.len()).any(|part| part == path) {
                tcp.read_buf(&mut read).await.unwrap();
            }
            tells.notify_one();
            told.notified().await;
            tcp.write_all(&PUSH_PROMISE).await.unwrap();
            let _ = tcp.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let channel = Channel::to(uri).unwrap();
    // More than the sockets take while nobody reads.
    let large = note(&"x".repeat(16 << 20));
    let mut first = pin!(channel.unary(UNARY, large).into_future());
    tokio::select! {
        biased;
        ended = first.as_mut() => panic!("{ended:?}"),
        () = came.notified() => {}
    }
    // Each turn takes at least a frame of it, until the sockets are full.
    for _ in 0..(16 << 20) / (16 << 10) {
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    let mut second = pin!(channel.unary(UNARY, note("")).into_future());
    assert!(futures_util::poll!(second.as_mut()).is_pending());
    begun.notify_one();
    for status in [within(first).await, within(second).await] {
        let status = status.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    }
}
