//! What good clients do a lot is no flood.

use super::*;
use tokio::sync::mpsc;

/// Calls that were given up after a while, many times as many as may be given
/// up at once.
#[tokio::test]
async fn calls_that_are_given_up_in_good_faith() {
    let (begin, mut began) = mpsc::channel(200);
    let probe = Probe::echo().client_streaming(move |_| {
        let begin = begin.clone();
        async move {
            begin.send(()).await.unwrap();
            std::future::pending().await
        }
    });
    let limits = limits()
        .with_remote_resets_max(5)
        .with_control_frames_max(20);
    let serving = serve(limits, probe).await;
    let mut frames = connect(&serving, WINDOW_DEFAULT, 0).await;
    let ids = || (1..200).step_by(2);
    for stream in ids() {
        frames.begin(stream, CLIENT_STREAMING.path()).await;
    }
    for _ in ids() {
        within(began.recv()).await.unwrap();
    }
    // None of them is younger than this when it ends.
    tokio::time::sleep(Duration::from_millis(110)).await;
    for stream in ids() {
        frames.send(RST_STREAM, 0, stream, &[0, 0, 0, 8]).await;
    }
    pong(&mut frames).await;
    frames.write(&asking(301, UNARY.path(), 0)).await;
    whole(&mut frames, 301).await;
}

/// For every call that is given up at once there is one that is not.
#[tokio::test]
async fn calls_that_are_given_up_beside_others() {
    let probe = Probe::echo().client_streaming(|_| std::future::pending());
    let serving = serve(limits().with_remote_resets_max(5), probe).await;
    let mut frames = connect(&serving, WINDOW_DEFAULT, 0).await;
    for round in 0..50 {
        let (stream, other) = (4 * round + 1, 4 * round + 3);
        frames.begin(stream, CLIENT_STREAMING.path()).await;
        frames.write(&asking(other, UNARY.path(), 0)).await;
        whole(&mut frames, other).await;
        frames.send(RST_STREAM, 0, stream, &[0, 0, 0, 8]).await;
    }
    pong(&mut frames).await;
}

/// A reader that tells of every 4 KiB, of the stream and of the connection, and
/// only after all of it has come.
#[tokio::test]
async fn window_updates_in_small_steps() {
    const REPLY: usize = 8 << 20;
    const STEP: u32 = 4 << 10;
    let limits = limits().with_control_frames_max(20);
    let serving = serve(limits, sized()).await;
    let mut frames = connect(&serving, WINDOW_MAX, WINDOW_MAX).await;
    frames.write(&asking(1, UNARY.path(), REPLY as u64)).await;
    assert_eq!(whole(&mut frames, 1).await, reply_bytes(REPLY));
    let step = [window_update(1, STEP), window_update(0, STEP)].concat();
    frames.write(&step.repeat(REPLY / STEP as usize)).await;
    pong(&mut frames).await;
    frames.write(&asking(3, UNARY.path(), 1_000)).await;
    assert_eq!(whole(&mut frames, 3).await, reply_bytes(1_000));
}

/// The same while it comes, through windows that hold just one step.
#[tokio::test]
async fn a_window_of_one_step() {
    const STEP: u32 = 4 << 10;
    let limits = limits().with_control_frames_max(20);
    let serving = serve(limits, sized()).await;
    let mut frames = connect(&serving, STEP, 0).await;
    frames.write(&asking(1, UNARY.path(), 1 << 20)).await;
    let mut bytes = 0;
    loop {
        let frame = within(frames.next()).await.unwrap();
        assert_ne!(frame.kind, GOAWAY, "after {bytes} bytes: {frame:?}");
        if frame.stream == 1 && frame.flags & END_STREAM != 0 {
            break;
        }
        if frame.kind == DATA {
            bytes += frame.payload.len();
            let length = frame.payload.len() as u32;
            let updates = [window_update(1, length), window_update(0, length)];
            frames.write(&updates.concat()).await;
        }
    }
    assert_eq!(bytes, reply_bytes(1 << 20));
}

/// A connection of few calls and many answers to the server's own PINGs.
#[tokio::test]
async fn answers_to_keepalive() {
    let limits = limits()
        .with_keepalive_interval(Duration::from_millis(2))
        .with_control_frames_max(3);
    let serving = serve(limits, Probe::echo()).await;
    let mut frames = connect(&serving, WINDOW_DEFAULT, 0).await;
    for _ in 0..60 {
        let ping = within(frames.next_of(PING)).await.unwrap();
        assert_eq!(ping.flags, 0);
        frames.send(PING, ACK, 0, &ping.payload).await;
    }
    frames.write(&asking(1, UNARY.path(), 0)).await;
    whole(&mut frames, 1).await;
    // Answers that nobody asked for are another matter.
    let noise = Frames::framed(PING, ACK, 0, &[0; 8]).repeat(200);
    frames.write(&noise).await;
    let goaway = within(frames.next_of(GOAWAY)).await.unwrap();
    assert_eq!(goaway.payload[4..8], CALM);
    assert_eq!(&goaway.payload[8..], b"too_many_control_frames");
}
