//! What is good HTTP/2 and bad gRPC.

use super::{call, message, prefixed, stream};
use crate::{
    Result,
    row::{Answers, Outcome, Row, Stage, answers},
    subject::ECHO,
    wire::{Hello, Peer, frame::*, hpack::Block},
};
use flate2::{Compression, write::GzEncoder};
use std::{io::Write, time::Duration};

const RESOURCE_EXHAUSTED: &str = "grpc-status 8";

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("gzip-bomb", "50 MiB of zeros, gzipped", gzip_bomb)
            .answers(Answers::Only(RESOURCE_EXHAUSTED)),
        Row::new(
            "length-4-gib",
            "a message that says it has 4 GiB",
            |stage| {
                let body = prefixed(0, u32::MAX as usize, &[0; 100]);
                ask(stage, vec![Asked::of(&[], body)])
            },
        )
        .answers(Answers::Only(RESOURCE_EXHAUSTED)),
        Row::new(
            "timeouts",
            "grpc-timeout that is none, five ways",
            |stage| {
                let values = ["100000000S", "1", "-1S", "1X", "18446744073709551616S"];
                let asked = values.map(|value| Asked::of(&[("grpc-timeout", value)], message(&[])));
                ask(stage, asked.into())
            },
        )
        .answers(Answers::Refusals),
        Row::new(
            "bin-not-base64",
            "a `-bin` header that is not base64",
            |stage| {
                ask(
                    stage,
                    vec![Asked::of(&[("x-foo-bin", "@@@@")], message(&[]))],
                )
            },
        ),
        Row::new(
            "framing",
            "unknown flag, gzip unannounced, half a message",
            |stage| {
                let bodies = [
                    prefixed(7, 0, &[]),
                    prefixed(1, 3, &[1, 2, 3]),
                    prefixed(0, 9, &[1]),
                ];
                ask(stage, bodies.map(|body| Asked::of(&[], body)).into())
            },
        )
        .answers(Answers::Refusals),
    ]
}

/// One request for `Echo`.
struct Asked {
    block: Block,
    body: Vec<u8>,
}

impl Asked {
    fn of(headers: &[(&str, &str)], body: Vec<u8>) -> Self {
        let mut block = Block::request(ECHO.path());
        for (name, value) in headers {
            block.literal(name, value);
        }
        Self { block, body }
    }
}

async fn gzip_bomb(stage: Stage) -> Result<Outcome> {
    const BYTES: usize = 50 << 20;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // A `Note` whose payload it is.
    let mut head = vec![0x0a];
    prost::encoding::encode_varint(BYTES as u64, &mut head);
    encoder.write_all(&head)?;
    for _ in 0..BYTES >> 20 {
        encoder.write_all(&[0; 1 << 20])?;
    }
    let packed = encoder.finish()?;
    let body = prefixed(1, packed.len(), &packed);
    ask(stage, vec![Asked::of(&[("grpc-encoding", "gzip")], body)]).await
}

/// Each alone on one connection, and then one that is good.
async fn ask(stage: Stage, asked: Vec<Asked>) -> Result<Outcome> {
    const WAIT: Duration = Duration::from_secs(3);
    let mut peer = Peer::connect(stage.server, Hello::default()).await?;
    let of = asked.len() as u64;
    let mut said = Vec::new();
    for (asked, number) in asked.into_iter().zip(0..) {
        let id = stream(number);
        let mut frames = Frames::new();
        frames.headers(id, asked.block.bytes(), 0);
        let mut chunks = asked.body.chunks(PAYLOAD_BYTES_MAX).peekable();
        while let Some(chunk) = chunks.next() {
            let end = if chunks.peek().is_none() {
                END_STREAM
            } else {
                0
            };
            frames.data(id, chunk, end);
        }
        peer.burst(&frames).await;
        let answered = |seen: &crate::wire::Seen| {
            seen.is_over()
                || seen
                    .answers
                    .get(&id)
                    .is_some_and(|answer| answer.is_whole())
        };
        peer.wait_until(WAIT, answered).await;
        let seen = peer.seen();
        said.push(
            seen.answers
                .get(&id)
                .map_or("no answer".into(), |answer| answer.said()),
        );
    }
    let answers = answers([&*peer.seen()]);
    let outcome = Outcome::of(&peer, "requests", of, of, 1);

    // The connection of one bad request is good for the next.
    let mut frames = Frames::new();
    let last = stream(of);
    call(&mut frames, last, ECHO.path());
    let fine = peer.burst(&frames).await
        && peer
            .wait_until(WAIT, |seen| {
                let answer = seen.answers.get(&last);
                answer.is_some_and(|answer| answer.grpc_status.as_deref() == Some("0"))
            })
            .await;
    let fault = (!fine).then(|| "the next call on the same connection failed".to_owned());
    let outcome = Outcome {
        answers,
        fault,
        ..outcome
    };
    Ok(outcome.with_note(said.join(", ")))
}
