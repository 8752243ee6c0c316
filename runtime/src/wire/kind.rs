//! The kinds of values that a field can hold, by the words of the `.proto`.

use prost::{
    DecodeError, Message,
    bytes::{Buf, BufMut, Bytes},
    encoding::{self, DecodeContext, WireType},
};
use std::marker::PhantomData;

/// How values of the Rust type `T` travel.
pub trait Kind<T> {
    /// Writes one value with its key.
    fn encode<B: BufMut>(tag: u32, value: &T, buf: &mut B);

    /// How many bytes [`encode`](Self::encode) writes.
    fn encoded_len(tag: u32, value: &T) -> usize;

    /// Reads what follows a key into a value.
    ///
    /// # Errors
    ///
    /// When that is no value of this kind.
    fn merge<B: Buf>(
        tag: u32,
        wire_type: WireType,
        value: &mut T,
        buf: &mut B,
        context: DecodeContext,
    ) -> Result<(), DecodeError>;

    /// How many bytes the values take when each has a key.
    fn encoded_len_repeated(tag: u32, values: &[T]) -> usize;

    /// Reads what follows a key and appends it: a value or, of numbers, any count of them.
    ///
    /// # Errors
    ///
    /// When that is no value of this kind.
    fn merge_repeated<B: Buf>(
        tag: u32,
        wire_type: WireType,
        values: &mut Vec<T>,
        buf: &mut B,
        context: DecodeContext,
    ) -> Result<(), DecodeError>;

    /// What an absent value of a map stands for.
    fn absent() -> T
    where
        T: Default,
    {
        T::default()
    }
}

/// A kind of which many values may share one key.
pub trait Packed<T>: Kind<T> {
    /// Writes all values under one key.
    fn encode_packed<B: BufMut>(tag: u32, values: &[T], buf: &mut B);

    /// How many bytes [`encode_packed`](Self::encode_packed) writes.
    fn encoded_len_packed(tag: u32, values: &[T]) -> usize;
}

/// Passes everything on to prost's functions for a kind; what precedes their arguments is in brackets.
macro_rules! as_prost {
    ($module:ident $(, $tag:ident)?; $ty:ty) => {
        #[inline]
        fn encode<B: BufMut>(tag: u32, value: &$ty, buf: &mut B) {
            encoding::$module::encode(tag, value, buf);
        }

        as_prost!(@rest $module $(, $tag)?; $ty);
    };
    (@rest $module:ident $(, $tag:ident)?; $ty:ty) => {
        #[inline]
        fn encoded_len(tag: u32, value: &$ty) -> usize {
            encoding::$module::encoded_len(tag, value)
        }

        #[inline]
        fn merge<B: Buf>(
            _tag: u32,
            wire_type: WireType,
            value: &mut $ty,
            buf: &mut B,
            context: DecodeContext,
        ) -> Result<(), DecodeError> {
            $(let $tag = _tag;)?
            encoding::$module::merge($($tag,)? wire_type, value, buf, context)
        }

        #[inline]
        fn encoded_len_repeated(tag: u32, values: &[$ty]) -> usize {
            encoding::$module::encoded_len_repeated(tag, values)
        }

        #[inline]
        fn merge_repeated<B: Buf>(
            _tag: u32,
            wire_type: WireType,
            values: &mut Vec<$ty>,
            buf: &mut B,
            context: DecodeContext,
        ) -> Result<(), DecodeError> {
            $(let $tag = _tag;)?
            encoding::$module::merge_repeated($($tag,)? wire_type, values, buf, context)
        }
    };
}

macro_rules! packed_as_prost {
    ($module:ident; $ty:ty) => {
        #[inline]
        fn encode_packed<B: BufMut>(tag: u32, values: &[$ty], buf: &mut B) {
            encoding::$module::encode_packed(tag, values, buf);
        }

        #[inline]
        fn encoded_len_packed(tag: u32, values: &[$ty]) -> usize {
            encoding::$module::encoded_len_packed(tag, values)
        }
    };
}

macro_rules! numbers {
    ($($kind:ident $ty:ty;)*) => {$(
        #[doc = concat!("`", stringify!($kind), "`")]
        #[derive(Debug)]
        #[allow(non_camel_case_types)]
        pub struct $kind;

        impl Kind<$ty> for $kind {
            as_prost!($kind; $ty);
        }

        impl Packed<$ty> for $kind {
            packed_as_prost!($kind; $ty);
        }
    )*};
}

numbers! {
    double f64;
    float f32;
    int32 i32;
    int64 i64;
    uint32 u32;
    uint64 u64;
    sint32 i32;
    sint64 i64;
    fixed32 u32;
    fixed64 u64;
    sfixed32 i32;
    sfixed64 i64;
    bool ::core::primitive::bool;
}

/// Writes bytes with their key and length, which are one byte each more often than not.
#[inline]
fn put_bytes(tag: u32, value: &[u8], buf: &mut impl BufMut) {
    const SHORT_BYTES_MAX: usize = 127;
    const SHORT_TAG_MAX: u32 = 15;
    if value.len() <= SHORT_BYTES_MAX && tag <= SHORT_TAG_MAX {
        let key = (tag << 3) as u8 | WireType::LengthDelimited as u8;
        buf.put_slice(&[key, value.len() as u8]);
    } else {
        encoding::encode_key(tag, WireType::LengthDelimited, buf);
        encoding::encode_varint(value.len() as u64, buf);
    }
    buf.put_slice(value);
}

/// `string`
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct string;

impl Kind<String> for string {
    #[inline]
    fn encode<B: BufMut>(tag: u32, value: &String, buf: &mut B) {
        put_bytes(tag, value.as_bytes(), buf);
    }

    as_prost!(@rest string; String);
}

/// `bytes`
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct bytes;

impl Kind<Vec<u8>> for bytes {
    #[inline]
    fn encode<B: BufMut>(tag: u32, value: &Vec<u8>, buf: &mut B) {
        put_bytes(tag, value, buf);
    }

    as_prost!(@rest bytes; Vec<u8>);
}

impl Kind<Bytes> for bytes {
    #[inline]
    fn encode<B: BufMut>(tag: u32, value: &Bytes, buf: &mut B) {
        put_bytes(tag, value, buf);
    }

    as_prost!(@rest bytes; Bytes);
}

/// A message, in a box or not.
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct message;

impl<M: Message + Default> Kind<M> for message {
    as_prost!(message; M);
}

/// A group: a message between two keys.
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct group;

impl<M: Message + Default> Kind<M> for group {
    as_prost!(group, tag; M);
}

/// A value of the enum `E`, held as the number that travels.
#[derive(Debug)]
#[allow(non_camel_case_types)]
pub struct enumeration<E>(PhantomData<E>);

impl<E: Default + Into<i32>> Kind<i32> for enumeration<E> {
    as_prost!(int32; i32);

    fn absent() -> i32 {
        E::default().into()
    }
}

impl<E: Default + Into<i32>> Packed<i32> for enumeration<E> {
    packed_as_prost!(int32; i32);
}
