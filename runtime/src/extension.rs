//! Custom options of a .proto, read with their types.

use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};
use std::fmt;

/// A custom option: an `extend google.protobuf.MethodOptions` (or
/// `ServiceOptions`) field that holds a `T`. The generator writes one constant
/// for each; [`Method::option`](crate::Method::option) reads it.
pub struct Extension<T> {
    number: u32,
    decode: fn(WireType, &mut &[u8]) -> Option<T>,
}

macro_rules! scalar {
    ($($name:ident $type:ty),* $(,)?) => {$(
        impl Extension<$type> {
            #[doc = concat!("The option of field `number`, a `", stringify!($name), "` in the .proto.")]
            pub const fn $name(number: u32) -> Self {
                Self { number, decode: |wire, bytes| {
                    let mut value = <$type>::default();
                    prost::encoding::$name::merge(wire, &mut value, bytes, DecodeContext::default()).ok()?;
                    Some(value)
                } }
            }
        }
    )*};
}

scalar!(
    bool bool, int32 i32, int64 i64, uint32 u32, uint64 u64, sint32 i32, sint64 i64,
    fixed32 u32, fixed64 u64, sfixed32 i32, sfixed64 i64, float f32, double f64,
    string String, bytes Vec<u8>,
);

impl Extension<i32> {
    /// The option of field `number`, an enum in the .proto; its number is read.
    pub const fn enumeration(number: u32) -> Self {
        Self::int32(number)
    }
}

impl<T: prost::Message + Default> Extension<T> {
    /// The option of field `number`, a message in the .proto.
    pub const fn message(number: u32) -> Self {
        Self {
            number,
            decode: |wire, bytes| {
                let mut value = T::default();
                prost::encoding::message::merge(wire, &mut value, bytes, DecodeContext::default())
                    .ok()?;
                Some(value)
            },
        }
    }
}

impl<T> Extension<T> {
    /// The number of its field.
    pub const fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn all(&self, mut options: &[u8]) -> Vec<T> {
        let mut found = Vec::new();
        while !options.is_empty() {
            let Ok((number, wire)) = decode_key(&mut options) else {
                break;
            };
            if number != self.number {
                if skip_field(wire, number, &mut options, DecodeContext::default()).is_err() {
                    break;
                }
                continue;
            }
            // A field decodes on its own or not at all: what follows is read either way.
            let (mut field, rest) = split(wire, number, options);
            found.extend((self.decode)(wire, &mut field));
            options = rest;
        }
        found
    }
}

/// The bytes of one field's value, and what follows it.
fn split(wire: WireType, number: u32, bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut rest = bytes;
    match skip_field(wire, number, &mut rest, DecodeContext::default()) {
        Ok(()) => bytes.split_at(bytes.len() - rest.len()),
        Err(_) => (bytes, &[]),
    }
}

impl<T> Clone for Extension<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Extension<T> {}

impl<T> fmt::Debug for Extension<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_value_and_skips_the_rest() {
        // 50001: "admin", 50002: true, 50001: "root"
        let options = b"\x8a\xb5\x18\x05admin\x90\xb5\x18\x01\x8a\xb5\x18\x04root";
        let role = Extension::string(50_001);
        assert_eq!(role.all(options), ["admin", "root"]);
        assert_eq!(Extension::bool(50_002).all(options), [true]);
        assert_eq!(Extension::bool(7).all(options), [false; 0]);
        assert_eq!(role.all(&options[..options.len() - 1]), ["admin"]);
        assert_eq!(role.all(b"\xff"), [""; 0]);
    }
}
