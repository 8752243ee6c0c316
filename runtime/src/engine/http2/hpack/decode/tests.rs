//! The examples of RFC 7541, appendix C, and what no encoder should send.

use super::*;
use std::panic::catch_unwind;

fn text(field: &Field) -> String {
    match field {
        Field::Method(method) => format!(":method: {method}"),
        Field::Scheme(scheme) => format!(":scheme: {scheme}"),
        Field::Authority(authority) => format!(":authority: {authority}"),
        Field::Path(path) => format!(":path: {path}"),
        Field::Status(status) => format!(":status: {}", status.as_str()),
        Field::Header(name, value) => format!("{name}: {}", value.as_bytes().escape_ascii()),
        Field::Malformed => "malformed".into(),
    }
}

/// Bytes as the RFC prints them.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    let bytes = digits.chunks_exact(2);
    bytes.map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn read(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<String>, Fatal> {
    let mut fields = Vec::new();
    decoder.decode(block, |field, _| fields.push(text(&field)))?;
    Ok(fields)
}

/// The dynamic table, the newest entry first; its count of bytes is right.
fn table(decoder: &Decoder) -> (Vec<String>, usize) {
    let table = &decoder.table;
    let counted: usize = table.entries.iter().map(|entry| entry.size).sum();
    assert_eq!(table.bytes, counted);
    assert!(table.bytes <= table.bytes_max);
    let entries = table.entries.iter().map(|entry| text(&entry.field));
    (entries.collect(), table.bytes)
}

/// Reads one block after another; each with its fields, then the table and its size.
fn reads(blocks: &[(&str, &[&str], &[&str], usize)]) {
    let mut decoder = Decoder::default();
    for (block, fields, entries, bytes) in blocks {
        assert_eq!(
            read(&mut decoder, &hex(block)).as_deref(),
            Ok(&owned(fields)[..])
        );
        assert_eq!(table(&decoder), (owned(entries), *bytes), "after {block}");
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

/// Why `block` cannot be read, by a decoder that has read nothing before.
fn broken(block: &[u8]) -> &'static str {
    match read(&mut Decoder::default(), block) {
        Ok(fields) => panic!("{block:x?} was read: {fields:?}"),
        Err(fatal) => {
            assert_eq!(fatal.reason, Reason::Compression);
            fatal.debug
        }
    }
}

#[test]
fn integers_of_c1() {
    for (bytes, prefix, value) in [("0a", 5, 10), ("1f 9a 0a", 5, 1_337), ("2a", 8, 42)] {
        let bytes = hex(bytes);
        let mut rest = &bytes[..];
        assert_eq!(integer(&mut rest, prefix), Ok(value));
        assert!(rest.is_empty());
    }
}

#[test]
fn fields_of_c2() {
    let header = "custom-key: custom-header";
    let literal = "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572";
    reads(&[(literal, &[header], &[header], 55)]);
    let path = "040c 2f73 616d 706c 652f 7061 7468";
    reads(&[(path, &[":path: /sample/path"], &[], 0)]);
    let never = "1008 7061 7373 776f 7264 0673 6563 7265 74";
    reads(&[(never, &["password: secret"], &[], 0)]);
    reads(&[("82", &[":method: GET"], &[], 0)]);
}

const AUTHORITY: &str = ":authority: www.example.com";
const NO_CACHE: &str = "cache-control: no-cache";
const CUSTOM: &str = "custom-key: custom-value";
const FIRST: [&str; 4] = [":method: GET", ":scheme: http", ":path: /", AUTHORITY];
const SECOND: [&str; 5] = [FIRST[0], FIRST[1], FIRST[2], AUTHORITY, NO_CACHE];
const THIRD: [&str; 5] = [
    ":method: GET",
    ":scheme: https",
    ":path: /index.html",
    AUTHORITY,
    CUSTOM,
];

#[test]
fn requests_of_c3() {
    let first = "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d";
    let third = "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65";
    reads(&[
        (first, &FIRST, &[AUTHORITY], 57),
        (
            "8286 84be 5808 6e6f 2d63 6163 6865",
            &SECOND,
            &[NO_CACHE, AUTHORITY],
            110,
        ),
        (third, &THIRD, &[CUSTOM, NO_CACHE, AUTHORITY], 164),
    ]);
}

#[test]
fn requests_of_c4() {
    let third = "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf";
    reads(&[
        (
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            &FIRST,
            &[AUTHORITY],
            57,
        ),
        (
            "8286 84be 5886 a8eb 1064 9cbf",
            &SECOND,
            &[NO_CACHE, AUTHORITY],
            110,
        ),
        (third, &THIRD, &[CUSTOM, NO_CACHE, AUTHORITY], 164),
    ]);
}

#[test]
fn a_smaller_table_forgets_the_oldest() {
    let first = "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff";
    let (resized, emptied) = ("3f23 be", "20 3fe11f 82");
    reads(&[
        (first, &FIRST, &[AUTHORITY], 57),
        (
            "8286 84be 5886 a8eb 1064 9cbf",
            &SECOND,
            &[NO_CACHE, AUTHORITY],
            110,
        ),
        // 66 bytes hold the newer of both; none, and then as many as ever.
        (resized, &[NO_CACHE], &[NO_CACHE], 53),
        (emptied, &[":method: GET"], &[], 0),
    ]);
}

/// It is read all the same, and takes the others with it (section 4.4).
#[test]
fn an_entry_larger_than_the_table() {
    let small = "5886 a8eb 1064 9cbf";
    let mut decoder = Decoder::default();
    assert_eq!(read(&mut decoder, &hex(small)), Ok(owned(&[NO_CACHE])));
    let mut large = hex("4001 61 7f c11e");
    large.extend_from_slice(&[b'x'; 4_032]);
    let fields = read(&mut decoder, &large);
    assert_eq!(fields, Ok(vec![format!("a: {}", "x".repeat(4_032))]));
    // With what each entry costs there was no room for both.
    assert_eq!(table(&decoder).1, 4_032 + 1 + 32);
    let mut larger = hex("4001 62 7f 811f");
    larger.extend_from_slice(&[b'y'; 4_096]);
    let fields = read(&mut decoder, &larger);
    assert_eq!(fields, Ok(vec![format!("b: {}", "y".repeat(4_096))]));
    assert_eq!(table(&decoder), (Vec::new(), 0));
    assert!(read(&mut decoder, &[0xbe]).is_err(), "the table is empty");
}

#[test]
fn integers_end() {
    let long = "an integer is too long";
    assert_eq!(broken(&hex("ff 80 80 80 80 00")), long);
    assert_eq!(broken(&hex("ff ff ff ff ff ff ff ff ff ff ff ff")), long);
    assert_eq!(broken(&hex("3f ff ff ff ff 0f")), long);
    // The longest that is read: zeros that say nothing are none the worse.
    let bytes = hex("1f 80 80 80 00");
    assert_eq!(integer(&mut &bytes[..], 5), Ok(31));
}

#[test]
fn tables_are_resized_before_fields_and_within_bounds() {
    assert_eq!(broken(&hex("82 20")), "a table size follows a field");
    assert_eq!(broken(&hex("82 3fe11f")), "a table size follows a field");
    let large = "a table larger than was allowed";
    assert_eq!(broken(&hex("3fe21f")), large, "4,097");
    assert_eq!(broken(&hex("3fe1ff03")), large);
    assert_eq!(
        read(&mut Decoder::default(), &hex("3fe11f")),
        Ok(Vec::new())
    );
}

#[test]
fn indices_that_no_table_has() {
    for index in [
        "80",
        "be",
        "ff00",
        "ffffffff7f",
        "7f ff ff ff 7f 00 00",
        "0f ff 7f 00",
    ] {
        assert_eq!(broken(&hex(index)), "no table has this index", "{index}");
    }
    let last = read(&mut Decoder::default(), &hex("bd"));
    assert_eq!(last, Ok(owned(&["www-authenticate: "])));
}

#[test]
fn blocks_that_are_cut_short() {
    let blocks = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
        "3fe11f 82 7f00 0161 1f9a0a",
    ];
    for block in blocks.map(hex) {
        let whole = read(&mut Decoder::default(), &block).unwrap_or_default();
        for length in 0..block.len() {
            let mut decoder = Decoder::default();
            if let Ok(fields) = read(&mut decoder, &block[..length]) {
                assert!(length == 0 || whole.is_empty() || whole.starts_with(&fields));
            }
            table(&decoder);
        }
    }
    assert_eq!(broken(&hex("41")), CUT.debug);
    assert_eq!(broken(&hex("410f7777")), CUT.debug);
    assert_eq!(broken(&hex("4003617a")), CUT.debug);
    assert_eq!(broken(&hex("1f9a")), CUT.debug);
}

/// Bytes that a seed makes (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Blocks of nothing but chance, and good ones with a byte changed.
#[test]
fn random_blocks() {
    let good = hex("3fe11f 8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff 4088 25a8 49e9 5ba9 7d7f");
    for seed in 1..=2_000u64 {
        let good = good.clone();
        let tried = catch_unwind(move || {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let mut decoder = Decoder::default();
            for _ in 0..8 {
                let length = random.next() as usize % 96;
                let chance: Vec<_> = (0..length).map(|_| random.next() as u8).collect();
                let _ = read(&mut decoder, &chance);
                let mut changed = good.clone();
                let at = random.next() as usize % changed.len();
                changed[at] = random.next() as u8;
                let _ = read(&mut decoder, &changed);
                table(&decoder);
            }
        });
        assert!(tried.is_ok(), "seed {seed}");
    }
}
