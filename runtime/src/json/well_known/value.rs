//! `Value`, `Struct`, `ListValue`: JSON itself.

use crate::{
    json::{
        Json, JsonEnum, JsonMap, Reading, Writing,
        list::{List, Listed},
    },
    wire::kind,
};
use prost_types::{ListValue, NullValue, Struct, Value, value::Kind};
use serde_core::{
    Deserializer, Serialize, Serializer,
    de::{
        self, DeserializeSeed, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
    ser,
};
use std::{collections::BTreeMap, fmt};

impl JsonEnum for NullValue {
    const NULL: bool = true;

    fn name(number: i32) -> Option<&'static str> {
        (number == 0).then_some("NULL_VALUE")
    }

    fn number(name: &str) -> Option<i32> {
        (name == "NULL_VALUE").then_some(0)
    }
}

type Fields = BTreeMap<String, Value>;

impl Json for Struct {
    fn write<S: Serializer>(&self, writing: Writing<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        <Fields as JsonMap<kind::string, kind::message>>::write(&self.fields, writing, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(
        reading: Reading,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let seed = <Fields as JsonMap<kind::string, kind::message>>::seed(reading);
        let fields = seed.deserialize(deserializer)?.unwrap_or_default();
        Ok(Self { fields })
    }
}

impl Json for ListValue {
    fn write<S: Serializer>(&self, writing: Writing<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        Listed::<kind::message, Value>::new(&self.values, writing).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(
        reading: Reading,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let seed = List::<kind::message, Value>::new(reading);
        let values = seed.deserialize(deserializer)?.unwrap_or_default();
        Ok(Self { values })
    }
}

impl Json for Value {
    const NULL: bool = true;

    fn write<S: Serializer>(&self, writing: Writing<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            Some(Kind::NullValue(_)) => serializer.serialize_unit(),
            Some(Kind::NumberValue(number)) if number.is_finite() => {
                serializer.serialize_f64(*number)
            }
            Some(Kind::NumberValue(number)) => Err(ser::Error::custom(format_args!(
                "a `Value` of {number}, which JSON has no number for"
            ))),
            Some(Kind::StringValue(text)) => serializer.serialize_str(text),
            Some(Kind::BoolValue(value)) => serializer.serialize_bool(*value),
            Some(Kind::StructValue(value)) => value.write(writing, serializer),
            Some(Kind::ListValue(value)) => value.write(writing, serializer),
            None => Err(ser::Error::custom("a `Value` without a value")),
        }
    }

    fn read<'de, D: Deserializer<'de>>(
        reading: Reading,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let kind = deserializer.deserialize_any(AnyKind(reading))?;
        Ok(Self { kind: Some(kind) })
    }
}

struct AnyKind(Reading);

impl<'de> Visitor<'de> for AnyKind {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Kind, E> {
        Ok(Kind::NullValue(0))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::BoolValue(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::NumberValue(value as f64))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::NumberValue(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::NumberValue(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::StringValue(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Kind, E> {
        Ok(Kind::StringValue(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Kind, A::Error> {
        ListValue::read(self.0, SeqAccessDeserializer::new(list)).map(Kind::ListValue)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Kind, A::Error> {
        Struct::read(self.0, MapAccessDeserializer::new(map)).map(Kind::StructValue)
    }
}
