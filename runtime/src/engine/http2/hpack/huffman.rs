//! The string code (RFC 7541, section 5.2 and appendix B).

/// The symbol that ends a string and must never be in one.
const END: u16 = 256;

const SYMBOLS: usize = END as usize + 1;

const CODE_BITS_MAX: usize = 30;

/// Bits of each symbol's code. The code is canonical: codes of one length follow
/// one another in the order of their symbols, so that the lengths say all.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Codes up to this long are found in one step.
const SHORT_BITS: usize = 9;

struct Code {
    /// For the next bits of a string: a symbol and its length, or length 0.
    short: [(u8, u8); 1 << SHORT_BITS],
    /// The first code of each length.
    first: [u32; CODE_BITS_MAX + 1],
    /// How many codes there are of each length.
    count: [u32; CODE_BITS_MAX + 1],
    /// Where the symbols of each length begin in `symbols`.
    start: [usize; CODE_BITS_MAX + 1],
    /// All symbols in the order of their codes.
    symbols: [u16; SYMBOLS],
}

static CODE: Code = code();

const fn code() -> Code {
    let mut built = Code {
        short: [(0, 0); 1 << SHORT_BITS],
        first: [0; CODE_BITS_MAX + 1],
        count: [0; CODE_BITS_MAX + 1],
        start: [0; CODE_BITS_MAX + 1],
        symbols: [0; SYMBOLS],
    };
    let (mut code, mut found, mut bits) = (0u32, 0, 1);
    while bits <= CODE_BITS_MAX {
        built.first[bits] = code;
        built.start[bits] = found;
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == bits {
                built.symbols[found] = symbol as u16;
                if bits <= SHORT_BITS {
                    let mut fill = 0;
                    while fill < 1 << (SHORT_BITS - bits) {
                        let at = ((code as usize) << (SHORT_BITS - bits)) + fill;
                        built.short[at] = (symbol as u8, bits as u8);
                        fill += 1;
                    }
                }
                found += 1;
                code += 1;
            }
            symbol += 1;
        }
        built.count[bits] = code - built.first[bits];
        code <<= 1;
        bits += 1;
    }
    built
}

/// Appends the string that `coded` holds; `None` if it holds none.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = coded.iter();
    // The next bits, from the highest down, and how many of them are real.
    let (mut bits, mut count) = (0u64, 0usize);
    loop {
        while count <= 56
            && let Some(byte) = rest.next()
        {
            bits |= u64::from(*byte) << (56 - count);
            count += 8;
        }
        if count == 0 {
            return Some(());
        }
        let (symbol, length) = CODE.short[(bits >> (64 - SHORT_BITS)) as usize];
        let length = usize::from(length);
        if length != 0 && length <= count {
            out.push(symbol);
            bits <<= length;
            count -= length;
            continue;
        }
        // Fewer than eight bits, all ones, fill up the last byte.
        if count < 8 && bits >> (64 - count) == (1 << count) - 1 {
            return Some(());
        }
        let (symbol, length) = long(bits, count)?;
        out.push(symbol);
        bits <<= length;
        count -= length;
    }
}

/// A symbol whose code is longer than [`SHORT_BITS`], and how long.
fn long(bits: u64, count: usize) -> Option<(u8, usize)> {
    for length in SHORT_BITS + 1..=CODE_BITS_MAX.min(count) {
        let code = (bits >> (64 - length)) as u32;
        if let Some(nth) = code.checked_sub(CODE.first[length])
            && nth < CODE.count[length]
        {
            let symbol = CODE.symbols[CODE.start[length] + nth as usize];
            return u8::try_from(symbol).ok().map(|symbol| (symbol, length));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn read(coded: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        decode(coded, &mut out)?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn strings_of_appendix_c() {
        let www = [
            0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff,
        ];
        assert_eq!(read(&www).as_deref(), Some("www.example.com"));
        assert_eq!(
            read(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).as_deref(),
            Some("no-cache")
        );
        assert_eq!(read(&[0x64, 0x02]).as_deref(), Some("302"));
        assert_eq!(read(&[]).as_deref(), Some(""));
    }

    #[test]
    fn bad_endings() {
        assert_eq!(read(&[0xff, 0xff, 0xff, 0xff]), None, "the end symbol");
        assert_eq!(read(&[0x64, 0x02, 0xff]), None, "a whole byte of padding");
        assert_eq!(read(&[0x00, 0b0000_0000]), None, "padding that is no ones");
    }
}
