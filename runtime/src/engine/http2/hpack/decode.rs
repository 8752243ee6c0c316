use super::{
    super::frame::{Fatal, Reason},
    ENTRY_BYTES, STATIC_ENTRIES, TABLE_BYTES,
    field::{ENTRIES, Entry, Field, Name},
    huffman,
};
use bytes::Bytes;
use std::collections::VecDeque;

/// Reads the header blocks of one peer, which must come in order.
#[derive(Default)]
pub(in super::super) struct Decoder {
    table: Table,
    text: Vec<u8>,
}

/// The newest entry first.
struct Table {
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
}

const fn broken(debug: &'static str) -> Fatal {
    Fatal::new(Reason::Compression, debug)
}

const CUT: Fatal = broken("a header block ends within a field");

impl Decoder {
    /// Gives `take` each field of a block with its size as header lists count it
    /// (RFC 9113, section 6.5.2).
    pub(in super::super) fn decode(
        &mut self,
        mut block: &[u8],
        mut take: impl FnMut(Field, usize),
    ) -> Result<(), Fatal> {
        let mut first = true;
        while let Some(byte) = block.first() {
            match byte {
                0x80.. => {
                    let index = integer(&mut block, 7)?;
                    let entry = self.table.entry(index)?;
                    take(entry.field.clone(), entry.size);
                }
                0x20..0x40 if !first => {
                    return Err(broken("a table size follows a field"));
                }
                0x20..0x40 => {
                    let bytes = integer(&mut block, 5)?;
                    if bytes > TABLE_BYTES {
                        return Err(broken("a table larger than was allowed"));
                    }
                    self.table.resize(bytes);
                    continue;
                }
                _ => {
                    let indexed = *byte >= 0x40;
                    let entry = self.literal(&mut block, if indexed { 6 } else { 4 })?;
                    take(entry.field.clone(), entry.size);
                    if indexed {
                        self.table.insert(entry);
                    }
                }
            }
            first = false;
        }
        if self.text.capacity() > TABLE_BYTES {
            self.text = Vec::new();
        }
        Ok(())
    }

    fn literal(&mut self, block: &mut &[u8], prefix: u32) -> Result<Entry, Fatal> {
        let (name, name_bytes) = match integer(block, prefix)? {
            0 => {
                self.string(block)?;
                (Name::read(&self.text), self.text.len())
            }
            index => {
                let entry = self.table.entry(index)?;
                (entry.name.clone(), entry.name_bytes())
            }
        };
        self.string(block)?;
        let value = Bytes::copy_from_slice(&self.text);
        Ok(Entry {
            size: name_bytes + value.len() + ENTRY_BYTES,
            value_bytes: value.len(),
            field: Field::read(name.clone(), value),
            name,
        })
    }

    /// Reads a string into `text` (section 5.2). What it may hold is bounded by
    /// the block: a coded byte holds at most 8/5 symbols.
    fn string(&mut self, block: &mut &[u8]) -> Result<(), Fatal> {
        let coded = block.first().ok_or(CUT)? & 0x80 != 0;
        let length = integer(block, 7)?;
        let (string, rest) = block.split_at_checked(length).ok_or(CUT)?;
        *block = rest;
        self.text.clear();
        if coded {
            huffman::decode(string, &mut self.text)
                .ok_or(broken("a string is not Huffman-coded as it says"))
        } else {
            self.text.extend_from_slice(string);
            Ok(())
        }
    }
}

/// An integer whose first bits are the low `prefix` ones of the next byte
/// (section 5.1).
fn integer(block: &mut &[u8], prefix: u32) -> Result<usize, Fatal> {
    const MORE_BYTES_MAX: u32 = 4;
    let (first, mut rest) = block.split_first().ok_or(CUT)?;
    let mask = (1usize << prefix) - 1;
    let mut value = usize::from(*first) & mask;
    if value == mask {
        let mut more = 0;
        loop {
            let (byte, after) = rest.split_first().ok_or(CUT)?;
            rest = after;
            if more == MORE_BYTES_MAX {
                return Err(broken("an integer is too long"));
            }
            value += usize::from(byte & 0x7f) << (7 * more);
            more += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *block = rest;
    Ok(value)
}

impl Default for Table {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            bytes_max: TABLE_BYTES,
        }
    }
}

impl Table {
    fn entry(&self, index: usize) -> Result<&Entry, Fatal> {
        let entry = match index.checked_sub(STATIC_ENTRIES + 1) {
            Some(dynamic) => self.entries.get(dynamic),
            None => index.checked_sub(1).and_then(|at| ENTRIES.get(at)),
        };
        entry.ok_or(broken("no table has this index"))
    }

    fn resize(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
        self.evict(0);
    }

    /// One that is larger than the whole table empties it (section 4.4).
    fn insert(&mut self, entry: Entry) {
        self.evict(entry.size);
        if entry.size <= self.bytes_max {
            self.bytes += entry.size;
            self.entries.push_front(entry);
        }
    }

    fn evict(&mut self, room: usize) {
        while self.bytes + room > self.bytes_max
            && let Some(oldest) = self.entries.pop_back()
        {
            self.bytes -= oldest.size;
        }
    }
}

#[cfg(test)]
mod tests;
