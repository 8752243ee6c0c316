//! Strings as HPACK shortens them (RFC 7541, appendix B).

use super::hpack::Malformed;
use std::sync::LazyLock;

include!("huffman_table.rs");

const SHORT_BITS: u32 = 9;

/// Codes of up to nine bits by their value, the longer ones by length.
struct Codes {
    short: Vec<Option<(u8, u8)>>,
    long: Vec<(u32, u8, u8)>,
}

static CODES: LazyLock<Codes> = LazyLock::new(|| {
    let mut codes = Codes {
        short: vec![None; 1 << SHORT_BITS],
        long: Vec::new(),
    };
    for symbol in 0..=u8::MAX {
        let (code, bits) = (HUFF_CODES[symbol as usize], HUFF_LENS[symbol as usize]);
        match SHORT_BITS.checked_sub(bits.into()) {
            Some(spare) => {
                let first = (code << spare) as usize;
                codes.short[first..first + (1 << spare)].fill(Some((symbol, bits)));
            }
            None => codes.long.push((code, bits, symbol)),
        }
    }
    codes.long.sort_by_key(|(_, bits, _)| *bits);
    codes
});

/// Appends what `coded` stands for.
pub(super) fn decode(coded: &[u8], text: &mut Vec<u8>) -> Result<(), Malformed> {
    // The next bits, at the high end, and how many of them there are.
    let (mut bits, mut count) = (0u64, 0u32);
    let mut rest = coded.iter();
    loop {
        while count <= 32
            && let Some(byte) = rest.next()
        {
            bits |= u64::from(*byte) << (56 - count);
            count += 8;
        }
        let Some((symbol, length)) = first(bits, count) else {
            // What is left is padding: less than a byte, all ones.
            let padding = count < 8 && bits.leading_ones() >= count;
            return if padding { Ok(()) } else { Err(Malformed) };
        };
        text.push(symbol);
        bits <<= length;
        count -= u32::from(length);
    }
}

/// The symbol that the first of `count` bits are, and its length.
fn first(bits: u64, count: u32) -> Option<(u8, u8)> {
    let short = CODES.short[(bits >> (64 - SHORT_BITS)) as usize];
    if let Some((symbol, length)) = short {
        return (u32::from(length) <= count).then_some((symbol, length));
    }
    let long = CODES.long.iter().find(|(code, length, _)| {
        u32::from(*length) <= count && bits >> (64 - length) == u64::from(*code)
    });
    long.map(|(_, length, symbol)| (*symbol, *length))
}

#[cfg(test)]
mod tests {
    use super::decode;

    /// RFC 7541, appendix C.4 and C.6.
    #[test]
    fn the_examples_of_the_rfc() {
        let text = |coded: &[u8]| {
            let mut text = Vec::new();
            decode(coded, &mut text).map(|()| String::from_utf8(text).unwrap())
        };
        let host = b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(text(host).unwrap(), "www.example.com");
        assert_eq!(text(b"\xae\xc3\x77\x1a\x4b").unwrap(), "private");
        let url = b"\x9d\x29\xad\x17\x18\x63\xc7\x8f\x0b\x97\xc8\xe9\xae\x82\xae\x43\xd3";
        assert_eq!(text(url).unwrap(), "https://www.example.com");
        assert!(text(b"\xff").is_err(), "a whole byte of padding");
        assert!(text(b"\xf1\xe0").is_err(), "padding that is not ones");
    }
}
