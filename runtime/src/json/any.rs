//! `Any`: a message that says its type.

use super::{
    Json, Reading, Writing,
    message::TYPE,
    node::{self, Node, NodeSeed},
    registry,
};
use prost_types::Any;
use serde_core::{
    Deserializer, Serializer,
    de::{self, DeserializeSeed},
    ser::{self, SerializeMap},
};

impl Json for Any {
    fn write<S: Serializer>(&self, writing: Writing<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        if self.type_url.is_empty() && self.value.is_empty() {
            return serializer.serialize_map(Some(0))?.end();
        }
        let known = find(&self.type_url).map_err(ser::Error::custom)?;
        let packed = known.write(&self.value, writing.in_any(&self.type_url)?);
        let packed = packed.map_err(|error| {
            ser::Error::custom(format_args!("an `Any` does not decode: {error}"))
        })?;
        erased_serde::serialize(&*packed, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(
        reading: Reading,
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let node = NodeSeed(reading).deserialize(deserializer)?;
        unpacked(node, reading).map_err(de::Error::custom)
    }
}

fn unpacked(node: Node, reading: Reading) -> Result<Any, node::Error> {
    let Node::Object(mut entries) = node else {
        return Err(de::Error::custom("expected an `Any`, which is an object"));
    };
    if entries.is_empty() {
        return Ok(Any::default());
    }
    let mut types = entries.extract_if(.., |(name, _)| name == TYPE);
    let type_url = match (types.next(), types.next()) {
        (Some((_, Node::Text(type_url))), None) => type_url,
        (Some(_), Some(_)) => return Err(de::Error::custom("the field `@type` is there twice")),
        _ => {
            return Err(de::Error::custom(
                "an `Any` says its type in `@type`, a string",
            ));
        }
    };
    drop(types);
    let known = find(&type_url).map_err(de::Error::custom)?;
    let value = known.read(entries, reading.in_any()?)?;
    Ok(Any { type_url, value })
}

/// The type that is named behind the last `/`.
fn find(type_url: &str) -> Result<&'static registry::MessageType, String> {
    let name = type_url.rsplit_once('/').map(|(_, name)| name);
    let name = name.filter(|name| !name.is_empty()).ok_or_else(|| {
        format!("`{type_url:.64}` is no type of an `Any`: write `type.googleapis.com/package.Type`")
    })?;
    registry::find(name).ok_or_else(|| {
        format!(
            "this program knows no type `{name:.64}`: generate its file with `Config::json(true)`"
        )
    })
}
