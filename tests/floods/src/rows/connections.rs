//! Connections that want nothing.

use crate::{
    Result,
    row::{Outcome, Row, Stage},
    wire::{
        Ending, Hello, Peer,
        frame::{PREFACE, WINDOW_DEFAULT},
    },
};
use futures_util::{StreamExt, stream};
use std::time::Duration;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep, timeout_at},
};

/// When a server of ours has hung up on those who do not say what they speak.
const PREFACE_WAIT: Duration = Duration::from_secs(11);

pub(super) fn rows() -> Vec<Row> {
    vec![
        // 24 KiB each.
        Row::new(
            "idle",
            "1,000 connections that said hello, and no more",
            idle,
        )
        .growth_mib(24),
        // 8 KiB each.
        Row::new(
            "slow-peers",
            "5,000 connections with half a preface each",
            |stage| silent(stage, 5_000, &PREFACE[..PREFACE.len() / 2]),
        )
        .growth_mib(40)
        .waits()
        .ends(),
        Row::new("no-preface", "a connection that says nothing", |stage| {
            silent(stage, 1, &[])
        })
        .waits()
        .ends(),
    ]
}

async fn idle(stage: Stage) -> Result<Outcome> {
    const CONNECTIONS: u64 = 1_000;
    const AT_ONCE: usize = 50;
    let hello = Hello {
        stream_window: WINDOW_DEFAULT,
        window: WINDOW_DEFAULT,
    };
    let connect = |_| Peer::connect(stage.server, hello);
    let peers = stream::iter(0..CONNECTIONS)
        .map(connect)
        .buffer_unordered(AT_ONCE);
    let peers = peers.collect::<Vec<_>>().await;
    let peers = peers.into_iter().collect::<Result<Vec<_>>>()?;
    sleep(stage.hold()).await;
    let open = peers.iter().filter(|peer| peer.ending().is_none()).count();
    Ok(Outcome {
        taken: CONNECTIONS,
        of: CONNECTIONS,
        burst: 1,
        unit: "connections",
        ending: peers.iter().find_map(Peer::ending),
        resets: 0,
        answers: Default::default(),
        note: format!("{open} still open"),
        fault: None,
    })
}

/// Ended only if all are.
async fn silent(stage: Stage, count: u64, said: &'static [u8]) -> Result<Outcome> {
    // As quickly as a neighbour's calls are not held up by so many handshakes alone.
    const AT_ONCE: u64 = 25;
    const PAUSE: Duration = Duration::from_millis(10);
    let mut connections = Vec::new();
    for number in 0..count {
        let mut tcp = TcpStream::connect(stage.server).await?;
        tcp.write_all(said).await?;
        connections.push(tcp);
        if number % AT_ONCE == AT_ONCE - 1 {
            sleep(PAUSE).await;
        }
    }
    let end = Instant::now() + PREFACE_WAIT;
    let mut closed = 0;
    for mut connection in connections {
        // Whatever it says first; an error is an end, too.
        let mut nowhere = tokio::io::sink();
        let read = tokio::io::copy(&mut connection, &mut nowhere);
        if timeout_at(end, read).await.is_ok() {
            closed += 1;
        }
    }
    let wait = PREFACE_WAIT.as_secs();
    Ok(Outcome {
        taken: count,
        of: count,
        burst: 1,
        unit: "connections",
        ending: (closed == count).then_some(Ending::Closed),
        resets: 0,
        answers: Default::default(),
        note: format!("{closed} closed within {wait} s"),
        fault: None,
    })
}
