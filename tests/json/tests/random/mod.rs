//! Random messages of any type, and damage to text.

use fastrand::Rng;
use prost_reflect::{
    Cardinality, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    ReflectMessage, Value, prost::Message, prost_types,
};
use std::{collections::HashMap, iter::repeat_with};

/// How deep messages are in one another; the deeper, the fewer.
const DEPTH_MAX: usize = 3;

/// A message with some of its fields.
pub fn message(descriptor: &MessageDescriptor, rng: &mut Rng, depth: usize) -> DynamicMessage {
    if let Some(known) = well_known(descriptor, rng, depth) {
        let mut message = DynamicMessage::new(descriptor.clone());
        message.merge(known.as_slice()).unwrap();
        return message;
    }
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let wanted = field.cardinality() == Cardinality::Required || rng.u32(..4) == 0;
        if !wanted || (depth >= DEPTH_MAX && is_message(&field)) {
            continue;
        }
        if let Some(oneof) = field.containing_oneof()
            && oneof.fields().any(|other| message.has_field(&other))
        {
            continue;
        }
        let value = field_value(&field, rng, depth);
        message.set_field(&field, value);
    }
    message
}

fn is_message(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(_))
}

fn field_value(field: &FieldDescriptor, rng: &mut Rng, depth: usize) -> Value {
    let count = rng.usize(..4);
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else {
            unreachable!("a map is of entries");
        };
        let (key, value) = (
            entry.map_entry_key_field().kind(),
            entry.map_entry_value_field().kind(),
        );
        let entries = repeat_with(|| {
            let key = map_key(&key, rng);
            (key, scalar(&value, rng, depth + 1))
        });
        return Value::Map(entries.take(count).collect::<HashMap<_, _>>());
    }
    if field.is_list() {
        let values = repeat_with(|| scalar(&field.kind(), rng, depth + 1));
        return Value::List(values.take(count).collect());
    }
    scalar(&field.kind(), rng, depth + 1)
}

fn map_key(kind: &Kind, rng: &mut Rng) -> MapKey {
    match scalar(kind, rng, 0) {
        Value::Bool(key) => MapKey::Bool(key),
        Value::I32(key) => MapKey::I32(key),
        Value::I64(key) => MapKey::I64(key),
        Value::U32(key) => MapKey::U32(key),
        Value::U64(key) => MapKey::U64(key),
        Value::String(key) => MapKey::String(key),
        other => unreachable!("{other:?} is no key"),
    }
}

fn scalar(kind: &Kind, rng: &mut Rng, depth: usize) -> Value {
    match kind {
        Kind::Double => Value::F64(double(rng)),
        Kind::Float => Value::F32(float(rng)),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(rng.i32(..) >> rng.u32(..32)),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(rng.i64(..) >> rng.u32(..64)),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(rng.u32(..) >> rng.u32(..32)),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(rng.u64(..) >> rng.u32(..64)),
        Kind::Bool => Value::Bool(rng.bool()),
        Kind::String => Value::String(text(rng)),
        Kind::Bytes => {
            let count = rng.usize(..9);
            Value::Bytes(repeat_with(|| rng.u8(..)).take(count).collect())
        }
        Kind::Enum(values) => Value::EnumNumber(number(values, rng)),
        Kind::Message(descriptor) => Value::Message(message(descriptor, rng, depth)),
    }
}

/// A value of the enum or, if it is open, any number.
fn number(values: &EnumDescriptor, rng: &mut Rng) -> i32 {
    let open = values.parent_file().syntax() == prost_reflect::Syntax::Proto3;
    if values.full_name() == "google.protobuf.NullValue" {
        return 0;
    }
    if open && rng.u32(..8) == 0 {
        return rng.i32(..);
    }
    let known: Vec<_> = values.values().map(|value| value.number()).collect();
    known[rng.usize(..known.len())]
}

/// Any but NaN, which no two messages have in common.
fn double(rng: &mut Rng) -> f64 {
    match rng.u32(..6) {
        0 => f64::INFINITY,
        1 => f64::NEG_INFINITY,
        2 => f64::from(rng.i32(..)),
        3 => f64::MAX,
        _ => Some(f64::from_bits(rng.u64(..)))
            .filter(|value| !value.is_nan() && *value != 0.0)
            .unwrap_or(0.1),
    }
}

/// Any but NaN, -0, which prost takes for none, and the largest, which prost-reflect writes and does not read.
fn float(rng: &mut Rng) -> f32 {
    match rng.u32(..6) {
        0 => f32::INFINITY,
        1 => f32::MIN_POSITIVE,
        2 => 3.4e38,
        _ => Some(f32::from_bits(rng.u32(..)))
            .filter(|value| !value.is_nan() && *value != 0.0 && value.abs() < 3.4e38)
            .unwrap_or(0.1),
    }
}

fn text(rng: &mut Rng) -> String {
    let count = rng.usize(..12);
    repeat_with(|| match rng.u32(..8) {
        0 => rng.char('\0'..=' '),
        1 => ['"', '\\', '/', '\u{7f}', '\u{2028}'][rng.usize(..5)],
        2 => rng.char(..),
        _ => rng.alphanumeric(),
    })
    .take(count)
    .collect()
}

/// The bytes of a message whose form in JSON holds only for some values.
fn well_known(descriptor: &MessageDescriptor, rng: &mut Rng, depth: usize) -> Option<Vec<u8>> {
    let nanos = |rng: &mut Rng| match rng.u32(..4) {
        0 => 0,
        1 => rng.i32(0..1_000) * 1_000_000,
        2 => rng.i32(0..1_000_000) * 1_000,
        _ => rng.i32(0..1_000_000_000),
    };
    Some(match descriptor.full_name() {
        "google.protobuf.Timestamp" => {
            let seconds = rng.i64(-62_135_596_800..=253_402_300_799);
            let nanos = nanos(rng);
            prost_types::Timestamp { seconds, nanos }.encode_to_vec()
        }
        "google.protobuf.Duration" => {
            let sign = if rng.bool() { 1 } else { -1 };
            let seconds = sign * (rng.i64(0..315_576_000_000) >> rng.u32(..40));
            let nanos = sign as i32 * nanos(rng);
            prost_types::Duration { seconds, nanos }.encode_to_vec()
        }
        "google.protobuf.FieldMask" => {
            let paths = ["a", "foo_bar", "foo.bar_baz", "a1.b2_c"].map(str::to_owned);
            let paths = paths.into_iter().take(rng.usize(..5)).collect();
            prost_types::FieldMask { paths }.encode_to_vec()
        }
        // prost-reflect makes `null` of what is infinite in a wrapper.
        "google.protobuf.DoubleValue" => rng.f64().encode_to_vec(),
        "google.protobuf.FloatValue" => rng.f32().encode_to_vec(),
        "google.protobuf.Value" => value(rng, depth).encode_to_vec(),
        "google.protobuf.Struct" => structure(rng, depth).encode_to_vec(),
        "google.protobuf.ListValue" => list(rng, depth).encode_to_vec(),
        "google.protobuf.Any" => any(descriptor, rng, depth).encode_to_vec(),
        _ => return None,
    })
}

fn value(rng: &mut Rng, depth: usize) -> prost_types::Value {
    use prost_types::value::Kind;
    let kinds = if depth < DEPTH_MAX { 6 } else { 4 };
    let kind = Some(match rng.u32(..kinds) {
        0 => Kind::NullValue(0),
        1 => Kind::BoolValue(rng.bool()),
        2 => Kind::StringValue(text(rng)),
        3 => Kind::NumberValue(
            Some(double(rng))
                .filter(|value| value.is_finite())
                .unwrap_or(0.5),
        ),
        4 => Kind::StructValue(structure(rng, depth + 1)),
        _ => Kind::ListValue(list(rng, depth + 1)),
    });
    prost_types::Value { kind }
}

fn structure(rng: &mut Rng, depth: usize) -> prost_types::Struct {
    let count = rng.usize(..4);
    let fields = repeat_with(|| {
        let name = text(rng);
        (name, value(rng, depth))
    });
    let fields = fields.take(count).collect();
    prost_types::Struct { fields }
}

fn list(rng: &mut Rng, depth: usize) -> prost_types::ListValue {
    let count = rng.usize(..4);
    let values = repeat_with(|| value(rng, depth)).take(count);
    let values = values.collect();
    prost_types::ListValue { values }
}

fn any(descriptor: &MessageDescriptor, rng: &mut Rng, depth: usize) -> prost_types::Any {
    const TYPES: [&str; 6] = [
        "zoo.Zoo.Inner",
        "zoo.Zoo",
        "zoo.Empty",
        "google.protobuf.Duration",
        "google.protobuf.Value",
        "google.protobuf.Any",
    ];
    let pool = descriptor.parent_pool();
    let name = TYPES[rng.usize(..TYPES.len())];
    let packed = pool
        .get_message_by_name(name)
        .filter(|_| depth < DEPTH_MAX)
        .map(|descriptor| message(&descriptor, rng, depth + 1));
    match packed {
        Some(packed) => prost_types::Any {
            type_url: format!("type.googleapis.com/{}", packed.descriptor().full_name()),
            value: packed.encode_to_vec(),
        },
        None => prost_types::Any {
            type_url: "type.googleapis.com/zoo.Empty".to_owned(),
            value: Vec::new(),
        },
    }
}

/// The text with a byte changed, taken, doubled or moved.
pub fn damaged(mut text: Vec<u8>, rng: &mut Rng) -> Vec<u8> {
    const BYTES: &[u8] = b"{}[]\",:-+.0123456789eEtfnu\\ @_\xff\0aZ";
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..text.len());
        match rng.u32(..4) {
            0 => text[at] = BYTES[rng.usize(..BYTES.len())],
            1 if text.len() > 1 => {
                text.remove(at);
            }
            2 => text.insert(at, BYTES[rng.usize(..BYTES.len())]),
            _ => {
                let other = rng.usize(..text.len());
                text.swap(at, other);
            }
        }
    }
    text
}
