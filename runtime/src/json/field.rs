//! `FieldWriter`, `FieldReader`: the fields of an object, one function for each label.

use super::{
    FieldName, JsonKind, JsonMap, JsonOneof, Reading, Writing,
    kind::{Read, Written},
    list::{List, Listed},
};
use serde_core::{
    Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};
use std::{fmt, marker::PhantomData};

/// An object that is being written.
#[derive(Debug)]
pub struct FieldWriter<'a, M> {
    pub(super) map: &'a mut M,
    pub(super) writing: Writing<'a>,
}

#[allow(clippy::missing_errors_doc)] // Each fails when JSON has no form for the value.
impl<M: SerializeMap> FieldWriter<'_, M> {
    /// Writes a value that is always there.
    #[inline]
    pub fn required<K: JsonKind<T>, T>(
        &mut self,
        name: &FieldName,
        value: &T,
    ) -> Result<(), M::Error> {
        let name = name.written(self.writing);
        let value = Written::<K, T>::new(value, self.writing);
        self.map.serialize_entry(name, &value)
    }

    /// Writes a value unless it is the default of its type.
    #[inline]
    pub fn plain<K: JsonKind<T>, T: Default + PartialEq>(
        &mut self,
        name: &FieldName,
        value: &T,
    ) -> Result<(), M::Error> {
        if *value == T::default() && !self.writing.options.emit_defaults {
            return Ok(());
        }
        self.required::<K, T>(name, value)
    }

    /// Writes a value if it is there.
    #[inline]
    pub fn optional<K: JsonKind<T>, T>(
        &mut self,
        name: &FieldName,
        value: &Option<T>,
    ) -> Result<(), M::Error> {
        match value {
            Some(value) => self.required::<K, T>(name, value),
            None => Ok(()),
        }
    }

    /// Writes values in an array.
    #[inline]
    pub fn repeated<K: JsonKind<T>, T>(
        &mut self,
        name: &FieldName,
        values: &[T],
    ) -> Result<(), M::Error> {
        if values.is_empty() && !self.writing.options.emit_defaults {
            return Ok(());
        }
        let name = name.written(self.writing);
        let values = Listed::<K, T>::new(values, self.writing);
        self.map.serialize_entry(name, &values)
    }

    /// Writes values in an array: what is packed elsewhere is not here.
    #[inline]
    pub fn packed<K: JsonKind<T>, T>(
        &mut self,
        name: &FieldName,
        values: &[T],
    ) -> Result<(), M::Error> {
        self.repeated::<K, T>(name, values)
    }

    /// Writes entries in an object.
    #[inline]
    pub fn map<K, V, A: JsonMap<K, V>>(
        &mut self,
        name: &FieldName,
        entries: &A,
    ) -> Result<(), M::Error> {
        if entries.is_empty() && !self.writing.options.emit_defaults {
            return Ok(());
        }
        let entries = entries.written(self.writing);
        self.map
            .serialize_entry(name.written(self.writing), &entries)
    }

    /// Writes one field of several.
    #[inline]
    pub fn oneof<T: JsonOneof>(
        &mut self,
        _: &FieldName,
        value: &Option<T>,
    ) -> Result<(), M::Error> {
        match value {
            Some(value) => value.write(self),
            None => Ok(()),
        }
    }
}

/// A field whose name was read and whose value comes next.
#[derive(Debug)]
pub struct FieldReader<'a, A> {
    pub(super) map: &'a mut A,
    pub(super) reading: Reading,
    pub(super) tag: u32,
}

#[allow(clippy::missing_errors_doc)] // Each fails when the value is not what the field holds.
impl<'de, A: MapAccess<'de>> FieldReader<'_, A> {
    /// The number of the field.
    #[must_use]
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// Reads a value; `null` is none.
    #[inline]
    pub fn value<K: JsonKind<T>, T>(self) -> Result<Option<T>, A::Error> {
        self.map
            .next_value_seed(Nullable(Read::<K, T>::new(self.reading)))
    }

    /// Reads a value that has always been there.
    #[inline]
    pub fn required<K: JsonKind<T>, T>(self, value: &mut T) -> Result<(), A::Error> {
        if let Some(read) = self.value::<K, T>()? {
            *value = read;
        }
        Ok(())
    }

    /// Reads a value that has always been there.
    #[inline]
    pub fn plain<K: JsonKind<T>, T>(self, value: &mut T) -> Result<(), A::Error> {
        self.required::<K, T>(value)
    }

    /// Reads a value that may be there.
    #[inline]
    pub fn optional<K: JsonKind<T>, T>(self, value: &mut Option<T>) -> Result<(), A::Error> {
        *value = self.value::<K, T>()?;
        Ok(())
    }

    /// Reads values from an array.
    #[inline]
    pub fn repeated<K: JsonKind<T>, T>(self, values: &mut Vec<T>) -> Result<(), A::Error> {
        let list = List::<K, T>::new(self.reading);
        if let Some(read) = self.map.next_value_seed(Nullable(list))? {
            *values = read;
        }
        Ok(())
    }

    /// Reads values from an array.
    #[inline]
    pub fn packed<K: JsonKind<T>, T>(self, values: &mut Vec<T>) -> Result<(), A::Error> {
        self.repeated::<K, T>(values)
    }

    /// Reads entries from an object.
    #[inline]
    pub fn map<K, V, M: JsonMap<K, V>>(self, entries: &mut M) -> Result<(), A::Error> {
        if let Some(read) = self.map.next_value_seed(Nullable(M::seed(self.reading)))? {
            *entries = read;
        }
        Ok(())
    }

    /// Reads the value of one of several fields, of which none was read before.
    #[inline]
    pub fn oneof<T: JsonOneof>(self, value: &mut Option<T>) -> Result<(), A::Error> {
        if let Some(read) = T::read(self)?
            && value.replace(read).is_some()
        {
            return Err(de::Error::custom("another field of its oneof is set, too"));
        }
        Ok(())
    }

    /// Reads past a value.
    #[inline]
    pub fn skip(self) -> Result<(), A::Error> {
        self.map.next_value::<IgnoredAny>().map(drop)
    }
}

/// What seeds read, if it is not `null`.
struct Nullable<S>(S);

/// Reads an optional value.
pub(super) trait Seed<'de>:
    DeserializeSeed<'de, Value = Option<<Self as Seed<'de>>::Read>>
{
    type Read;
    const NULL: bool;
}

impl<'de, K: JsonKind<T>, T> Seed<'de> for Read<K, T> {
    type Read = T;
    const NULL: bool = K::NULL;
}

impl<'de, S: Seed<'de>> DeserializeSeed<'de> for Nullable<S> {
    type Value = Option<S::Read>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if S::NULL {
            return self.0.deserialize(deserializer);
        }
        deserializer.deserialize_option(Present(self.0, PhantomData))
    }
}

struct Present<'de, S>(S, PhantomData<&'de ()>);

impl<'de, S: Seed<'de>> Visitor<'de> for Present<'de, S> {
    type Value = Option<S::Read>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    #[inline]
    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    #[inline]
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer)
    }
}
