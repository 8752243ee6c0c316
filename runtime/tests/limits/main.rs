//! Every field of `Limits` holds against a peer that does not care. Those of
//! headers, streams and connecting are in `wire`, of the TLS handshake in `tls`.

#[path = "../common/mod.rs"]
mod common;

mod drain;
mod floods;

use common::{raw::*, *};
use cordial_runtime::{Code, Limits, Response, Server};
use futures_util::{StreamExt, stream};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const SHORT: Duration = Duration::from_millis(60);

fn limits() -> Limits {
    Limits::default()
}

async fn serve(limits: Limits, probe: Probe) -> Serving {
    Serving::start(Server::new().limits(limits).add(probe.routes())).await
}

/// Whether the peer closes the connection; what it says before is skipped.
async fn is_closed(mut tcp: TcpStream) {
    let mut said = Vec::new();
    let _ = within(tcp.read_to_end(&mut said)).await;
}

#[tokio::test]
async fn a_connection_must_say_what_it_speaks() {
    let serving = serve(limits().with_preface_timeout(SHORT), Probe::echo()).await;
    for said in [&b""[..], &PREFACE[..10], b"POST / HTTP/1.1\r\nhost:"] {
        let mut tcp = TcpStream::connect(serving.address()).await.unwrap();
        tcp.write_all(said).await.unwrap();
        is_closed(tcp).await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_told_to_go() {
    let serving = serve(limits().with_idle_timeout(SHORT), Probe::echo()).await;
    let client = RawClient::connect(serving.address()).await;
    let mut send = client.send.clone();
    // A polite client goes, and takes no new call.
    within(async {
        while std::future::poll_fn(|cx| send.poll_ready(cx)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_idle_connection_that_does_not_go_is_cut() {
    let limits = limits()
        .with_idle_timeout(SHORT)
        .with_keepalive_timeout(SHORT);
    let serving = serve(limits, Probe::echo()).await;
    let mut frames = Frames::connect(serving.address()).await;
    let goaway = within(frames.next_of(GOAWAY)).await.unwrap();
    assert_eq!(goaway.payload[4..8], [0; 4], "NO_ERROR");
    assert_eq!(&goaway.payload[8..], b"max_idle");
    let last = within(frames.next_of(GOAWAY)).await.unwrap();
    assert_eq!(last.payload[..4], [0; 4], "no stream was served");
    assert_eq!(within(frames.next_of(GOAWAY)).await, None);
}

#[tokio::test]
async fn a_call_in_flight_keeps_its_connection() {
    let probe = Probe::echo().unary(|request| async {
        tokio::time::sleep(5 * SHORT).await;
        Ok(request.into_inner().into())
    });
    let limits = limits()
        .with_idle_timeout(SHORT)
        .with_keepalive_timeout(SHORT);
    let serving = serve(limits, probe).await;
    let channel = serving.channel();
    for _ in 0..2 {
        let reply = within(channel.unary(UNARY, note("slow")).into_future()).await;
        assert_eq!(reply.unwrap().into_inner().text, "slow");
        // The connection is closed in between, and the channel makes another.
        tokio::time::sleep(3 * SHORT).await;
    }
}

#[tokio::test]
async fn connections_over_the_limit_wait() {
    let serving = serve(limits().with_connections_max(1), Probe::echo()).await;
    let first = serving.channel();
    first.unary(UNARY, note("first")).await.unwrap();
    let second = serving.channel();
    let waiting = tokio::spawn(second.unary(UNARY, note("second")).into_future());
    for _ in 0..20 {
        first.unary(UNARY, note("first")).await.unwrap();
    }
    assert!(!waiting.is_finished());
    drop(first);
    assert!(within(waiting).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_silent_peer_is_asked_and_cut() {
    let (alive, gone) = alive();
    let alive = std::sync::Mutex::new(Some(alive));
    let probe = Probe::echo().client_streaming(move |_| {
        let held = alive.lock().unwrap().take();
        async move {
            let _held = held;
            std::future::pending().await
        }
    });
    let limits = limits()
        .with_keepalive_interval(SHORT)
        .with_keepalive_timeout(SHORT);
    let serving = serve(limits, probe).await;
    let mut frames = Frames::connect(serving.address()).await;
    frames.begin(1, CLIENT_STREAMING.path()).await;
    assert!(within(frames.next_of(PING)).await.is_some());
    // It does not answer: its call ends with it.
    gone.wait().await;
    assert_eq!(within(frames.next_of(0xff)).await, None);
}

#[tokio::test]
async fn a_channel_leaves_a_silent_server() {
    let server = RawServer::start(|asked: Asked| async move {
        // Holds the call, and lets the connection answer no PING from now on.
        asked.orders.send(Order::Hang).await.unwrap();
        let _held = asked;
        std::future::pending().await
    })
    .await;
    let limits = limits()
        .with_keepalive_interval(SHORT)
        .with_keepalive_timeout(SHORT);
    let channel = cordial_runtime::Channel::to(&server.uri)
        .unwrap()
        .with_limits(limits);
    let status = within(channel.unary(UNARY, note("")).into_future())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}

#[tokio::test]
async fn messages_over_the_limit_are_not_read() {
    let limits = limits().with_message_bytes_max(1_000);
    let large = || Note {
        payload: vec![0; 1_001],
        ..Note::default()
    };
    let fits = || Note {
        payload: vec![0; 900],
        ..Note::default()
    };
    let serving = serve(limits.clone(), Probe::echo()).await;
    let channel = serving.channel();
    channel.unary(UNARY, fits()).await.unwrap();
    let status = channel.unary(UNARY, large()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("message_bytes_max"), "{status:?}");
    let mut replies = channel
        .bidi_streaming(BIDI, stream::iter([fits(), large()]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(replies.message().await.unwrap(), Some(fits()));
    let status = replies.message().await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    // The same for what a channel reads.
    let serving = serve(Limits::default(), Probe::echo()).await;
    let channel = serving.channel().with_limits(limits);
    let status = channel.unary(UNARY, large()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(
        channel.unary(UNARY, fits()).await.unwrap().into_inner(),
        fits()
    );
}

/// What the server's first frames say of its limits: id and value.
async fn settings(frames: &mut Frames) -> Vec<(u16, u32)> {
    let frame = within(frames.next_of(SETTINGS)).await.unwrap();
    let each = frame.payload.chunks(6).map(|setting| {
        let id = u16::from_be_bytes([setting[0], setting[1]]);
        (
            id,
            u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]),
        )
    });
    each.collect()
}

#[tokio::test]
async fn peers_are_told_the_limits() {
    const WINDOW_UPDATE: u8 = 8;
    let limits = limits()
        .with_streams_per_connection_max(7)
        .with_header_bytes_max(5_000)
        .with_unread_bytes_per_stream_max(100_000)
        .with_unread_bytes_per_connection_max(1_000_000);
    let serving = serve(limits, Probe::echo()).await;
    let mut frames = Frames::connect(serving.address()).await;
    let settings = settings(&mut frames).await;
    for setting in [(3, 7), (4, 100_000), (6, 5_000)] {
        assert!(
            settings.contains(&setting),
            "{setting:?} is not among {settings:?}"
        );
    }
    let window = within(frames.next_of(WINDOW_UPDATE)).await.unwrap();
    assert_eq!(window.stream, 0);
    assert_eq!(window.payload, (1_000_000u32 - 65_535).to_be_bytes());
}

#[tokio::test]
async fn in_process_streams_wait_for_their_reader() {
    let made = Arc::new(AtomicU64::new(0));
    let counter = made.clone();
    let probe = Probe::echo().server_streaming(move |_| {
        let made = counter.clone();
        let replies = stream::repeat_with(move || {
            made.fetch_add(1, Ordering::SeqCst);
            Ok(note(""))
        });
        async move { Ok(Response::new(replies.boxed())) }
    });
    let limits = limits().with_in_process_messages_max(1);
    let channel = Server::new()
        .limits(limits)
        .add(probe.routes())
        .in_process()
        .unwrap();
    let replies = channel
        .server_streaming(SERVER_STREAMING, note(""))
        .await
        .unwrap();
    let mut replies = replies.into_inner();
    for read in 1..50 {
        replies.message().await.unwrap().unwrap();
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        // One waits in between, one is in the sender's hand.
        assert!(made.load(Ordering::SeqCst) <= read + 2);
    }
}

/// As large as their types: nothing overflows, nothing panics.
#[tokio::test]
async fn every_limit_may_be_lifted() {
    let limits = Limits::default()
        .with_message_bytes_max(usize::MAX)
        .with_connections_max(usize::MAX)
        .with_calls_max(usize::MAX)
        .with_queued_calls_max(usize::MAX)
        .with_queue_timeout(Duration::MAX)
        .with_request_bytes_per_second_min(0)
        .with_request_rate_grace(Duration::MAX)
        .with_streams_per_connection_max(u32::MAX)
        .with_unread_bytes_per_stream_max(u32::MAX)
        .with_unread_bytes_per_connection_max(u32::MAX)
        .with_header_bytes_max(u32::MAX)
        .with_local_resets_max(usize::MAX)
        .with_pending_resets_max(usize::MAX)
        .with_handshake_timeout(Duration::MAX)
        .with_preface_timeout(Duration::MAX)
        .with_idle_timeout(Duration::MAX)
        .with_keepalive_interval(Duration::MAX)
        .with_keepalive_timeout(Duration::MAX)
        .with_drain_grace(Duration::MAX)
        .with_connect_timeout(Duration::MAX)
        .with_in_process_messages_max(usize::MAX);
    let mut serving = serve(limits.clone(), Probe::echo()).await;
    let channel = serving.channel().with_limits(limits.clone());
    let call = |channel: &cordial_runtime::Channel| {
        channel
            .bidi_streaming(BIDI, stream::iter([note("a")]))
            .into_future()
    };
    let replies = within(call(&channel)).await.unwrap().into_inner();
    assert_eq!(within(replies.count()).await, 1);
    let mut http_1 = TcpStream::connect(serving.address()).await.unwrap();
    http_1
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    within(http_1.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
    let local = Server::new()
        .limits(limits)
        .add(Probe::echo().routes())
        .in_process()
        .unwrap();
    let replies = within(call(&local)).await.unwrap().into_inner();
    assert_eq!(within(replies.count()).await, 1);
    drop(channel);
    serving.ask_to_stop();
    serving.stopped().await;
}
