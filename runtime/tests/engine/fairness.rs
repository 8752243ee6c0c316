//! Calls do not wait for the readers of others.

use super::*;
use futures_util::{StreamExt, stream};
use std::sync::Mutex;
use tokio::sync::mpsc;

const REPLY: usize = 100_000;

/// Some windows are shut, some are nearly, and the connection's has room.
#[tokio::test]
async fn a_shut_window_is_its_own_streams_trouble() {
    let serving = serve(limits(), sized()).await;
    for shut in [0, 10] {
        let mut frames = connect(&serving, shut, WINDOW_MAX).await;
        for stream in (1..21).step_by(2) {
            frames
                .write(&asking(stream, UNARY.path(), REPLY as u64))
                .await;
        }
        pong(&mut frames).await;
        for stream in (21..41).step_by(2) {
            frames
                .write(&asking(stream, UNARY.path(), REPLY as u64))
                .await;
            frames.write(&window_update(stream, REPLY as u32 * 2)).await;
            let bytes = whole(&mut frames, stream).await;
            assert_eq!(bytes, reply_bytes(REPLY), "{shut} beside {stream}");
        }
        // Those that waited go on as soon as they may.
        frames.write(&window_update(9, REPLY as u32 * 2)).await;
        let bytes = whole(&mut frames, 9).await;
        assert_eq!(bytes, reply_bytes(REPLY) - whole_before(shut));
    }
}

/// What a stream had sent of its reply before its window was shut.
fn whole_before(window: u32) -> usize {
    window as usize
}

/// The connection's window is what they wait for: each gets its share of it.
#[tokio::test]
async fn a_connections_window_is_shared() {
    let serving = serve(limits(), sized()).await;
    let mut frames = connect(&serving, WINDOW_MAX, 0).await;
    for stream in [1, 3, 5, 7] {
        frames
            .write(&asking(stream, UNARY.path(), REPLY as u64))
            .await;
    }
    let (mut bytes, mut ended) = ([0; 8], 0);
    while ended < 4 {
        let frame = within(frames.next()).await.unwrap();
        if frame.stream == 0 {
            continue;
        }
        ended += usize::from(frame.flags & END_STREAM != 0);
        if frame.kind == DATA && !frame.payload.is_empty() {
            bytes[frame.stream as usize] += frame.payload.len();
            let update = window_update(0, frame.payload.len() as u32);
            frames.write(&update).await;
        }
    }
    for stream in [1, 3, 5, 7] {
        assert_eq!(bytes[stream], reply_bytes(REPLY));
    }
}

/// Two replies that wait for the connection's window, the first of which is
/// given it, and at once can do nothing with it.
async fn a_turn_that_is_lost(lose: &[u8]) {
    let serving = serve(limits(), sized()).await;
    let mut frames = connect(&serving, WINDOW_MAX, 0).await;
    for stream in [1, 3] {
        frames
            .write(&asking(stream, UNARY.path(), REPLY as u64))
            .await;
        assert_eq!(
            within(frames.next_of(HEADERS)).await.unwrap().stream,
            stream
        );
    }
    const MORE: u32 = 20_000;
    // In one piece, so that nobody runs in between.
    frames
        .write(&[&window_update(0, MORE), lose].concat())
        .await;
    let mut bytes = 0;
    while bytes < MORE as usize {
        let frame = within(frames.next_of(DATA)).await.unwrap();
        if frame.stream == 3 {
            bytes += frame.payload.len();
        }
    }
}

#[tokio::test]
async fn who_is_reset_on_its_turn_leaves_it_to_the_next() {
    let reset = Frames::framed(RST_STREAM, 0, 1, &[0, 0, 0, 8]);
    a_turn_that_is_lost(&reset).await;
}

#[tokio::test]
async fn whose_window_shuts_on_its_turn_leaves_it_to_the_next() {
    let shut = settings(&[(INITIAL_WINDOW_SIZE, 0)]);
    let other = window_update(3, 50_000);
    a_turn_that_is_lost(&[shut, other].concat()).await;
}

/// Handlers that wait because all peers together read too little go on once
/// another connection frees what it held.
#[tokio::test]
async fn what_one_connection_frees_lets_another_go_on() {
    let (begin, mut began) = mpsc::channel(16);
    let probe = Probe::echo().unary(move |request| {
        let begin = begin.clone();
        async move {
            let number = request.into_inner().number;
            begin.send(number).await.unwrap();
            Ok(Response::new(Note {
                payload: vec![1; number as usize],
                ..Note::default()
            }))
        }
    });
    // Looks at what others hold a quarter of the grace apart.
    let limits = limits()
        .with_unsent_bytes_max(150_000)
        .with_request_rate_grace(SHORT);
    let serving = serve(limits, probe).await;
    let path = UNARY.path();

    let mut guilty = connect(&serving, 0, WINDOW_MAX).await;
    guilty.write(&asking(1, path, 200_000)).await;
    assert_eq!(within(began.recv()).await, Some(200_000));
    within(guilty.next_of(HEADERS)).await.unwrap();

    let mut waiting = connect(&serving, 10, WINDOW_MAX).await;
    waiting.write(&asking(1, path, 100_000)).await;
    assert_eq!(within(began.recv()).await, Some(100_000));
    within(waiting.next_of(HEADERS)).await.unwrap();
    waiting.write(&asking(3, path, 7)).await;
    pong(&mut waiting).await;
    // Who holds nothing is answered meanwhile, and takes longer than to begin.
    serving.channel().unary(UNARY, note("")).await.unwrap();
    assert_eq!(within(began.recv()).await, Some(0));
    assert!(began.try_recv().is_err(), "both hold too much");

    drop(guilty);
    assert_eq!(within(began.recv()).await, Some(7));
    waiting.write(&window_update(3, 100)).await;
    assert_eq!(whole(&mut waiting, 3).await, reply_bytes(7));
}

/// While all peers together read too little, nothing is made for one that has no
/// window for it, until it has.
#[tokio::test]
async fn nothing_is_made_for_a_shut_window_under_pressure() {
    let (begin, mut began) = mpsc::channel(16);
    let probe = Probe::echo().unary(move |request| {
        let begin = begin.clone();
        async move {
            let number = request.into_inner().number;
            begin.send(number).await.unwrap();
            Ok(Response::new(Note {
                payload: vec![1; number as usize],
                ..Note::default()
            }))
        }
    });
    let serving = serve(limits().with_unsent_bytes_max(150_000), probe).await;
    let path = UNARY.path();
    let mut guilty = connect(&serving, 0, WINDOW_MAX).await;
    guilty.write(&asking(1, path, 200_000)).await;
    assert_eq!(within(began.recv()).await, Some(200_000));
    within(guilty.next_of(HEADERS)).await.unwrap();

    // Its own windows, then that of its connection.
    let mut streams = connect(&serving, 0, WINDOW_MAX).await;
    let mut connection = connect(&serving, WINDOW_MAX, 0).await;
    connection.write(&asking(1, path, 60_000)).await;
    assert_eq!(within(began.recv()).await, Some(60_000));
    assert_eq!(whole(&mut connection, 1).await, reply_bytes(60_000));
    let left = WINDOW_DEFAULT as usize - reply_bytes(60_000);
    connection.write(&asking(3, path, left as u64 - 8)).await;
    assert_eq!(within(began.recv()).await, Some(left as u64 - 8));
    assert_eq!(whole(&mut connection, 3).await, left);
    connection.write(&asking(5, path, 100)).await;
    pong(&mut connection).await;
    streams.write(&asking(1, path, 200)).await;
    pong(&mut streams).await;
    // Who has room for it is answered meanwhile, and takes longer than to begin.
    serving.channel().unary(UNARY, note("")).await.unwrap();
    assert_eq!(within(began.recv()).await, Some(0));
    assert!(began.try_recv().is_err(), "neither has room");

    connection.write(&window_update(0, 1_000)).await;
    assert_eq!(within(began.recv()).await, Some(100));
    assert_eq!(whole(&mut connection, 5).await, reply_bytes(100));
    streams.write(&window_update(1, 1_000)).await;
    assert_eq!(within(began.recv()).await, Some(200));
    assert_eq!(whole(&mut streams, 1).await, reply_bytes(200));
}

/// The same for a handler that has begun: its next message waits.
#[tokio::test]
async fn what_one_connection_frees_lets_a_stream_go_on() {
    let (say, said) = mpsc::channel(1);
    let said = Mutex::new(Some(said));
    let probe = sized().server_streaming(move |_| {
        let said = said.lock().unwrap().take().unwrap();
        let replies = stream::unfold(said, |mut said| async {
            let text: &str = said.recv().await?;
            Some((Ok(note(text)), said))
        });
        async move { Ok(Response::new(replies.boxed())) }
    });
    let limits = limits()
        .with_unsent_bytes_max(150_000)
        .with_request_rate_grace(SHORT);
    let serving = serve(limits, probe).await;
    let mut waiting = connect(&serving, 0, WINDOW_MAX).await;
    let path = SERVER_STREAMING.path();
    let begun = [asking(1, path, 0), window_update(1, 1_000)];
    waiting.write(&begun.concat()).await;
    within(waiting.next_of(HEADERS)).await.unwrap();
    waiting.write(&asking(3, UNARY.path(), 100_000)).await;
    within(waiting.next_of(HEADERS)).await.unwrap();
    let mut guilty = connect(&serving, 0, WINDOW_MAX).await;
    guilty.write(&asking(1, UNARY.path(), 200_000)).await;
    within(guilty.next_of(HEADERS)).await.unwrap();
    pong(&mut guilty).await;

    say.send("late").await.unwrap();
    pong(&mut waiting).await;
    let early = tokio::time::timeout(SHORT, waiting.next_of(DATA)).await;
    assert!(early.is_err(), "both hold too much: {early:?}");
    drop(guilty);
    let late = within(waiting.next_of(DATA)).await.unwrap();
    assert_eq!((late.stream, &late.payload[7..]), (1, &b"late"[..]));
}
