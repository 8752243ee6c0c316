//! The types that may be in an `Any`, by their names.

use super::{
    Json, Reading, Writing,
    kind::Written,
    message::TYPE,
    node::{self, Entries, Node},
};
use crate::wire::kind;
use prost::{DecodeError, Message};
use serde_core::{Serialize, Serializer, de, ser::SerializeMap};
use std::{collections::HashMap, fmt, sync::OnceLock};

/// A message that this program knows by its name, so that it can be read from JSON in an `Any`, and be
/// written there.
///
/// Generated code submits one for each message; of other messages a program does it itself:
///
/// ```
/// use cordial_runtime::{inventory, json::{self, MessageType}};
///
/// inventory::submit! {
///     MessageType::of::<prost_types::Duration>("acme.v1.Span")
/// }
/// let any = r#"{"@type":"type.googleapis.com/acme.v1.Span","value":"1s"}"#;
/// assert!(json::from_str::<prost_types::Any>(any).is_ok());
/// ```
pub struct MessageType {
    name: &'static str,
    write: Write,
    read: Read,
}

/// From the bytes of a message to what writes it.
type Write =
    for<'a> fn(&[u8], Writing<'a>) -> Result<Box<dyn erased_serde::Serialize + 'a>, DecodeError>;

/// From an object, without its `@type`, to the bytes of a message.
type Read = fn(Entries, Reading) -> Result<Vec<u8>, node::Error>;

inventory::collect!(MessageType);

impl MessageType {
    /// The type whose full name is `name`: `shop.v1.Cart`.
    #[must_use]
    pub const fn of<M: Json + Message + Default + 'static>(name: &'static str) -> Self {
        Self {
            name,
            write: write::<M>,
            read: read::<M>,
        }
    }

    /// Google's own nothing, which some write as any object, and others as a value.
    const fn empty() -> Self {
        Self {
            name: "google.protobuf.Empty",
            write: write::<()>,
            read: |entries, reading| match entries.as_slice() {
                [(name, _)] if name == VALUE => value::<()>(entries, reading),
                _ => read::<()>(entries, reading),
            },
        }
    }

    pub(super) fn write<'a>(
        &self,
        bytes: &[u8],
        writing: Writing<'a>,
    ) -> Result<Box<dyn erased_serde::Serialize + 'a>, DecodeError> {
        (self.write)(bytes, writing)
    }

    pub(super) fn read(&self, entries: Entries, reading: Reading) -> Result<Vec<u8>, node::Error> {
        (self.read)(entries, reading)
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MessageType").field(&self.name).finish()
    }
}

/// What the value of a type with a form of its own is called in an `Any`.
const VALUE: &str = "value";

fn write<'a, M: Json + Message + Default + 'static>(
    bytes: &[u8],
    writing: Writing<'a>,
) -> Result<Box<dyn erased_serde::Serialize + 'a>, DecodeError> {
    let message = M::decode(bytes)?;
    Ok(Box::new(Packed { message, writing }))
}

fn read<M: Json + Message>(entries: Entries, reading: Reading) -> Result<Vec<u8>, node::Error> {
    match M::OBJECT {
        true => Ok(M::read(reading, Node::Object(entries))?.encode_to_vec()),
        false => value::<M>(entries, reading),
    }
}

fn value<M: Json + Message>(entries: Entries, reading: Reading) -> Result<Vec<u8>, node::Error> {
    let mut found = None;
    for (name, node) in entries {
        if name == VALUE {
            if found.replace(node).is_some() {
                return Err(de::Error::custom("the field `value` is there twice"));
            }
        } else if !reading.options.ignore_unknown {
            return Err(de::Error::custom(format_args!(
                "beside `@type` and `value` there is no `{name:.64}`"
            )));
        }
    }
    let Some(node) = found else {
        return Err(de::Error::custom("there is no field `value`"));
    };
    Ok(M::read(reading.deeper()?, node)?.encode_to_vec())
}

/// A message in an `Any`.
struct Packed<'a, M> {
    message: M,
    writing: Writing<'a>,
}

impl<M: Json> Serialize for Packed<'_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if M::OBJECT {
            return self.message.write(self.writing, serializer);
        }
        let within = self.writing.deeper()?;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(TYPE, self.writing.type_url.unwrap_or_default())?;
        map.serialize_entry(
            VALUE,
            &Written::<kind::message, M>::new(&self.message, within),
        )?;
        map.end()
    }
}

/// The type of this full name.
pub(super) fn find(name: &str) -> Option<&'static MessageType> {
    static TYPES: OnceLock<HashMap<&str, &MessageType>> = OnceLock::new();
    let types = TYPES.get_or_init(|| {
        let known = WELL_KNOWN.iter().chain(inventory::iter::<MessageType>);
        known.map(|known| (known.name, known)).collect()
    });
    types.get(name).copied()
}

static WELL_KNOWN: [MessageType; 17] = [
    MessageType::of::<prost_types::Any>("google.protobuf.Any"),
    MessageType::of::<prost_types::Duration>("google.protobuf.Duration"),
    MessageType::of::<prost_types::FieldMask>("google.protobuf.FieldMask"),
    MessageType::of::<prost_types::ListValue>("google.protobuf.ListValue"),
    MessageType::of::<prost_types::Struct>("google.protobuf.Struct"),
    MessageType::of::<prost_types::Timestamp>("google.protobuf.Timestamp"),
    MessageType::of::<prost_types::Value>("google.protobuf.Value"),
    MessageType::of::<bool>("google.protobuf.BoolValue"),
    MessageType::of::<Vec<u8>>("google.protobuf.BytesValue"),
    MessageType::of::<f64>("google.protobuf.DoubleValue"),
    MessageType::of::<f32>("google.protobuf.FloatValue"),
    MessageType::of::<i32>("google.protobuf.Int32Value"),
    MessageType::of::<i64>("google.protobuf.Int64Value"),
    MessageType::of::<String>("google.protobuf.StringValue"),
    MessageType::of::<u32>("google.protobuf.UInt32Value"),
    MessageType::of::<u64>("google.protobuf.UInt64Value"),
    MessageType::empty(),
];
