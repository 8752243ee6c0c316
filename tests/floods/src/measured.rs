//! One row, played against one server.

use crate::{
    Result,
    neighbour::{Calls, Neighbour},
    process::Process,
    row::{Outcome, Row, Stage},
    subject::Stack,
    wire::{Ending, frame::code_name},
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::{runtime::Handle, sync::oneshot, time::Instant};

/// What it cost.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) row: &'static str,
    pub(crate) stack: Stack,
    /// How many units the server took before it ended the connection, to the
    /// end of a burst of `burst`; all there were if it did not.
    pub(crate) taken: u64,
    pub(crate) of: u64,
    pub(crate) burst: u64,
    pub(crate) unit: &'static str,
    pub(crate) end: End,
    pub(crate) resets: u64,
    pub(crate) answers: BTreeMap<String, u64>,
    pub(crate) note: String,
    pub(crate) fault: Option<String>,
    /// How often it was played while the neighbour was watched.
    pub(crate) times: u64,
    pub(crate) growth_bytes: u64,
    pub(crate) handlers_most: u64,
    pub(crate) handlers_total: u64,
    pub(crate) cpu_seconds: f64,
    pub(crate) quiet: Calls,
    pub(crate) meanwhile: Calls,
}

/// How the attacked connection ended.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "how", rename_all = "lowercase")]
pub(crate) enum End {
    /// Not at all.
    Open,
    Closed,
    /// Neither read from nor closed.
    Stalled,
    GoAway {
        code: u32,
        name: String,
        debug: String,
        last_stream: u32,
    },
}

impl End {
    fn of(ending: Option<Ending>) -> Self {
        match ending {
            None => Self::Open,
            Some(Ending::Closed) => Self::Closed,
            Some(Ending::Stalled) => Self::Stalled,
            Some(Ending::GoAway(goaway)) => Self::GoAway {
                code: goaway.code,
                name: code_name(goaway.code),
                debug: goaway.debug,
                last_stream: goaway.last_stream,
            },
        }
    }

    /// By the server.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::Closed | Self::GoAway { .. })
    }
}

/// How long a neighbour is watched: before, and at least while a row is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    pub(crate) quiet: Duration,
    pub(crate) meanwhile: Duration,
}

/// Plays `row` on `attackers`, again and again if it is short, against a server
/// that serves nobody else but one neighbour.
pub(crate) async fn measure(
    row: &Row,
    stack: Stack,
    quick: bool,
    spans: Spans,
    attackers: &Handle,
) -> Result<Measured> {
    let server = Process::start(stack).await?;
    let stage = Stage {
        server: server.address,
        stack,
        quick,
    };
    let neighbour = Neighbour::to(server.address).await?;
    let quiet = neighbour.calls_until(tokio::time::sleep(spans.quiet)).await;

    server.forget_most()?;
    let (memory, cpu) = (server.memory()?, server.cpu()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let watched = tokio::spawn({
        let neighbour = neighbour.clone();
        async move {
            let end = async { drop(stopped.await) };
            neighbour.calls_until(end).await
        }
    });
    let end = Instant::now() + spans.meanwhile;
    let first = attackers.spawn((row.play)(stage)).await??;
    let mut times = 1;
    while Instant::now() < end {
        attackers.spawn((row.play)(stage)).await??;
        times += 1;
    }
    drop(stop);
    let meanwhile = watched.await?;

    let count = neighbour.count().await?;
    let growth_bytes = server.memory()?.most.saturating_sub(memory.now);
    let cpu_seconds = server.cpu()?.saturating_sub(cpu).as_secs_f64();
    let Outcome { ending, .. } = first;
    Ok(Measured {
        row: row.name,
        stack,
        taken: first.taken,
        of: first.of,
        burst: first.burst,
        unit: first.unit,
        end: End::of(ending),
        resets: first.resets,
        answers: first.answers,
        note: first.note,
        fault: first.fault,
        times,
        growth_bytes,
        handlers_most: count.most,
        handlers_total: count.total,
        cpu_seconds,
        quiet,
        meanwhile,
    })
}
