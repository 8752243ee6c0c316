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

/// The blocks of requests: the first tells all, the others point at it.
#[derive(Debug)]
pub(super) struct Blocks {
    authority: String,
    /// Whether the server is willing to remember.
    remembers: bool,
    told: bool,
    /// Of calls after the first, one for each path.
    others: Vec<Vec<u8>>,
    first: Vec<u8>,
}

impl Blocks {
    /// `table_bytes` is what the server is willing to remember.
    pub(super) fn of(authority: &str, plans: &[Plan], table_bytes: usize) -> Self {
        let mut blocks = Self {
            authority: authority.to_owned(),
            remembers: table_bytes >= hpack::TABLE_BYTES,
            told: false,
            others: Vec::new(),
            first: Vec::new(),
        };
        blocks.others = plans
            .iter()
            .map(|plan| blocks.write(plan.path, plans.len() == 1, false))
            .collect();
        blocks
    }

    /// The block of the next request.
    pub(super) fn next(&mut self, plan: usize, plans: &[Plan]) -> &[u8] {
        if self.told {
            return &self.others[plan];
        }
        self.told = true;
        self.first = self.write(plans[plan].path, plans.len() == 1, true);
        &self.first
    }

    /// The path is remembered too if there is but one.
    fn write(&self, path: &str, one_path: bool, first: bool) -> Vec<u8> {
        let mut block = Vec::new();
        if first && !self.remembers {
            block.push(TABLE_OF_NOTHING);
        }
        block.extend([METHOD_POST, SCHEME_HTTP]);
        let fields = [
            (":path", path),
            (":authority", &self.authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("user-agent", "grpc-bench/0.1"),
        ];
        for (age, (name, value)) in (0..)
            .zip(fields.iter().rev())
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            match self.remembers && (one_path || *name != ":path") {
                true if first => hpack::remembered(&mut block, name, value),
                true => block.push(NEWEST + age),
                false => hpack::literal(&mut block, name, value),
            }
        }
        block
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

    /// All blocks of one connection, decoded as its server does.
    fn fields(paths: &[&'static str], table_bytes: usize) -> Vec<Vec<(String, String)>> {
        let plan = |path| Plan {
            path,
            shape: Shape::Replies { count: 1 },
            request: Vec::new(),
            reply: Vec::new(),
        };
        let plans: Vec<_> = paths.iter().copied().map(plan).collect();
        let mut blocks = Blocks::of("localhost:1", &plans, table_bytes);
        let mut decoder = Decoder::new();
        let order = (0..plans.len()).rev().chain(0..plans.len());
        let decode = |plan| {
            let mut fields = Vec::new();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let block = blocks.next(plan, &plans);
            let field = |name: &[u8], value: &[u8]| fields.push((text(name), text(value)));
            decoder.decode(block, field).unwrap();
            fields
        };
        order.map(decode).collect()
    }

    #[test]
    fn every_block_says_all() {
        for table_bytes in [0, hpack::TABLE_BYTES] {
            let one = fields(&["/a.B/C"], table_bytes);
            assert_eq!(one[0], one[1]);
            assert_eq!(one[0].len(), 7);
            assert_eq!(one[0][2], (":path".to_owned(), "/a.B/C".to_owned()));
            assert_eq!(
                one[0][3],
                (":authority".to_owned(), "localhost:1".to_owned())
            );

            let two = fields(&["/a.B/C", "/a.B/D"], table_bytes);
            let paths: Vec<_> = two.iter().map(|fields| fields[2].1.as_str()).collect();
            assert_eq!(paths, ["/a.B/D", "/a.B/C", "/a.B/C", "/a.B/D"]);
            assert!(two.iter().all(|fields| fields[3..] == one[0][3..]));
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
