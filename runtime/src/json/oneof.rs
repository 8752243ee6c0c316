//! Oneofs: one field of several.

use super::{FieldReader, FieldWriter};
use serde_core::{de::MapAccess, ser::SerializeMap};

/// An enum of fields of which a message has one.
pub trait JsonOneof: Sized {
    /// Writes the field.
    ///
    /// # Errors
    ///
    /// When JSON has no form for its value, and when the serializer fails.
    fn write<M: SerializeMap>(&self, out: &mut FieldWriter<'_, M>) -> Result<(), M::Error>;

    /// Reads the field of the reader's number; `null` is none.
    ///
    /// # Errors
    ///
    /// When the value is not what the field holds.
    fn read<'de, A: MapAccess<'de>>(field: FieldReader<'_, A>) -> Result<Option<Self>, A::Error>;
}

/// Makes an enum a oneof that has a form in JSON.
///
/// A line names a variant, its number, the kind of its value and its names:
/// `ByHand = 4: message => "byHand" / "by_hand";`.
#[doc(hidden)]
#[macro_export]
macro_rules! __json_oneof {
    ($name:ident {
        $($variant:ident = $tag:literal: $kind:ident $(<$argument:ty>)?
            => $json:literal $(/ $proto:literal)?;)*
    }) => {
        $crate::codegen::oneof!($name { $($variant = $tag: $kind $(<$argument>)?;)* });

        #[allow(deprecated)]
        impl $crate::codegen::JsonOneof for $name {
            fn write<__M: $crate::codegen::SerializeMap>(
                &self,
                out: &mut $crate::codegen::FieldWriter<'_, __M>,
            ) -> ::core::result::Result<(), __M::Error> {
                match self {
                    $(Self::$variant(value) => {
                        out.required::<$crate::codegen::kind::$kind $(<$argument>)?, _>(
                            &$crate::codegen::FieldName($tag, &[$json $(, $proto)?]),
                            value,
                        )
                    })*
                }
            }

            fn read<'de, __A: $crate::codegen::MapAccess<'de>>(
                field: $crate::codegen::FieldReader<'_, __A>,
            ) -> ::core::result::Result<::core::option::Option<Self>, __A::Error> {
                ::core::result::Result::Ok(match field.tag() {
                    $($tag => field
                        .value::<$crate::codegen::kind::$kind $(<$argument>)?, _>()?
                        .map(Self::$variant),)*
                    _ => ::core::option::Option::None,
                })
            }
        }
    };
}
