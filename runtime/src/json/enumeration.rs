//! Enum values: names or numbers.

use super::{Reading, Writing};
use serde_core::{
    Deserializer, Serializer,
    de::{self, Visitor},
};
use std::{fmt, marker::PhantomData};

/// An enum whose values have names.
pub trait JsonEnum {
    /// Whether its one value is `null`.
    const NULL: bool = false;

    /// The name that is written for a number.
    fn name(number: i32) -> Option<&'static str>;

    /// The number of a name, of which several may have the same.
    fn number(name: &str) -> Option<i32>;
}

pub(super) fn write<E: JsonEnum, S: Serializer>(
    number: i32,
    writing: Writing<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if E::NULL {
        return serializer.serialize_unit();
    }
    match E::name(number).filter(|_| !writing.options.enum_numbers) {
        Some(name) => serializer.serialize_str(name),
        None => serializer.serialize_i32(number),
    }
}

pub(super) fn read<'de, E: JsonEnum, D: Deserializer<'de>>(
    reading: Reading,
    deserializer: D,
) -> Result<Option<i32>, D::Error> {
    deserializer.deserialize_any(Value::<E>(reading, PhantomData))
}

/// Writes a value by its name.
///
/// # Errors
///
/// When the serializer fails.
pub fn write_enum<E: JsonEnum + Into<i32>, S: Serializer>(
    value: E,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    write::<E, S>(value.into(), Writing::default(), serializer)
}

/// Reads a value that has a name.
///
/// # Errors
///
/// When it has none.
pub fn read_enum<'de, E, D>(deserializer: D) -> Result<E, D::Error>
where
    E: JsonEnum + TryFrom<i32>,
    D: Deserializer<'de>,
{
    let number = read::<E, D>(Reading::default(), deserializer)?;
    let value = number.and_then(|number| E::try_from(number).ok());
    value.ok_or_else(|| de::Error::custom("no value has this number"))
}

struct Value<E>(Reading, PhantomData<E>);

impl<E: JsonEnum> Visitor<'_> for Value<E> {
    type Value = Option<i32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name or the number of an enum value")
    }

    fn visit_str<R: de::Error>(self, name: &str) -> Result<Option<i32>, R> {
        match E::number(name) {
            Some(number) => Ok(Some(number)),
            None if self.0.options.ignore_unknown => Ok(None),
            None => Err(R::custom(format_args!("no value is called `{name:.64}`"))),
        }
    }

    fn visit_i64<R: de::Error>(self, value: i64) -> Result<Option<i32>, R> {
        let number = i32::try_from(value);
        number
            .map(Some)
            .map_err(|_| R::custom(format_args!("expected {}", &self as &dyn de::Expected)))
    }

    fn visit_u64<R: de::Error>(self, value: u64) -> Result<Option<i32>, R> {
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_f64<R: de::Error>(self, value: f64) -> Result<Option<i32>, R> {
        let whole = value as i64;
        self.visit_i64(if whole as f64 == value {
            whole
        } else {
            i64::MAX
        })
    }

    fn visit_unit<R: de::Error>(self) -> Result<Option<i32>, R> {
        match E::NULL {
            true => Ok(Some(0)),
            false => Err(R::invalid_type(de::Unexpected::Unit, &self)),
        }
    }
}

/// Makes an enum one that travels and has names in JSON.
///
/// A line names a value, its number and its names, the first of which is written:
/// `Red = 1 => "RED" | "CRIMSON";`.
#[doc(hidden)]
#[macro_export]
macro_rules! __json_enumeration {
    ($name:ident { $($value:ident = $number:literal => $first:literal $(| $alias:literal)*;)* }) => {
        $crate::codegen::enumeration!($name { $($value = $number;)* });

        impl $crate::codegen::JsonEnum for $name {
            fn name(number: i32) -> ::core::option::Option<&'static str> {
                match number {
                    $($number => ::core::option::Option::Some($first),)*
                    _ => ::core::option::Option::None,
                }
            }

            fn number(name: &str) -> ::core::option::Option<i32> {
                match name {
                    $($first $(| $alias)* => ::core::option::Option::Some($number),)*
                    _ => ::core::option::Option::None,
                }
            }
        }

        #[allow(deprecated)]
        impl $crate::codegen::Serialize for $name {
            fn serialize<S: $crate::codegen::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::codegen::write_enum(*self, serializer)
            }
        }

        #[allow(deprecated)]
        impl<'de> $crate::codegen::Deserialize<'de> for $name {
            fn deserialize<D: $crate::codegen::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::codegen::read_enum(deserializer)
            }
        }
    };
}
