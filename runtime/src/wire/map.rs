//! Maps: a message of a key and a value for each entry.

use super::Kind;
use prost::{
    DecodeError,
    bytes::{Buf, BufMut},
    encoding::{DecodeContext, WireType, btree_map, check_wire_type, hash_map},
};
use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

/// A map whose keys are of the kind `K` and whose values are of the kind `V`.
pub trait Map<K, V> {
    /// Writes every entry with a key.
    fn encode<B: BufMut>(&self, tag: u32, buf: &mut B);

    /// How many bytes [`encode`](Self::encode) writes.
    fn encoded_len(&self, tag: u32) -> usize;

    /// Reads one entry, which replaces another of the same key.
    ///
    /// # Errors
    ///
    /// When what follows is no entry of this map.
    fn merge<B: Buf>(
        &mut self,
        wire_type: WireType,
        buf: &mut B,
        context: DecodeContext,
    ) -> Result<(), DecodeError>;
}

macro_rules! map {
    ($($map:ident $module:ident;)*) => {$(
        impl<K, V, A, B> Map<K, V> for $map<A, B>
        where
            K: Kind<A>,
            V: Kind<B>,
            A: Default + Eq + Hash + Ord,
            B: Default + PartialEq,
        {
            #[inline]
            fn encode<T: BufMut>(&self, tag: u32, buf: &mut T) {
                $module::encode_with_default(
                    K::encode,
                    K::encoded_len,
                    V::encode,
                    V::encoded_len,
                    &V::absent(),
                    tag,
                    self,
                    buf,
                );
            }

            #[inline]
            fn encoded_len(&self, tag: u32) -> usize {
                $module::encoded_len_with_default(
                    K::encoded_len,
                    V::encoded_len,
                    &V::absent(),
                    tag,
                    self,
                )
            }

            #[inline]
            fn merge<T: Buf>(
                &mut self,
                wire_type: WireType,
                buf: &mut T,
                context: DecodeContext,
            ) -> Result<(), DecodeError> {
                check_wire_type(WireType::LengthDelimited, wire_type)?;
                $module::merge_with_default(
                    |wire_type, key, buf, context| K::merge(KEY, wire_type, key, buf, context),
                    |wire_type, value, buf, context| V::merge(VALUE, wire_type, value, buf, context),
                    V::absent(),
                    self,
                    buf,
                    context,
                )
            }
        }
    )*};
}

/// The number of the key in an entry.
const KEY: u32 = 1;

/// The number of the value in an entry.
const VALUE: u32 = 2;

map! {
    HashMap hash_map;
    BTreeMap btree_map;
}
