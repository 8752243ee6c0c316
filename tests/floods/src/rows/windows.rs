//! Replies that nobody takes.

use super::{call, stream};
use crate::{
    Result,
    row::{Outcome, Row, Stage, answers},
    subject::{ENDLESS, LARGE, Stack},
    wire::{Hello, Peer, frame::*},
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    time::{Instant, sleep, timeout},
};

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "zero-window",
            "10 connections x 200 replies of 4 MiB, no window",
            |stage| unread_replies(stage, 0),
        )
        .growth_mib(32)
        .handlers(2_000),
        Row::new(
            "small-window",
            "the same with windows of one byte",
            |stage| unread_replies(stage, 1),
        )
        .growth_mib(72)
        .handlers(2_000),
        Row::new(
            "slow-reader",
            "100 endless replies, a byte read each second",
            slow_reader,
        )
        .waits(),
    ]
}

/// Stock tonic holds gigabytes after ten of them: where it should go quickly,
/// it gets one.
async fn unread_replies(stage: Stage, stream_window: u32) -> Result<Outcome> {
    const CALLS: u64 = 200;
    let connections = match (stage.stack, stage.quick) {
        (Stack::Tonic, true) => 1,
        _ => 10,
    };
    let hello = Hello {
        stream_window,
        window: WINDOW_DEFAULT,
    };
    let mut peers = Vec::new();
    let mut burst = Frames::new();
    for number in 0..CALLS {
        call(&mut burst, stream(number), LARGE.path());
    }
    let mut taken = 0;
    for _ in 0..connections {
        let mut peer = Peer::connect(stage.server, hello).await?;
        peer.burst(&burst).await;
        taken += CALLS;
        peers.push(peer);
    }
    sleep(stage.hold()).await;
    let seen: Vec<_> = peers.iter().map(Peer::seen).collect();
    let resets = seen.iter().map(|seen| seen.resets()).sum();
    let answers = answers(seen.iter().map(|seen| &**seen));
    drop(seen);
    Ok(Outcome {
        taken,
        of: connections * CALLS,
        burst: CALLS,
        unit: "requests",
        ending: peers.iter().find_map(Peer::ending),
        resets,
        answers,
        note: format!("{connections} connections"),
        fault: None,
    })
}

/// Windows as large as they get, but nobody takes what fills the socket.
async fn slow_reader(stage: Stage) -> Result<Outcome> {
    const CALLS: u64 = 100;
    const RECEIVE_BYTES: u32 = 4 << 10;
    let total = if stage.quick { 8 } else { 35 };
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    let mut tcp = socket.connect(stage.server).await?;
    let mut first = Frames::new();
    first.settings(&[(INITIAL_WINDOW_SIZE, WINDOW_MAX)]);
    first.window_update(0, WINDOW_MAX - WINDOW_DEFAULT);
    for number in 0..CALLS {
        call(&mut first, stream(number), ENDLESS.path());
    }
    tcp.write_all(&[PREFACE, first.bytes()].concat()).await?;

    let begun = Instant::now();
    let mut read = 0;
    let mut closed = false;
    while read < total && !closed {
        sleep(Duration::from_secs(1)).await;
        // A server that gave up says so with an error or an end.
        let byte = timeout(Duration::from_secs(1), tcp.read_u8()).await;
        closed = !matches!(byte, Ok(Ok(_)));
        read += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Outcome {
        taken: read,
        of: total,
        burst: 1,
        unit: "bytes",
        ending: closed.then_some(crate::wire::Ending::Closed),
        resets: 0,
        answers: Default::default(),
        note: format!("after {seconds:.0} s"),
        fault: None,
    })
}
