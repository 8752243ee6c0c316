//! Reading Huffman-coded strings (RFC 7541, appendix B). The code is canonical:
//! the lengths of its words are all there is to know.

/// Bits of each octet's code word.
#[rustfmt::skip]
const BITS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];
const BITS_MAX: usize = 30;

/// The octets in the order of their code words, and for each length how many
/// words of it there are.
struct Code {
    octets: Vec<u8>,
    counts: [usize; BITS_MAX + 1],
}

fn code() -> &'static Code {
    static CODE: std::sync::OnceLock<Code> = std::sync::OnceLock::new();
    CODE.get_or_init(|| {
        let mut octets: Vec<u8> = (0..=255).collect();
        octets.sort_by_key(|&octet| (BITS[usize::from(octet)], octet));
        let mut counts = [0; BITS_MAX + 1];
        for bits in BITS {
            counts[usize::from(bits)] += 1;
        }
        Code { octets, counts }
    })
}

/// The string; `None` if it has a word that is none.
pub(super) fn decode(coded: &[u8]) -> Option<String> {
    let Code { octets, counts } = code();
    let bits = coded
        .iter()
        .flat_map(|octet| (0..8).rev().map(move |at| octet >> at & 1));
    let mut decoded = Vec::new();
    // The word read so far, the first word of its length, and that one's place.
    let (mut word, mut first, mut place, mut length) = (0, 0, 0, 0);
    for bit in bits {
        length += 1;
        word = word << 1 | usize::from(bit);
        first <<= 1;
        let count = *counts.get(length)?;
        if word - first < count {
            decoded.push(octets[place + word - first]);
            (word, first, place, length) = (0, 0, 0, 0);
        } else {
            first += count;
            place += count;
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    /// The examples of RFC 7541, appendices C.4 and C.6.
    #[test]
    fn strings_of_the_specification() {
        for (coded, string) in [
            (
                &[
                    0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff,
                ][..],
                "www.example.com",
            ),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], "no-cache"),
            (&[0x64, 0x02], "302"),
            (&[0x64, 0x0e, 0xff], "307"),
        ] {
            assert_eq!(decode(coded).as_deref(), Some(string));
        }
    }
}
