//! Maps: objects whose keys are values, too.

use super::{
    JsonKey, JsonKind, Reading, Writing,
    field::Seed,
    kind::{Read, Written},
};
use serde_core::{
    Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, MapAccess, Visitor},
    ser::SerializeMap,
};
use std::{
    collections::{BTreeMap, HashMap, btree_map, hash_map},
    fmt,
    hash::Hash,
    marker::PhantomData,
};

/// A map whose keys are of the kind `K` and whose values are of the kind `V`.
pub trait JsonMap<K, V>: Sized {
    /// Whether it has no entries.
    fn is_empty(&self) -> bool;

    /// The map, to be written.
    fn written<'a>(&'a self, writing: Writing<'a>) -> Entries<'a, K, V, Self> {
        let kinds = PhantomData;
        Entries {
            entries: self,
            writing,
            kinds,
        }
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// When JSON has no form for a value, and when the serializer fails.
    fn write<S: Serializer>(&self, writing: Writing<'_>, serializer: S) -> Result<S::Ok, S::Error>;

    /// What reads it.
    fn seed(reading: Reading) -> EntriesSeed<K, V, Self> {
        EntriesSeed(reading, PhantomData)
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// When a key or a value is none, and when a key is there twice.
    fn read<'de, A: MapAccess<'de>>(reading: Reading, entries: A) -> Result<Self, A::Error>;
}

/// A map to be written.
#[derive(Debug)]
pub struct Entries<'a, K, V, M> {
    entries: &'a M,
    writing: Writing<'a>,
    kinds: PhantomData<(K, V)>,
}

impl<K, V, M: JsonMap<K, V>> Serialize for Entries<'_, K, V, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entries.write(self.writing, serializer)
    }
}

/// A map to be read.
#[derive(Debug)]
pub struct EntriesSeed<K, V, M>(Reading, PhantomData<(K, V, M)>);

impl<K, V, M: JsonMap<K, V>> Seed<'_> for EntriesSeed<K, V, M> {
    type Read = M;
    const NULL: bool = false;
}

impl<'de, K, V, M: JsonMap<K, V>> DeserializeSeed<'de> for EntriesSeed<K, V, M> {
    type Value = Option<M>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let reading = self.0.deeper()?;
        deserializer
            .deserialize_map(Self(reading, PhantomData))
            .map(Some)
    }
}

impl<'de, K, V, M: JsonMap<K, V>> Visitor<'de> for EntriesSeed<K, V, M> {
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<M, A::Error> {
        M::read(self.0, entries)
    }
}

/// Reads a key of a map.
struct Key<K, T>(PhantomData<(K, T)>);

impl<'de, K: JsonKey<T>, T> DeserializeSeed<'de> for Key<K, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<K: JsonKey<T>, T> Visitor<'_> for Key<K, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<T, E> {
        K::of_key(key).ok_or_else(|| E::custom(format_args!("`{key:.64}` is no key of this map")))
    }
}

macro_rules! maps {
    ($($map:ident $module:ident $($bound:ident)*;)*) => {$(
        impl<K, V, A, B> JsonMap<K, V> for $map<A, B>
        where
            K: JsonKey<A>,
            V: JsonKind<B>,
            A: $($bound +)*,
        {
            fn is_empty(&self) -> bool {
                self.is_empty()
            }

            fn write<S: Serializer>(
                &self,
                writing: Writing<'_>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                let writing = writing.deeper()?;
                let mut map = serializer.serialize_map(Some(self.len()))?;
                for (key, value) in self {
                    map.serialize_entry(&*K::to_key(key), &Written::<V, B>::new(value, writing))?;
                }
                map.end()
            }

            fn read<'de, M: MapAccess<'de>>(
                reading: Reading,
                mut entries: M,
            ) -> Result<Self, M::Error> {
                let mut map = Self::new();
                while let Some(key) = entries.next_key_seed(Key::<K, A>(PhantomData))? {
                    let value = entries.next_value_seed(Read::<V, B>::new(reading))?;
                    match (map.entry(key), value) {
                        ($module::Entry::Occupied(_), _) => {
                            return Err(de::Error::custom("a key is there twice"));
                        }
                        ($module::Entry::Vacant(place), Some(value)) => {
                            place.insert(value);
                        }
                        ($module::Entry::Vacant(_), None) => {}
                    }
                }
                Ok(map)
            }
        }
    )*};
}

maps! {
    HashMap hash_map Eq Hash;
    BTreeMap btree_map Ord;
}
