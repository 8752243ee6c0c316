//! Messages: objects whose keys are the names of fields.

use super::{FieldReader, FieldWriter, Reading, Writing, error::located};
use serde_core::{
    Deserializer, Serializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};
use std::{fmt, marker::PhantomData};

/// The number of a field and its names: the one of JSON and, if it is another, that of the `.proto`.
#[derive(Debug)]
pub struct FieldName(pub u32, pub &'static [&'static str]);

impl FieldName {
    /// The name that is written.
    #[inline]
    pub(super) fn written(&self, writing: Writing<'_>) -> &'static str {
        match self.1 {
            [_, proto] if writing.options.proto_names => proto,
            [json, ..] => json,
            [] => "",
        }
    }

    #[inline]
    fn is(&self, name: &str) -> bool {
        match self.1 {
            [json, proto] => *json == name || *proto == name,
            [json] => *json == name,
            _ => false,
        }
    }
}

/// A message whose fields have names.
pub trait JsonFields: Default {
    /// Its full name.
    const NAME: &'static str;

    /// The names of its fields.
    const NAMES: &'static [FieldName];

    /// Writes every field, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// When JSON has no form for a value, and when the serializer fails.
    fn write_fields<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error>;

    /// Reads the field of the reader's number.
    ///
    /// # Errors
    ///
    /// When the value is not what the field holds.
    fn read_field<'de, A: MapAccess<'de>>(
        &mut self,
        field: FieldReader<'_, A>,
    ) -> Result<(), A::Error>;
}

/// Writes a message as an object.
///
/// # Errors
///
/// When JSON has no form for a value, and when the serializer fails.
pub fn write_message<F: JsonFields, S: Serializer>(
    message: &F,
    writing: Writing<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let within = writing.deeper()?;
    let mut map = serializer.serialize_map(None)?;
    if let Some(type_url) = writing.type_url {
        map.serialize_entry(TYPE, type_url)?;
    }
    message.write_fields(&mut FieldWriter {
        map: &mut map,
        writing: within,
    })?;
    map.end()
}

/// What an object in an `Any` says of its type in.
pub(super) const TYPE: &str = "@type";

/// Reads a message from an object.
///
/// # Errors
///
/// When there is no object, it has fields that the message does not have, or a value is not what its field
/// holds.
pub fn read_message<'de, F: JsonFields, D: Deserializer<'de>>(
    reading: Reading,
    deserializer: D,
) -> Result<F, D::Error> {
    let reading = reading.deeper()?;
    deserializer.deserialize_map(Object(reading, PhantomData))
}

struct Object<F>(Reading, PhantomData<F>);

impl<'de, F: JsonFields> Visitor<'de> for Object<F> {
    type Value = F;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a `{}`, which is an object", F::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<F, A::Error> {
        let mut message = F::default();
        let mut names = Names::new(F::NAMES, F::NAME, self.0.options.ignore_unknown);
        while let Some(found) = map.next_key_seed(&mut names)? {
            let Some(FieldName(tag, name)) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let field = FieldReader {
                map: &mut map,
                reading: self.0,
                tag: *tag,
            };
            let read = message.read_field(field);
            read.map_err(|error| located(&error, name.first().unwrap_or(&"")))?;
        }
        Ok(message)
    }
}

/// Finds fields by their names, each once.
pub(super) struct Names {
    names: &'static [FieldName],
    message: &'static str,
    ignore_unknown: bool,
    /// Writers keep an order, so the next one is likely to be this.
    next: usize,
    seen: Seen,
}

impl Names {
    pub(super) fn new(
        names: &'static [FieldName],
        message: &'static str,
        ignore_unknown: bool,
    ) -> Self {
        Self {
            names,
            message,
            ignore_unknown,
            next: 0,
            seen: Seen::default(),
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Names {
    type Value = Option<&'static FieldName>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for &mut Names {
    type Value = Option<&'static FieldName>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let is_next = self.names.get(self.next).is_some_and(|next| next.is(name));
        let index = match is_next {
            true => Some(self.next),
            false => self.names.iter().position(|known| known.is(name)),
        };
        let Some(index) = index else {
            return match self.ignore_unknown {
                true => Ok(None),
                false => Err(E::custom(format_args!(
                    "`{}` has no field `{name:.64}`",
                    self.message
                ))),
            };
        };
        if !self.seen.insert(index) {
            return Err(E::custom(format_args!(
                "the field `{name:.64}` is there twice"
            )));
        }
        self.next = index + 1;
        Ok(self.names.get(index))
    }
}

/// Which fields there were, by their indices.
#[derive(Default)]
struct Seen {
    first: u128,
    rest: Vec<u128>,
}

impl Seen {
    /// Whether it is the first time.
    fn insert(&mut self, index: usize) -> bool {
        const BITS: usize = u128::BITS as usize;
        let word = match index / BITS {
            0 => &mut self.first,
            further => {
                if self.rest.len() < further {
                    self.rest.resize(further, 0);
                }
                &mut self.rest[further - 1]
            }
        };
        let bit = 1 << (index % BITS);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

/// Makes a struct a message that has a form in JSON.
///
/// A line is one of `message!`, with the names of the field: `cart_id = 2: plain int64 => "cartId" /
/// "cart_id";`; of a oneof, those of each of its fields: `=> "card" | "byHand" / "by_hand"`.
#[doc(hidden)]
#[macro_export]
macro_rules! __json_message {
    ($name:ident $full_name:literal {
        $($field:ident = $tag:literal $(| $more:literal)*:
            $label:ident $($kind:ident $(<$argument:ty>)?),*
            => $json:literal $(/ $proto:literal)? $(| $json_more:literal $(/ $proto_more:literal)?)*;)*
    }) => {
        $crate::codegen::message!($name {
            $($field = $tag $(| $more)*: $label $($kind $(<$argument>)?),*;)*
        });

        #[allow(deprecated)]
        impl $crate::codegen::JsonFields for $name {
            const NAME: &'static str = $full_name;

            const NAMES: &'static [$crate::codegen::FieldName] = &[$(
                $crate::codegen::FieldName($tag, &[$json $(, $proto)?]),
                $($crate::codegen::FieldName($more, &[$json_more $(, $proto_more)?]),)*
            )*];

            fn write_fields<__M: $crate::codegen::SerializeMap>(
                &self,
                out: &mut $crate::codegen::FieldWriter<'_, __M>,
            ) -> ::core::result::Result<(), __M::Error> {
                $(out.$label::<$($crate::codegen::kind::$kind $(<$argument>)?,)* _>(
                    &$crate::codegen::FieldName($tag, &[$json $(, $proto)?]),
                    &self.$field,
                )?;)*
                let _ = out;
                ::core::result::Result::Ok(())
            }

            fn read_field<'de, __A: $crate::codegen::MapAccess<'de>>(
                &mut self,
                field: $crate::codegen::FieldReader<'_, __A>,
            ) -> ::core::result::Result<(), __A::Error> {
                match field.tag() {
                    $($tag $(| $more)* => {
                        field.$label::<$($crate::codegen::kind::$kind $(<$argument>)?,)* _>(
                            &mut self.$field,
                        )
                    })*
                    _ => field.skip(),
                }
            }
        }

        #[allow(deprecated)]
        impl $crate::json::Json for $name {
            const OBJECT: bool = true;

            fn write<S: $crate::codegen::Serializer>(
                &self,
                writing: $crate::json::Writing<'_>,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::codegen::write_message(self, writing, serializer)
            }

            fn read<'de, D: $crate::codegen::Deserializer<'de>>(
                reading: $crate::json::Reading,
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::codegen::read_message(reading, deserializer)
            }
        }

        #[allow(deprecated)]
        impl $crate::codegen::Serialize for $name {
            fn serialize<S: $crate::codegen::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::json::Json::write(self, ::core::default::Default::default(), serializer)
            }
        }

        #[allow(deprecated)]
        impl<'de> $crate::codegen::Deserialize<'de> for $name {
            fn deserialize<D: $crate::codegen::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::json::Json::read(::core::default::Default::default(), deserializer)
            }
        }

        #[allow(deprecated)]
        const _: () = {
            $crate::inventory::submit! {
                $crate::json::MessageType::of::<$name>($full_name)
            }
        };
    };
}
