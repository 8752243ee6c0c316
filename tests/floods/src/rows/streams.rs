//! Streams that stay open.

use super::{Flood, Pace, call, message, open, stream};
use crate::{
    Result,
    row::{Outcome, Row, Stage},
    subject::{COLLECT, SLOW, UNREAD},
    wire::{Hello, Peer, Seen, frame::*},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "open-streams",
            "calls whose handlers take their time",
            open_streams,
        ),
        Row::new(
            "unread-streams",
            "200 streams, each filled to its window",
            unread_streams,
        ),
        Row::new(
            "over-window",
            "DATA beyond the connection's window",
            over_window,
        )
        .ends(),
        Row::new(
            "slow-body",
            "a request of which a byte comes each second",
            slow_body,
        )
        .waits(),
    ]
}

async fn open_streams(stage: Stage) -> Result<Outcome> {
    let flood = Flood {
        unit: "streams",
        total: stage.count(20_000),
        pace: Pace::of(100, 100),
    };
    let make = |number, frames: &mut Frames| call(frames, stream(number), SLOW.path());
    flood.play(stage, make).await
}

/// How long to wait for a window to open; what has been shut for that long stays so.
const WAIT: Duration = Duration::from_millis(200);

/// The part of a message longer than any window that comes after `sent` bytes of it.
fn part(sent: i64, bytes: i64) -> Vec<u8> {
    const HEAD: [u8; 5] = [0, 0, 0x3f, 0xff, 0xff];
    let rest = HEAD.get(sent as usize..).unwrap_or_default();
    let mut part = rest.to_vec();
    part.resize(bytes as usize, 1);
    part
}

/// As many bytes as the server allows, and none more.
async fn unread_streams(stage: Stage) -> Result<Outcome> {
    const STREAMS: u64 = 200;
    let mut peer = Peer::connect(stage.server, Hello::default()).await?;
    let mut spent = 0;
    let mut shut = false;
    let mut opened = 0;
    while opened < STREAMS && peer.ending().is_none() {
        let id = stream(opened);
        let mut frames = Frames::new();
        open(&mut frames, id, UNREAD.path());
        peer.burst(&frames).await;
        opened += 1;
        let mut sent = 0;
        while !shut {
            let most = PAYLOAD_BYTES_MAX as i64;
            let fits = |seen: &Seen| most.min(seen.window - spent).min(seen.stream_window - sent);
            if peer.seen().stream_window == sent {
                break;
            }
            shut = !peer
                .wait_until(WAIT, |seen| seen.is_over() || fits(seen) > 0)
                .await;
            let bytes = fits(&peer.seen()).max(0);
            let mut frames = Frames::new();
            frames.data(id, &part(sent, bytes), 0);
            (spent, sent) = (spent + bytes, sent + bytes);
            if shut || !peer.burst(&frames).await {
                break;
            }
        }
    }
    sleep(stage.hold()).await;
    let outcome = Outcome::of(&peer, "streams", opened, STREAMS, 1);
    Ok(outcome.with_note(format!("{} KiB fit", spent >> 10)))
}

/// Each stream within its window, all of them together beyond the connection's.
async fn over_window(stage: Stage) -> Result<Outcome> {
    let mut peer = Peer::connect(stage.server, Hello::default()).await?;
    let total = stage.count(20_000);
    let (mut id, mut sent) = (0, 0);
    let mut taken = 0;
    while taken < total {
        let mut frames = Frames::new();
        let room = peer.seen().stream_window - sent;
        if taken == 0 || room == 0 {
            (id, sent) = (
                stream(if taken == 0 { 0 } else { u64::from(id / 2 + 1) }),
                0,
            );
            open(&mut frames, id, UNREAD.path());
        }
        let room = peer.seen().stream_window - sent;
        let bytes = room.min(PAYLOAD_BYTES_MAX as i64);
        frames.data(id, &part(sent, bytes), 0);
        sent += bytes;
        taken += 1;
        if !peer.burst(&frames).await {
            break;
        }
    }
    Ok(Outcome::of(&peer, "frames", taken, total, 1))
}

/// A message of 1,000 bytes that nobody has the time to wait for.
async fn slow_body(stage: Stage) -> Result<Outcome> {
    let total = if stage.quick { 8 } else { 35 };
    let mut peer = Peer::connect(stage.server, Hello::default()).await?;
    let mut first = Frames::new();
    open(&mut first, stream(0), COLLECT.path());
    first.data(stream(0), &message(&[0; 1_000])[..5], 0);
    peer.burst(&first).await;
    let begun = Instant::now();
    let mut sent = 0;
    while sent < total && !peer.seen().answers.contains_key(&stream(0)) {
        sleep(Duration::from_secs(1)).await;
        let mut byte = Frames::new();
        byte.data(stream(0), &[1], 0);
        sent += 1;
        if !peer.burst(&byte).await {
            break;
        }
    }
    let outcome = Outcome::of(&peer, "bytes", sent, total, 1);
    Ok(outcome.with_note(format!("after {:.0} s", begun.elapsed().as_secs_f64())))
}
