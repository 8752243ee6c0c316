//! The headers that calls send, and what those that come back say.

use super::Plan;
use crate::{
    Result,
    http2::hpack::{self, Decoder},
};

const METHOD_POST: u8 = 0x83;
const SCHEME_HTTP: u8 = 0x86;
/// The newest entry of the dynamic table.
const NEWEST: u8 = 0x80 | 62;
/// "Remember nothing."
const TABLE_OF_NOTHING: u8 = 0x20;

/// The blocks of a request: the first tells all, the others point at it.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) first: Vec<u8>,
    pub(super) others: Vec<u8>,
}

impl Blocks {
    /// `table_bytes` is what the server is willing to remember.
    pub(super) fn of(plan: &Plan, table_bytes: usize) -> Self {
        let fields = [
            (":path", plan.path.as_str()),
            (":authority", plan.authority.as_str()),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("user-agent", "grpc-bench/0.1"),
        ];
        let mut others = vec![METHOD_POST, SCHEME_HTTP];
        if table_bytes < hpack::TABLE_BYTES {
            for (name, value) in fields {
                hpack::literal(&mut others, name, value);
            }
            let first = [&[TABLE_OF_NOTHING], others.as_slice()].concat();
            return Self { first, others };
        }
        let mut first = others.clone();
        for (age, (name, value)) in (0..fields.len()).rev().zip(fields) {
            hpack::remembered(&mut first, name, value);
            others.push(NEWEST + age as u8);
        }
        Self { first, others }
    }
}

/// What a block of the server says, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) status: Option<u32>,
    pub(super) grpc_status: Option<u32>,
}

/// Reads the server's blocks; those it repeats, only once.
#[derive(Debug)]
pub(super) struct Ear {
    decoder: Decoder,
    known: Vec<(Vec<u8>, Heard)>,
}

/// Headers and trailers of a server are a block each, and its clock makes new ones.
const KNOWN_MAX: usize = 8;

impl Ear {
    pub(super) fn new() -> Self {
        Self {
            decoder: Decoder::new(),
            known: Vec::with_capacity(KNOWN_MAX),
        }
    }

    pub(super) fn hear(&mut self, block: &[u8]) -> Result<Heard> {
        if let Some((_, heard)) = self.known.iter().find(|(known, _)| known == block) {
            return Ok(*heard);
        }
        let mut heard = Heard::default();
        let number = |value: &[u8]| str::from_utf8(value).ok()?.parse().ok();
        let changed = self.decoder.decode(block, |name, value| match name {
            b":status" => heard.status = number(value),
            b"grpc-status" => heard.grpc_status = number(value),
            _ => {}
        })?;
        // What a block means hangs on the table alone.
        if changed || self.known.len() == KNOWN_MAX {
            self.known.clear();
        }
        if !changed {
            self.known.push((block.to_vec(), heard));
        }
        Ok(heard)
    }
}

#[cfg(test)]
mod tests {
    use super::{Blocks, Ear, Heard};
    use crate::generator::{Plan, Shape};
    use crate::http2::hpack::{self, Decoder};

    #[test]
    fn both_blocks_of_a_request_say_the_same() {
        let plan = Plan {
            authority: "localhost:1".to_owned(),
            path: "/a.B/C".to_owned(),
            shape: Shape::Replies { count: 1 },
            request: Vec::new(),
            reply: Vec::new(),
        };
        for table_bytes in [0, hpack::TABLE_BYTES] {
            let blocks = Blocks::of(&plan, table_bytes);
            let mut decoder = Decoder::new();
            let [first, other] = [&blocks.first, &blocks.others].map(|block| {
                let mut fields = Vec::new();
                let field =
                    |name: &[u8], value: &[u8]| fields.push((name.to_vec(), value.to_vec()));
                decoder.decode(block, field).unwrap();
                fields
            });
            assert_eq!(first, other);
            assert_eq!(first.len(), 7);
            assert!(first.contains(&(b":path".to_vec(), b"/a.B/C".to_vec())));
        }
    }

    #[test]
    fn a_block_means_something_else_once_the_table_changed() {
        let mut ear = Ear::new();
        let status = |code: &str| {
            let mut block = Vec::new();
            hpack::remembered(&mut block, "grpc-status", code);
            block
        };
        let newest = [0x80 | 62];
        for code in [0, 13] {
            let heard = Heard {
                grpc_status: Some(code),
                status: None,
            };
            assert_eq!(ear.hear(&status(&code.to_string())).unwrap(), heard);
            assert_eq!(ear.hear(&newest).unwrap(), heard);
            assert_eq!(ear.hear(&newest).unwrap(), heard);
        }
    }
}
