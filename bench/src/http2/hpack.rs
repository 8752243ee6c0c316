//! Reads blocks of headers (RFC 7541): static table, dynamic table, Huffman.

use super::huffman;
use std::{collections::VecDeque, fmt};

/// What a table may hold before anybody says otherwise; nobody here does.
pub(crate) const TABLE_BYTES: usize = 4_096;
const ENTRY_BYTES: usize = 32;

/// A block that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a block of headers is malformed")
    }
}

impl std::error::Error for Malformed {}

/// What the blocks of one connection add up to.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// Name and value, the newest first.
    entries: VecDeque<(Vec<u8>, Vec<u8>)>,
    bytes: usize,
    bytes_max: usize,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            bytes_max: TABLE_BYTES,
            name: Vec::new(),
            value: Vec::new(),
        }
    }

    /// Calls `each` with every name and value of `block`. Whether the block
    /// changed the table: if none did since, the same bytes mean the same.
    pub(crate) fn decode(
        &mut self,
        block: &[u8],
        mut each: impl FnMut(&[u8], &[u8]),
    ) -> Result<bool, Malformed> {
        let mut rest = block;
        let mut changed = false;
        while let Some(first) = rest.first() {
            if first & 0x80 != 0 {
                let index = integer(&mut rest, 7)?;
                let (name, value) = self.entry(index)?;
                each(name, value);
            } else if first & 0xe0 == 0x20 {
                let bytes = integer(&mut rest, 5)?;
                if bytes > TABLE_BYTES {
                    return Err(Malformed);
                }
                self.bytes_max = bytes;
                self.evict(0);
                changed = true;
            } else {
                let kept = first & 0x40 != 0;
                self.literal(&mut rest, if kept { 6 } else { 4 })?;
                each(&self.name, &self.value);
                if kept {
                    self.insert();
                    changed = true;
                }
            }
        }
        Ok(changed)
    }

    /// Reads a name, or an index of one, and a value.
    fn literal(&mut self, rest: &mut &[u8], bits: u32) -> Result<(), Malformed> {
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        match integer(rest, bits)? {
            0 => string(rest, &mut name)?,
            index => name.extend_from_slice(self.entry(index)?.0),
        }
        self.name = name;
        self.value.clear();
        string(rest, &mut self.value)
    }

    fn entry(&self, index: usize) -> Result<(&[u8], &[u8]), Malformed> {
        let index = index.checked_sub(1).ok_or(Malformed)?;
        if let Some((name, value)) = STATIC.get(index) {
            return Ok((name.as_bytes(), value.as_bytes()));
        }
        let entry = self.entries.get(index - STATIC.len()).ok_or(Malformed)?;
        Ok((&entry.0, &entry.1))
    }

    fn insert(&mut self) {
        let bytes = self.name.len() + self.value.len() + ENTRY_BYTES;
        self.evict(bytes);
        if bytes <= self.bytes_max {
            self.bytes += bytes;
            self.entries
                .push_front((self.name.clone(), self.value.clone()));
        }
    }

    /// Makes room for `bytes` more.
    fn evict(&mut self, bytes: usize) {
        while self.bytes + bytes > self.bytes_max
            && let Some((name, value)) = self.entries.pop_back()
        {
            self.bytes -= name.len() + value.len() + ENTRY_BYTES;
        }
    }
}

fn integer(rest: &mut &[u8], bits: u32) -> Result<usize, Malformed> {
    let mut next = || {
        let (first, after) = rest.split_first().ok_or(Malformed)?;
        *rest = after;
        Ok::<_, Malformed>(usize::from(*first))
    };
    let mask = (1 << bits) - 1;
    let mut value = next()? & mask;
    if value < mask {
        return Ok(value);
    }
    for shift in [0, 7, 14, 21] {
        let byte = next()?;
        value += (byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

fn string(rest: &mut &[u8], text: &mut Vec<u8>) -> Result<(), Malformed> {
    let coded = rest.first().ok_or(Malformed)? & 0x80 != 0;
    let length = integer(rest, 7)?;
    let (bytes, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = after;
    match coded {
        true => huffman::decode(bytes, text),
        false => {
            text.extend_from_slice(bytes);
            Ok(())
        }
    }
}

/// Appends a field that the reader is to remember.
pub(crate) fn remembered(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0x40);
    plain(block, name);
    plain(block, value);
}

/// Appends a field that the reader is not to remember.
pub(crate) fn literal(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0x00);
    plain(block, name);
    plain(block, value);
}

/// Appends a string as it is; those of ours are short.
fn plain(block: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).ok();
    let length = length.filter(|length| *length < 0x7f);
    block.push(length.expect("fields of ours have less than 127 bytes"));
    block.extend_from_slice(text.as_bytes());
}

/// RFC 7541, appendix A.
#[rustfmt::skip]
static STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"),
    (":path", "/index.html"), (":scheme", "http"), (":scheme", "https"), (":status", "200"),
    (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
    (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""),
    ("accept", ""), ("access-control-allow-origin", ""), ("age", ""), ("allow", ""),
    ("authorization", ""), ("cache-control", ""), ("content-disposition", ""),
    ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""),
    ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
    ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
    ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""),
    ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""),
    ("via", ""), ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::{Decoder, Malformed};

    fn fields(decoder: &mut Decoder, block: &[u8]) -> Result<(Vec<String>, bool), Malformed> {
        let mut fields = Vec::new();
        let changed = decoder.decode(block, |name, value| {
            let [name, value] = [name, value].map(String::from_utf8_lossy);
            fields.push(format!("{name}={value}"));
        })?;
        Ok((fields, changed))
    }

    /// RFC 7541, appendix C.4: three requests of one connection.
    #[test]
    fn the_examples_of_the_rfc() {
        let mut decoder = Decoder::new();
        let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let (first, changed) = fields(&mut decoder, first).unwrap();
        let get = [":method=GET", ":scheme=http", ":path=/"];
        assert_eq!(first[..3], get);
        assert_eq!(first[3], ":authority=www.example.com");
        assert!(changed);
        let second = b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
        let (second, _) = fields(&mut decoder, second).unwrap();
        assert_eq!(
            second[3..],
            [":authority=www.example.com", "cache-control=no-cache"]
        );
        let (again, changed) = fields(&mut decoder, b"\x82\xbe\xbf").unwrap();
        assert_eq!(
            again[1..],
            ["cache-control=no-cache", ":authority=www.example.com"]
        );
        assert!(!changed);
    }

    /// RFC 7541, appendix C.6: a table of 256 bytes forgets.
    #[test]
    fn a_small_table_forgets_the_oldest() {
        let mut decoder = Decoder::new();
        let name = |value: &str| {
            let mut block = Vec::new();
            super::remembered(&mut block, "name", value);
            block
        };
        fields(&mut decoder, &[0x3f, 0x41]).unwrap();
        assert_eq!(decoder.bytes_max, 96);
        for value in ["one", "two", "three"] {
            fields(&mut decoder, &name(value)).unwrap();
        }
        let (kept, _) = fields(&mut decoder, b"\xbe\xbf").unwrap();
        assert_eq!(kept, ["name=three", "name=two"]);
        assert_eq!(fields(&mut decoder, b"\xc0"), Err(Malformed));
    }

    #[test]
    fn what_means_nothing_is_an_error() {
        for block in [
            &b"\x80"[..],
            b"\xc6",
            b"\xff",
            b"\x00\x05a",
            b"\x3f\xff\xff\x7f",
        ] {
            assert_eq!(
                fields(&mut Decoder::new(), block),
                Err(Malformed),
                "{block:?}"
            );
        }
    }
}
