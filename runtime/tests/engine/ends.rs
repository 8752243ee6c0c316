//! How connections end, of peers that make it hard.

use super::*;
use futures_util::{StreamExt, stream};
use std::{sync::Mutex, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

/// What closing takes, on a machine that does other work too.
const SLACK: Duration = Duration::from_millis(1_500);

/// Server streams that never end, and what tells that the first was dropped.
fn endless() -> (Probe, Gone) {
    let (alive, gone) = alive();
    let alive = Mutex::new(Some(alive));
    let probe = Probe::echo().server_streaming(move |_| {
        let held = alive.lock().unwrap().take();
        let replies = stream::repeat_with(move || {
            let _held = &held;
            Ok(Note {
                payload: vec![1; 100_000],
                ..Note::default()
            })
        });
        async move { Ok(Response::new(replies.boxed())) }
    });
    (probe, gone)
}

/// Nothing is read that the server says, and the headers go on for ever.
#[tokio::test]
async fn headers_without_an_end_on_a_socket_that_is_not_read() {
    let (probe, gone) = endless();
    // A second connection waits for the end of the first.
    let limits = limits()
        .with_connections_max(1)
        .with_header_timeout(2 * SHORT);
    let serving = serve(limits, probe).await;
    let mut frames = connect(&serving, WINDOW_MAX, WINDOW_MAX).await;
    frames.write(&asking(1, SERVER_STREAMING.path(), 0)).await;
    within(frames.next_of(HEADERS)).await.unwrap();
    let mut opening = Frames::opening(3, UNARY.path());
    // Without END_HEADERS.
    opening[4] = 0;
    frames.write(&opening).await;
    let begun = Instant::now();
    gone.wait().await;
    let channel = serving.channel();
    let call = channel.unary(UNARY, note("next")).into_future();
    within(call).await.unwrap();
    let took = begun.elapsed();
    assert!(took < 2 * SHORT + SLACK, "{took:?}");
    drop(frames);
}

#[tokio::test]
async fn an_old_connection_is_cut_after_its_grace() {
    let (probe, gone) = endless();
    let limits = limits()
        .with_connection_age_max(SHORT)
        .with_connection_age_grace(SHORT);
    let server = Server::new().limits(limits).add(probe.routes());
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    // No window, so that the call stays as it is.
    let mut frames = connect(&serving, 0, 0).await;
    let begun = Instant::now();
    frames.write(&asking(1, SERVER_STREAMING.path(), 0)).await;
    let warning = within(frames.next_of(GOAWAY)).await.unwrap();
    assert_eq!(warning.payload[..8], [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    assert_eq!(&warning.payload[8..], b"max_age");
    let farewell = within(frames.next_of(PING)).await.unwrap();
    frames.send(PING, ACK, 0, &farewell.payload).await;
    let last = within(frames.next_of(GOAWAY)).await.unwrap();
    assert_eq!(last.payload[..4], [0, 0, 0, 1], "the call is served");
    assert_eq!(within(frames.next()).await, None);
    gone.wait().await;
    let took = begun.elapsed();
    assert!(took >= 2 * SHORT - SHORT / 5, "{took:?}: before its time");
    assert!(took < 2 * SHORT + SLACK, "{took:?}");
    for limit in [
        cordial_runtime::Limit::ConnectionAgeMax,
        cordial_runtime::Limit::ConnectionAgeGrace,
    ] {
        assert_eq!(metrics.times_reached(limit), 1, "{limit:?}");
    }
}

/// The last call is served whole, and so is one that the peer began before it heard.
#[tokio::test]
async fn calls_that_cross_the_farewell_are_served() {
    let limits = limits().with_connection_age_max(SHORT);
    let serving = serve(limits, sized()).await;
    let mut frames = connect(&serving, WINDOW_DEFAULT, 0).await;
    frames
        .write(&Frames::opening(1, CLIENT_STREAMING.path()))
        .await;
    within(frames.next_of(GOAWAY)).await.unwrap();
    frames.write(&asking(3, UNARY.path(), 1_000)).await;
    let farewell = within(frames.next_of(PING)).await.unwrap();
    frames.send(PING, ACK, 0, &farewell.payload).await;
    assert_eq!(
        whole_or_goaway(&mut frames, 3).await,
        (reply_bytes(1_000), 3)
    );
    frames.send(DATA, END_STREAM, 1, &[]).await;
    let mut ended = false;
    while let Some(frame) = within(frames.next()).await {
        ended |= frame.stream == 1 && frame.flags & END_STREAM != 0;
    }
    assert!(ended);
}

/// The bytes of a stream's data until it ends, and the last stream of the GOAWAY
/// on the way.
async fn whole_or_goaway(frames: &mut Frames, stream: u32) -> (usize, u32) {
    let (mut bytes, mut last, mut ended) = (0, None, false);
    while !ended || last.is_none() {
        let frame = within(frames.next()).await.unwrap();
        if frame.kind == GOAWAY {
            last = Some(u32::from_be_bytes(frame.payload[..4].try_into().unwrap()));
        } else if frame.stream == stream {
            ended |= frame.flags & END_STREAM != 0;
            bytes += if frame.kind == DATA {
                frame.payload.len()
            } else {
                0
            };
        }
    }
    (bytes, last.unwrap())
}

/// A socket file in the directory of temporary files.
struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// On a Unix socket, which keeps little on the way: what the reader has not
/// read, the server still has.
#[tokio::test]
async fn a_drain_waits_for_a_slow_reader_of_a_finished_reply() {
    // Long enough that all of the farewell is said before it is read.
    const REPLY: usize = 2 << 20;
    let name = format!("cordial-engine-{}.sock", std::process::id());
    let path = Scratch(std::env::temp_dir().join(name));
    let server = Server::new().add(sized().routes());
    let uri = format!("unix://{}", path.0.display());
    let mut serving = Serving::start_at(server, uri).await;
    let mut unix = UnixStream::connect(&path.0).await.unwrap();
    let hello = [
        PREFACE,
        &settings(&[(INITIAL_WINDOW_SIZE, WINDOW_MAX)]),
        &window_update(0, WINDOW_MAX - WINDOW_DEFAULT),
        &asking(1, UNARY.path(), REPLY as u64),
    ];
    unix.write_all(&hello.concat()).await.unwrap();
    let mut said = Vec::new();
    while said.len() < 1_000 {
        within(unix.read_buf(&mut said)).await.unwrap();
    }
    serving.ask_to_stop();
    loop {
        let before = said.len();
        let mut piece = (&mut unix).take(64 << 10);
        within(piece.read_to_end(&mut said)).await.unwrap();
        if said.len() == before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (mut rest, mut bytes, mut ended) = (&said[..], 0, false);
    while !rest.is_empty() {
        let length = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]) as usize;
        let (kind, flags, stream) = (rest[3], rest[4], rest[8]);
        if stream == 1 {
            ended |= flags & END_STREAM != 0;
            bytes += if kind == DATA { length } else { 0 };
        }
        rest = &rest[9 + length..];
    }
    assert_eq!((bytes, ended), (reply_bytes(REPLY), true));
    drop(unix);
    serving.stopped().await;
}
