//! `Empty`, which is `()`: an object without fields.

use crate::json::{Json, Reading, Writing, message::Names, message::TYPE};
use serde_core::{
    Deserializer, Serializer,
    de::{IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};
use std::fmt;

impl Json for () {
    const OBJECT: bool = true;

    fn write<S: Serializer>(&self, writing: Writing<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        writing.deeper()?;
        let mut map = serializer.serialize_map(None)?;
        if let Some(type_url) = writing.type_url {
            map.serialize_entry(TYPE, type_url)?;
        }
        map.end()
    }

    fn read<'de, D: Deserializer<'de>>(
        reading: Reading,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Empty(reading.deeper()?))
    }
}

struct Empty(Reading);

impl<'de> Visitor<'de> for Empty {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object without fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let ignore_unknown = self.0.options.ignore_unknown;
        let mut names = Names::new(&[], "google.protobuf.Empty", ignore_unknown);
        while map.next_key_seed(&mut names)?.is_some() {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}
