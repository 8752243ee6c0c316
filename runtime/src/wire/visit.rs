//! Visiting the fields of a message in the order of their numbers: to write them, or to measure them.

use super::{Kind, Map, Oneof, Packed};
use prost::bytes::BufMut;

/// A message whose fields can be visited.
pub trait Fields {
    /// Shows each field to the visitor, in the order of their numbers.
    fn visit<V: Visit>(&self, visitor: &mut V);
}

/// Looks at fields; one function for each label.
pub trait Visit {
    /// A value that is always written.
    fn required<K: Kind<T>, T>(&mut self, tag: u32, value: &T);

    /// Values, each with a key.
    fn repeated<K: Kind<T>, T>(&mut self, tag: u32, values: &[T]);

    /// Numbers under one key.
    fn packed<K: Packed<T>, T>(&mut self, tag: u32, values: &[T]);

    /// Keys and values, in a message for each.
    fn map<K, V, M: Map<K, V>>(&mut self, tag: u32, map: &M);

    /// One field of several.
    fn oneof<T: Oneof>(&mut self, tag: u32, value: &Option<T>);

    /// A value that is written unless it is the default of its type.
    #[inline]
    fn plain<K: Kind<T>, T: Default + PartialEq>(&mut self, tag: u32, value: &T) {
        if *value != T::default() {
            self.required::<K, T>(tag, value);
        }
    }

    /// A value that is written if it is there.
    #[inline]
    fn optional<K: Kind<T>, T>(&mut self, tag: u32, value: &Option<T>) {
        if let Some(value) = value {
            self.required::<K, T>(tag, value);
        }
    }
}

/// Writes what it sees.
#[derive(Debug)]
pub struct Encoder<'a, B>(pub &'a mut B);

impl<B: BufMut> Visit for Encoder<'_, B> {
    #[inline]
    fn required<K: Kind<T>, T>(&mut self, tag: u32, value: &T) {
        K::encode(tag, value, self.0);
    }

    #[inline]
    fn repeated<K: Kind<T>, T>(&mut self, tag: u32, values: &[T]) {
        for value in values {
            K::encode(tag, value, self.0);
        }
    }

    #[inline]
    fn packed<K: Packed<T>, T>(&mut self, tag: u32, values: &[T]) {
        K::encode_packed(tag, values, self.0);
    }

    #[inline]
    fn map<K, V, M: Map<K, V>>(&mut self, tag: u32, map: &M) {
        map.encode(tag, self.0);
    }

    #[inline]
    fn oneof<T: Oneof>(&mut self, _: u32, value: &Option<T>) {
        if let Some(value) = value {
            value.encode(self.0);
        }
    }
}

/// Adds up the bytes that an [`Encoder`] would write.
#[derive(Debug, Default)]
pub struct Length(usize);

impl Length {
    /// The length of a whole message.
    #[inline]
    pub fn of<M: Fields>(message: &M) -> usize {
        let mut length = Self::default();
        message.visit(&mut length);
        length.0
    }
}

impl Visit for Length {
    #[inline]
    fn required<K: Kind<T>, T>(&mut self, tag: u32, value: &T) {
        self.0 += K::encoded_len(tag, value);
    }

    #[inline]
    fn repeated<K: Kind<T>, T>(&mut self, tag: u32, values: &[T]) {
        self.0 += K::encoded_len_repeated(tag, values);
    }

    #[inline]
    fn packed<K: Packed<T>, T>(&mut self, tag: u32, values: &[T]) {
        self.0 += K::encoded_len_packed(tag, values);
    }

    #[inline]
    fn map<K, V, M: Map<K, V>>(&mut self, tag: u32, map: &M) {
        self.0 += map.encoded_len(tag);
    }

    #[inline]
    fn oneof<T: Oneof>(&mut self, _: u32, value: &Option<T>) {
        self.0 += value.as_ref().map_or(0, T::encoded_len);
    }
}
