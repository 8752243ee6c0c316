//! Header blocks that cost more than they seem.

use super::{Flood, Pace, message, open, stream};
use crate::{
    Result,
    row::{Outcome, Row, Stage},
    subject::{COLLECT, ECHO},
    wire::{Hello, frame::*, hpack::Block},
};

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new(
            "continuation",
            "CONTINUATION without end, 1,000 bytes each",
            |stage| {
                let mut block = Block::new();
                block.literal("x-more", &"v".repeat(1_000));
                continuation(stage, 20_000, block)
            },
        )
        .ends(),
        Row::new(
            "continuation-empty",
            "CONTINUATION without end, no bytes",
            |stage| continuation(stage, 1_000_000, Block::new()),
        )
        .ends(),
        Row::new(
            "continuation-huffman",
            "CONTINUATION without end, Huffman-coded",
            |stage| {
                let mut block = Block::new();
                block.huffman_zeros("x-more", 200);
                continuation(stage, 20_000, block)
            },
        )
        .ends(),
        Row::new(
            "hpack-references",
            "16,000 references to a field of 4,000 bytes",
            references,
        ),
        Row::new("hpack-varint", "an integer of 16,000 bytes", varint).ends(),
        Row::new(
            "hpack-table-size",
            "8,000 changes of the table's size",
            table_size,
        ),
        Row::new("header-list", "headers of 1 MiB", header_list),
        Row::new("header-count", "4,000 headers of 4 bytes", header_count),
        Row::new("trailers", "trailers that do not end the stream", trailers),
    ]
}

async fn continuation(stage: Stage, total: u64, block: Block) -> Result<Outcome> {
    let mut first = Frames::new();
    first.push(HEADERS, 0, stream(0), Block::request(ECHO.path()).bytes());
    let flood = Flood {
        unit: "frames",
        total: stage.count(total),
        pace: Pace::of(1, 5_000),
    };
    let make = |_, frames: &mut Frames| {
        frames.push(CONTINUATION, 0, stream(0), block.bytes());
    };
    flood.play_on(stage, Hello::default(), &first, make).await
}

/// Requests, one by one, that each carry `block` beside what a request needs.
async fn requests(stage: Stage, total: u64, block: Block) -> Result<Outcome> {
    let mut whole = Block::request(ECHO.path());
    whole.raw(block.bytes());
    let flood = Flood {
        unit: "requests",
        total,
        pace: Pace::of(1, 1),
    };
    let make = |number, frames: &mut Frames| {
        frames.long_headers(stream(number), whole.bytes(), 0);
        frames.data(stream(number), &message(&[]), END_STREAM);
    };
    flood.play(stage, make).await
}

/// Unpacked, each block is 64 MB.
async fn references(stage: Stage) -> Result<Outcome> {
    const NEWEST: usize = 62;
    let mut first = Frames::new();
    let mut block = Block::request(ECHO.path());
    block.remembered("x-big", &"v".repeat(4_000));
    first
        .headers(stream(0), block.bytes(), 0)
        .data(stream(0), &message(&[]), END_STREAM);
    let mut whole = Block::request(ECHO.path());
    for _ in 0..16_000 {
        whole.indexed(NEWEST);
    }
    let flood = Flood {
        unit: "requests",
        total: 100,
        pace: Pace::of(1, 1),
    };
    let make = |number, frames: &mut Frames| {
        frames.long_headers(stream(number + 1), whole.bytes(), 0);
        frames.data(stream(number + 1), &message(&[]), END_STREAM);
    };
    flood.play_on(stage, Hello::default(), &first, make).await
}

/// A string's length that goes on and on, and adds nothing (CVE-2023-33953).
async fn varint(stage: Stage) -> Result<Outcome> {
    let mut block = Block::new();
    block.raw(&[0, 0x7f]).raw(&[0x80; 16_000]).raw(&[0]);
    requests(stage, 100, block).await
}

/// Such changes may only come first in a block.
async fn table_size(stage: Stage) -> Result<Outcome> {
    let mut whole = Block::new();
    for _ in 0..4_000 {
        whole.table_size(0).table_size(4_096);
    }
    whole.raw(Block::request(ECHO.path()).bytes());
    let flood = Flood {
        unit: "requests",
        total: 100,
        pace: Pace::of(1, 1),
    };
    let make = |number, frames: &mut Frames| {
        frames.long_headers(stream(number), whole.bytes(), 0);
        frames.data(stream(number), &message(&[]), END_STREAM);
    };
    flood.play(stage, make).await
}

async fn header_list(stage: Stage) -> Result<Outcome> {
    let mut block = Block::new();
    for _ in 0..1_024 {
        block.literal("x-much", &"v".repeat(1_014));
    }
    requests(stage, 20, block).await
}

async fn header_count(stage: Stage) -> Result<Outcome> {
    let mut block = Block::new();
    for _ in 0..4_000 {
        block.literal("a", "");
    }
    requests(stage, 100, block).await
}

async fn trailers(stage: Stage) -> Result<Outcome> {
    let mut first = Frames::new();
    open(&mut first, stream(0), COLLECT.path());
    let mut block = Block::new();
    block.literal("x-trailer", "1");
    let flood = Flood {
        unit: "frames",
        total: stage.count(20_000),
        pace: Pace::of(1, 1_000),
    };
    let make = |_, frames: &mut Frames| {
        frames.headers(stream(0), block.bytes(), 0);
    };
    flood.play_on(stage, Hello::default(), &first, make).await
}
