//! Header blocks (RFC 7541): any that can be written, and those that servers answer with.

use super::huffman;

/// A header block being written. Strings are never Huffman-coded but where it says so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block(Vec<u8>);

impl Block {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A gRPC request for `path`.
    pub(crate) fn request(path: &str) -> Self {
        let mut block = Self::new();
        block
            .literal(":method", "POST")
            .literal(":scheme", "http")
            .literal(":path", path)
            .literal(":authority", "localhost")
            .literal("content-type", "application/grpc")
            .literal("te", "trailers");
        block
    }

    /// A field of the static or the dynamic table.
    pub(crate) fn indexed(&mut self, index: usize) -> &mut Self {
        self.integer(0x80, 7, index)
    }

    /// A field that enters no table.
    pub(crate) fn literal(&mut self, name: &str, value: &str) -> &mut Self {
        self.0.push(0);
        self.string(name.as_bytes()).string(value.as_bytes())
    }

    /// A field that enters the dynamic table.
    pub(crate) fn remembered(&mut self, name: &str, value: &str) -> &mut Self {
        self.0.push(0x40);
        self.string(name.as_bytes()).string(value.as_bytes())
    }

    /// A field whose value is Huffman-coded zeros, eight for each five bytes.
    pub(crate) fn huffman_zeros(&mut self, name: &str, eights: usize) -> &mut Self {
        self.0.push(0);
        self.string(name.as_bytes()).integer(0x80, 7, 5 * eights);
        self.raw(&vec![0; 5 * eights])
    }

    pub(crate) fn table_size(&mut self, bytes: usize) -> &mut Self {
        self.integer(0x20, 5, bytes)
    }

    /// An integer behind `flags` with a prefix of `bits` (section 5.1).
    pub(crate) fn integer(&mut self, flags: u8, bits: u32, value: usize) -> &mut Self {
        let most = (1 << bits) - 1;
        if value < most {
            self.0.push(flags | value as u8);
            return self;
        }
        self.0.push(flags | most as u8);
        let mut rest = value - most;
        while rest >= 0x80 {
            self.0.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.0.push(rest as u8);
        self
    }

    pub(crate) fn string(&mut self, bytes: &[u8]) -> &mut Self {
        self.integer(0, 7, bytes.len()).raw(bytes)
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The fields of a block whose writer was told to keep no dynamic table; those
/// of the static table that are not a status go by their index.
pub(super) fn read(block: &[u8]) -> Option<Vec<(String, String)>> {
    let mut rest = block;
    let mut fields = Vec::new();
    while let Some(&first) = rest.first() {
        match first {
            0x80.. => {
                let index = integer(&mut rest, 7)?;
                fields.push((name(index), status(index)));
            }
            0x20..0x40 => {
                integer(&mut rest, 5)?;
            }
            _ => {
                let index = integer(&mut rest, if first >= 0x40 { 6 } else { 4 })?;
                let name = match index {
                    0 => string(&mut rest)?,
                    index => name(index),
                };
                fields.push((name, string(&mut rest)?));
            }
        }
    }
    Some(fields)
}

fn name(index: usize) -> String {
    match index {
        8..=14 => ":status".to_owned(),
        index => format!("static {index}"),
    }
}

fn status(index: usize) -> String {
    const STATUSES: [&str; 7] = ["200", "204", "206", "304", "400", "404", "500"];
    let at = index.checked_sub(8);
    at.and_then(|at| STATUSES.get(at))
        .copied()
        .unwrap_or_default()
        .to_owned()
}

fn integer(rest: &mut &[u8], bits: u32) -> Option<usize> {
    let (&first, mut tail) = rest.split_first()?;
    let most = (1usize << bits) - 1;
    let mut value = usize::from(first) & most;
    if value == most {
        let mut shift = 0;
        loop {
            let (&octet, after) = tail.split_first()?;
            tail = after;
            value = value.checked_add(usize::from(octet & 0x7f).checked_shl(shift)?)?;
            shift += 7;
            if octet < 0x80 {
                break;
            }
        }
    }
    *rest = tail;
    Some(value)
}

fn string(rest: &mut &[u8]) -> Option<String> {
    let coded = rest.first()? & 0x80 != 0;
    let length = integer(rest, 7)?;
    let (bytes, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    match coded {
        true => huffman::decode(bytes),
        false => String::from_utf8(bytes.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, read};

    #[test]
    fn what_is_written_is_read() {
        let long = "v".repeat(300);
        let mut block = Block::new();
        block
            .table_size(4_096)
            .indexed(8)
            .literal("grpc-status", "12");
        block
            .remembered("x-long", &long)
            .huffman_zeros("x-zeros", 2);
        let expected = [
            (":status", "200"),
            ("grpc-status", "12"),
            ("x-long", &long),
            ("x-zeros", "0000000000000000"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read(block.bytes()).unwrap(), expected);
    }
}
