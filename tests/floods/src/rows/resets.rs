//! Streams that end as soon as they began: by us, or by the server for our mistakes.

use super::{Flood, Pace, call, message, open, stream};
use crate::{
    Result,
    row::{Outcome, Row, Stage},
    subject::{COLLECT, SLOW},
    wire::{Hello, Peer, frame::*, hpack::Block},
};
use std::time::{Duration, Instant};

const STREAMS: u64 = 20_000;
const CANCEL: u32 = 8;
/// What a server of ours may reset for its peer's mistakes, and as many more as
/// were on their way.
const MADE_RESETS_MAX: u64 = 1_100;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        Row::new("rapid-reset", "HEADERS and RST_STREAM, 100 at once", rapid).ends(),
        Row::new(
            "rapid-reset-paused",
            "the same, reset once their handlers run",
            paused,
        )
        .ends(),
    ];
    rows.extend(PRIMITIVES.map(|primitive| {
        let Primitive { name, title, .. } = primitive;
        Row::new(name, title, move |stage| made(stage, primitive)).resets(MADE_RESETS_MAX)
    }));
    rows
}

async fn rapid(stage: Stage) -> Result<Outcome> {
    let flood = Flood {
        unit: "streams",
        total: stage.count(STREAMS),
        pace: Pace::of(100, 100),
    };
    let make = |number, frames: &mut Frames| {
        open(frames, stream(number), COLLECT.path());
        frames.reset(stream(number), CANCEL);
    };
    flood.play(stage, make).await
}

/// So slowly that each handler has begun, and so soon that nobody could have waited
/// for it: what a busy machine delayed does not count.
async fn paused(stage: Stage) -> Result<Outcome> {
    const BURST: u64 = 50;
    const SOON: Duration = Duration::from_millis(50);
    const LATE_FOR_EACH_SOON: u64 = 4;
    let mut peer = Peer::connect(stage.server, Hello::default()).await?;
    let total = stage.count(STREAMS);
    let (mut sent, mut soon) = (0, 0);
    while soon < total && sent < total * (1 + LATE_FOR_EACH_SOON) {
        let begun = Instant::now();
        let mut opening = Frames::new();
        let mut closing = Frames::new();
        for number in sent..sent + BURST {
            call(&mut opening, stream(number), SLOW.path());
            closing.reset(stream(number), CANCEL);
        }
        sent += BURST;
        if !peer.burst(&opening).await || !peer.burst(&closing).await {
            break;
        }
        if begun.elapsed() < SOON {
            soon += BURST;
        }
    }
    Ok(Outcome::of(&peer, "streams", sent, total.max(sent), BURST))
}

/// A mistake on a stream whose handler runs, for which a server may reset it
/// (CVE-2025-8671).
#[derive(Clone, Copy)]
struct Primitive {
    name: &'static str,
    title: &'static str,
    mistake: fn(&mut Frames, u32),
}

const PRIMITIVES: [Primitive; 6] = [
    Primitive {
        name: "made-reset-window-zero",
        title: "MadeYouReset by WINDOW_UPDATE of 0",
        mistake: |frames, stream| {
            frames.window_update(stream, 0);
        },
    },
    Primitive {
        name: "made-reset-window-overflow",
        title: "MadeYouReset by WINDOW_UPDATE over 2^31-1",
        mistake: |frames, stream| {
            frames.window_update(stream, WINDOW_MAX);
        },
    },
    Primitive {
        name: "made-reset-priority-length",
        title: "MadeYouReset by PRIORITY of 4 bytes",
        mistake: |frames, stream| {
            frames.push(PRIORITY, 0, stream, &[0; 4]);
        },
    },
    Primitive {
        name: "made-reset-priority-self",
        title: "MadeYouReset by PRIORITY on itself",
        mistake: |frames, stream| {
            frames.push(
                PRIORITY,
                0,
                stream,
                &[&stream.to_be_bytes()[..], &[0]].concat(),
            );
        },
    },
    Primitive {
        name: "made-reset-headers",
        title: "MadeYouReset by HEADERS after END_STREAM",
        mistake: |frames, stream| {
            let mut block = Block::new();
            block.literal("x-late", "1");
            frames.headers(stream, block.bytes(), END_STREAM);
        },
    },
    Primitive {
        name: "made-reset-data",
        title: "MadeYouReset by DATA after END_STREAM",
        mistake: |frames, stream| {
            frames.data(stream, &message(&[]), END_STREAM);
        },
    },
];

/// The handlers run when the mistakes come, in bursts small enough for every server.
async fn made(stage: Stage, primitive: Primitive) -> Result<Outcome> {
    const BURST: u64 = 20;
    let mut peer = Peer::connect(stage.server, Hello::default()).await?;
    let total = stage.count(STREAMS);
    let mut sent = 0;
    while sent < total {
        let mut opening = Frames::new();
        let mut mistakes = Frames::new();
        for number in sent..sent + BURST {
            call(&mut opening, stream(number), SLOW.path());
            (primitive.mistake)(&mut mistakes, stream(number));
        }
        sent += BURST;
        if !peer.burst(&opening).await || !peer.burst(&mistakes).await {
            break;
        }
    }
    Ok(Outcome::of(&peer, "streams", sent, total, BURST))
}
