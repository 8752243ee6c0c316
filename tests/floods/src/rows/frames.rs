//! Frames that carry nothing, very many of them.

use super::{Flood, Pace, call, open, stream};
use crate::{
    Result,
    row::{Outcome, Row, Stage},
    subject::{ECHO, UNREAD},
    wire::{Hello, frame::*, hpack::Block},
};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = of_the_connection();
    rows.extend(of_a_stream());
    rows
}

fn of_the_connection() -> Vec<Row> {
    let alone = Frames::new;
    vec![
        Row::new("ping", "PING, each answer read", move |stage| {
            flood(stage, 500_000, alone(), |_, frames| {
                frames.push(PING, 0, 0, &[7; 8]);
            })
        })
        .ends(),
        Row::new("settings", "SETTINGS, each answer read", move |stage| {
            flood(stage, 200_000, alone(), |_, frames| {
                frames.settings(&[]);
            })
        })
        .ends(),
        Row::new(
            "priority",
            "PRIORITY of streams that never were",
            move |stage| {
                flood(stage, 500_000, alone(), |number, frames| {
                    frames.push(PRIORITY, 0, stream(number % 100_000), &[0, 0, 0, 0, 16]);
                })
            },
        ),
        Row::new(
            "unknown-type",
            "frames of a type nobody knows",
            move |stage| {
                flood(stage, 500_000, alone(), |_, frames| {
                    frames.push(0x42, 0, 0, &[1]);
                })
            },
        ),
    ]
}

fn of_a_stream() -> Vec<Row> {
    let unread = || {
        let mut first = Frames::new();
        open(&mut first, stream(0), UNREAD.path());
        first
    };
    let closed = || {
        let mut first = Frames::new();
        call(&mut first, stream(0), ECHO.path());
        first
    };
    vec![
        Row::new("data-empty", "empty DATA that nobody reads", move |stage| {
            flood(stage, 2_000_000, unread(), |_, frames| {
                frames.data(stream(0), &[], 0);
            })
        })
        .ends(),
        Row::new(
            "data-padded",
            "DATA of nothing but padding, within its window",
            padded,
        ),
        Row::new("window-update", "WINDOW_UPDATE of 1", move |stage| {
            // From no window at all, so that half a million do not overflow it.
            flood(stage, 500_000, unread(), |number, frames| {
                frames.window_update(stream(0) * (number % 2) as u32, 1);
            })
        }),
        Row::new(
            "reset-closed",
            "RST_STREAM of a stream that has ended",
            move |stage| {
                flood(stage, 200_000, closed(), |_, frames| {
                    frames.reset(stream(0), 8);
                })
            },
        ),
        Row::new("push-promise", "PUSH_PROMISE from a client", move |stage| {
            flood(stage, 10, unread(), |_, frames| {
                let promised = 2u32.to_be_bytes();
                let block = Block::request(ECHO.path());
                let payload = [&promised[..], block.bytes()].concat();
                frames.push(PUSH_PROMISE, END_HEADERS, stream(0), &payload);
            })
        })
        .ends(),
    ]
}

async fn flood(
    stage: Stage,
    total: u64,
    first: Frames,
    make: impl FnMut(u64, &mut Frames),
) -> Result<Outcome> {
    let flood = Flood {
        unit: "frames",
        total: stage.count(total),
        pace: Pace::of(1, 5_000),
    };
    // Windows of the default size have room for what such a flood adds.
    let hello = Hello {
        stream_window: WINDOW_DEFAULT,
        window: WINDOW_DEFAULT,
    };
    flood.play_on(stage, hello, &first, make).await
}

/// Padding counts against the window (RFC 9113, section 6.1), and a server that
/// never gives it back is done with us.
async fn padded(stage: Stage) -> Result<Outcome> {
    use crate::wire::Peer;
    use std::time::Duration;
    const PADDING: usize = 255;
    const WAIT: Duration = Duration::from_millis(300);
    let frame_bytes = PADDING as i64 + 1;
    let total = stage.count(100_000);
    let payload = [&[PADDING as u8][..], &[0; PADDING]].concat();

    let mut peer = Peer::connect(stage.server, Hello::default()).await?;
    let mut first = Frames::new();
    open(&mut first, stream(0), UNREAD.path());
    peer.burst(&first).await;
    let (mut sent, mut burst) = (0, 0);
    while sent < total {
        let room = |seen: &crate::wire::Seen| {
            let spent = sent as i64 * frame_bytes;
            let granted = seen.granted.get(&stream(0)).copied().unwrap_or_default();
            (seen.window - spent).min(seen.stream_window + granted - spent) / frame_bytes
        };
        if !peer
            .wait_until(WAIT, |seen| seen.is_over() || room(seen) > 0)
            .await
        {
            let outcome = Outcome::of(&peer, "frames", sent, total, burst);
            return Ok(outcome.with_note("the window stays shut".into()));
        }
        let room = room(&peer.seen()).max(0) as u64;
        burst = Pace::of(1, 1_000).burst(sent).min(total - sent).min(room);
        let mut frames = Frames::new();
        for _ in 0..burst {
            frames.push(DATA, PADDED, stream(0), &payload);
        }
        sent += burst;
        if !peer.burst(&frames).await {
            break;
        }
    }
    Ok(Outcome::of(&peer, "frames", sent, total, burst))
}
