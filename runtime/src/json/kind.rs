//! The kinds of values that a field can hold, as JSON has them.

use super::{
    Json, JsonEnum, Reading, Writing, enumeration,
    number::{self, INFINITY, NEGATIVE_INFINITY, NOT_A_NUMBER},
    stack::with_room,
    text,
};
use crate::wire::kind;
use prost::bytes::Bytes;
use serde_core::{
    Deserialize, Deserializer, Serializer,
    de::{self, Visitor},
};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// How values of the Rust type `T` look.
pub trait JsonKind<T> {
    /// Whether `null` is a value, and not the absence of one.
    const NULL: bool = false;

    /// Writes a value.
    ///
    /// # Errors
    ///
    /// When JSON has no form for it, and when the serializer fails.
    fn write<S: Serializer>(
        value: &T,
        writing: Writing<'_>,
        serializer: S,
    ) -> Result<S::Ok, S::Error>;

    /// Reads a value; `None` stands for one that nobody knows, and that is to be ignored.
    ///
    /// # Errors
    ///
    /// When there is none, or none of this kind.
    fn read<'de, D: Deserializer<'de>>(
        reading: Reading,
        deserializer: D,
    ) -> Result<Option<T>, D::Error>;
}

/// A kind whose values can be keys of a map.
pub trait JsonKey<T> {
    /// The value as a key.
    fn to_key(value: &T) -> Cow<'_, str>;

    /// The value of a key.
    fn of_key(key: &str) -> Option<T>;
}

macro_rules! integers {
    ($($kind:ident $ty:ident $write:ident;)*) => {$(
        impl JsonKind<$ty> for kind::$kind {
            #[inline]
            fn write<S: Serializer>(
                value: &$ty,
                _: Writing<'_>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                $write!(serializer, *value, $ty)
            }

            #[inline]
            fn read<'de, D: Deserializer<'de>>(
                _: Reading,
                deserializer: D,
            ) -> Result<Option<$ty>, D::Error> {
                number::integer(deserializer).map(Some)
            }
        }

        impl JsonKey<$ty> for kind::$kind {
            fn to_key(value: &$ty) -> Cow<'_, str> {
                Cow::Owned(itoa::Buffer::new().format(*value).to_owned())
            }

            fn of_key(key: &str) -> Option<$ty> {
                text::Decimal::parse(key)?.whole()?.try_into().ok()
            }
        }
    )*};
}

/// What every reader of JSON has numbers for.
macro_rules! short {
    ($serializer:ident, $value:expr, i32) => {
        $serializer.serialize_i32($value)
    };
    ($serializer:ident, $value:expr, u32) => {
        $serializer.serialize_u32($value)
    };
}

/// What many readers of JSON would round.
macro_rules! long {
    ($serializer:ident, $value:expr, $ty:ident) => {
        $serializer.serialize_str(itoa::Buffer::new().format($value))
    };
}

integers! {
    int32 i32 short;
    int64 i64 long;
    uint32 u32 short;
    uint64 u64 long;
    sint32 i32 short;
    sint64 i64 long;
    fixed32 u32 short;
    fixed64 u64 long;
    sfixed32 i32 short;
    sfixed64 i64 long;
}

macro_rules! floats {
    ($($kind:ident $ty:ident $write:ident;)*) => {$(
        impl JsonKind<$ty> for kind::$kind {
            fn write<S: Serializer>(
                value: &$ty,
                _: Writing<'_>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                if value.is_finite() {
                    serializer.$write(*value)
                } else if value.is_nan() {
                    serializer.serialize_str(NOT_A_NUMBER)
                } else if *value > 0.0 {
                    serializer.serialize_str(INFINITY)
                } else {
                    serializer.serialize_str(NEGATIVE_INFINITY)
                }
            }

            fn read<'de, D: Deserializer<'de>>(
                _: Reading,
                deserializer: D,
            ) -> Result<Option<$ty>, D::Error> {
                number::float(deserializer).map(Some)
            }
        }
    )*};
}

floats! {
    double f64 serialize_f64;
    float f32 serialize_f32;
}

impl JsonKind<bool> for kind::bool {
    fn write<S: Serializer>(
        value: &bool,
        _: Writing<'_>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*value)
    }

    fn read<'de, D: Deserializer<'de>>(
        _: Reading,
        deserializer: D,
    ) -> Result<Option<bool>, D::Error> {
        bool::deserialize(deserializer).map(Some)
    }
}

impl JsonKey<bool> for kind::bool {
    fn to_key(value: &bool) -> Cow<'_, str> {
        Cow::Borrowed(if *value { "true" } else { "false" })
    }

    fn of_key(key: &str) -> Option<bool> {
        key.parse().ok()
    }
}

impl JsonKind<String> for kind::string {
    #[inline]
    fn write<S: Serializer>(
        value: &String,
        _: Writing<'_>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value)
    }

    #[inline]
    fn read<'de, D: Deserializer<'de>>(
        _: Reading,
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        String::deserialize(deserializer).map(Some)
    }
}

impl JsonKey<String> for kind::string {
    fn to_key(value: &String) -> Cow<'_, str> {
        Cow::Borrowed(value)
    }

    fn of_key(key: &str) -> Option<String> {
        Some(key.to_owned())
    }
}

/// Reads base64 in either alphabet, padded or not.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_str(Text {
        expected: "bytes in base64",
        parse: text::from_base64,
    })
}

macro_rules! bytes {
    ($($ty:ty)*) => {$(
        impl JsonKind<$ty> for kind::bytes {
            fn write<S: Serializer>(
                value: &$ty,
                _: Writing<'_>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&text::to_base64(value))
            }

            fn read<'de, D: Deserializer<'de>>(
                _: Reading,
                deserializer: D,
            ) -> Result<Option<$ty>, D::Error> {
                bytes(deserializer).map(|bytes| Some(bytes.into()))
            }
        }
    )*};
}

bytes!(Vec<u8> Bytes);

/// Reads a string that says something else.
pub(super) struct Text<T> {
    pub(super) expected: &'static str,
    pub(super) parse: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::custom(format_args!("expected {}", self.expected)))
    }
}

macro_rules! messages {
    ($($kind:ident)*) => {$(
        impl<M: Json> JsonKind<M> for kind::$kind {
            const NULL: bool = M::NULL;

            #[inline]
            fn write<S: Serializer>(
                value: &M,
                writing: Writing<'_>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                with_room(|| value.write(writing, serializer))
            }

            #[inline]
            fn read<'de, D: Deserializer<'de>>(
                reading: Reading,
                deserializer: D,
            ) -> Result<Option<M>, D::Error> {
                with_room(|| M::read(reading, deserializer)).map(Some)
            }
        }
    )*};
}

messages!(message group);

impl<E: JsonEnum> JsonKind<i32> for kind::enumeration<E> {
    const NULL: bool = E::NULL;

    fn write<S: Serializer>(
        value: &i32,
        writing: Writing<'_>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        enumeration::write::<E, S>(*value, writing, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(
        reading: Reading,
        deserializer: D,
    ) -> Result<Option<i32>, D::Error> {
        enumeration::read::<E, D>(reading, deserializer)
    }
}

/// A value to be written as one of a kind.
pub(super) struct Written<'a, K, T> {
    value: &'a T,
    writing: Writing<'a>,
    kind: PhantomData<K>,
}

impl<'a, K, T> Written<'a, K, T> {
    #[inline]
    pub(super) fn new(value: &'a T, writing: Writing<'a>) -> Self {
        let kind = PhantomData;
        Self {
            value,
            writing,
            kind,
        }
    }
}

impl<K: JsonKind<T>, T> serde_core::Serialize for Written<'_, K, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        K::write(self.value, self.writing, serializer)
    }
}

/// A value to be read as one of a kind; none if it is to be ignored.
pub(super) struct Read<K, T>(Reading, PhantomData<(K, T)>);

impl<K, T> Read<K, T> {
    #[inline]
    pub(super) fn new(reading: Reading) -> Self {
        Self(reading, PhantomData)
    }
}

impl<'de, K: JsonKind<T>, T> de::DeserializeSeed<'de> for Read<K, T> {
    type Value = Option<T>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        K::read(self.0, deserializer)
    }
}
