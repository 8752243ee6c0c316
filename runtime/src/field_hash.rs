//! The hash of one field of an encoded message, the same wherever it is taken.

use prost::{
    bytes::Buf,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use twox_hash::XxHash64;

/// The hash of the field that the numbers of `path` lead to. Zero, an empty
/// string and a field that is not set are one value, as they are in proto3.
pub(crate) fn of(path: &[u32], message: &[u8]) -> u64 {
    match find(path, message) {
        None | Some(Value::Number(0)) => hash(&[]),
        Some(Value::Number(number)) => hash(&number.to_le_bytes()),
        Some(Value::Bytes(bytes)) => hash(bytes),
    }
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The last value there is: what a decoder would keep. What is malformed ends the search.
fn find<'a>(path: &[u32], mut message: &'a [u8]) -> Option<Value<'a>> {
    let (wanted, inner) = path.split_first()?;
    let mut found = None;
    while let Ok((number, wire)) = decode_key(&mut message) {
        if number != *wanted {
            if skip_field(wire, number, &mut message, DecodeContext::default()).is_err() {
                break;
            }
            continue;
        }
        let Some(value) = take(wire, &mut message) else {
            break;
        };
        match value {
            Value::Bytes(bytes) if !inner.is_empty() => found = find(inner, bytes).or(found),
            value if inner.is_empty() => found = Some(value),
            Value::Number(_) | Value::Bytes(_) => {}
        }
    }
    found
}

fn take<'a>(wire: WireType, message: &mut &'a [u8]) -> Option<Value<'a>> {
    match wire {
        WireType::Varint => decode_varint(message).ok().map(Value::Number),
        WireType::SixtyFourBit => message.try_get_u64_le().ok().map(Value::Number),
        WireType::ThirtyTwoBit => {
            let number = message.try_get_u32_le().ok()?;
            Some(Value::Number(number.into()))
        }
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(message).ok()?).ok()?;
            let (bytes, rest) = message.split_at_checked(length)?;
            *message = rest;
            Some(Value::Bytes(bytes))
        }
        WireType::StartGroup | WireType::EndGroup => None,
    }
}

/// As the rings of gRPC are hashed (gRFC A42).
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(0, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1: { 2: "ada", 3: 7 }, 4: 9 (fixed64), then 1: { 2: "bob" }
    const MESSAGE: &[u8] = b"\x0a\x07\x12\x03ada\x18\x07\x21\x09\0\0\0\0\0\0\0\x0a\x05\x12\x03bob";

    #[test]
    fn the_last_value_counts_as_for_a_decoder() {
        assert_eq!(of(&[1, 2], MESSAGE), hash(b"bob"));
        assert_eq!(of(&[1, 3], MESSAGE), hash(&7_u64.to_le_bytes()));
        assert_eq!(of(&[4], MESSAGE), hash(&9_u64.to_le_bytes()));
    }

    #[test]
    fn zero_empty_and_unset_are_one() {
        let unset = of(&[1], b"");
        assert_eq!(of(&[1], b"\x08\x00"), unset);
        assert_eq!(of(&[1], b"\x0a\x00"), unset);
        assert_eq!(of(&[1, 2], b"\x0a\x00"), unset);
        assert_ne!(of(&[1], b"\x08\x01"), unset);
    }

    #[test]
    fn what_is_malformed_ends_the_search() {
        for end in 0..MESSAGE.len() {
            let _ = of(&[1, 2], &MESSAGE[..end]);
        }
        assert_eq!(of(&[1], b"\x0a\xff\xff\xff\xff\x0f"), of(&[1], b""));
        assert_eq!(of(&[1], b"\x0b\x08\x01\x0c"), of(&[1], b""));
    }

    /// The published values of XXH64: clients of every kind and version must agree.
    #[test]
    fn hashes_never_change() {
        assert_eq!(hash(b""), 0xef46_db37_51d8_e999);
        assert_eq!(hash(b"abc"), 0x44bc_2cf5_ad77_0999);
    }
}
