//! Lists: arrays of values of one kind.

use super::{
    JsonKind, Reading, Writing,
    field::Seed,
    kind::{Read, Written},
};
use serde_core::{
    Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, SeqAccess, Visitor},
    ser::SerializeSeq,
};
use std::{fmt, marker::PhantomData};

/// Values to be written.
pub(super) struct Listed<'a, K, T> {
    values: &'a [T],
    writing: Writing<'a>,
    kind: PhantomData<K>,
}

impl<'a, K, T> Listed<'a, K, T> {
    #[inline]
    pub(super) fn new(values: &'a [T], writing: Writing<'a>) -> Self {
        let kind = PhantomData;
        Self {
            values,
            writing,
            kind,
        }
    }
}

impl<K: JsonKind<T>, T> Serialize for Listed<'_, K, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let writing = self.writing.deeper()?;
        let mut list = serializer.serialize_seq(Some(self.values.len()))?;
        for value in self.values {
            list.serialize_element(&Written::<K, T>::new(value, writing))?;
        }
        list.end()
    }
}

/// Values to be read.
pub(super) struct List<K, T>(Reading, PhantomData<(K, T)>);

impl<K, T> List<K, T> {
    #[inline]
    pub(super) fn new(reading: Reading) -> Self {
        Self(reading, PhantomData)
    }
}

impl<K: JsonKind<T>, T> Seed<'_> for List<K, T> {
    type Read = Vec<T>;
    const NULL: bool = false;
}

impl<'de, K: JsonKind<T>, T> DeserializeSeed<'de> for List<K, T> {
    type Value = Option<Vec<T>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let reading = self.0.deeper()?;
        deserializer
            .deserialize_seq(Self(reading, PhantomData))
            .map(Some)
    }
}

impl<'de, K: JsonKind<T>, T> Visitor<'de> for List<K, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Read::<K, T>::new(self.0))? {
            values.extend(value);
        }
        Ok(values)
    }
}
