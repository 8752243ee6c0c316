//! Oneofs: one field of several.

use super::Kind;
use prost::{
    DecodeError,
    bytes::{Buf, BufMut},
    encoding::{DecodeContext, WireType},
};

/// An enum of fields of which a message has one.
pub trait Oneof: Sized {
    /// Writes the field.
    fn encode<B: BufMut>(&self, buf: &mut B);

    /// How many bytes [`encode`](Self::encode) writes.
    fn encoded_len(&self) -> usize;

    /// Reads a field into the same one, or instead of another.
    ///
    /// # Errors
    ///
    /// When what follows is not what the field holds; then the other stays.
    fn merge<B: Buf>(
        value: &mut Option<Self>,
        tag: u32,
        wire_type: WireType,
        buf: &mut B,
        context: DecodeContext,
    ) -> Result<(), DecodeError>;
}

/// Reads a new value of a oneof.
///
/// # Errors
///
/// When what follows is no value of this kind.
#[inline]
pub fn variant<K: Kind<T>, T: Default, B: Buf>(
    tag: u32,
    wire_type: WireType,
    buf: &mut B,
    context: DecodeContext,
) -> Result<T, DecodeError> {
    let mut value = T::default();
    K::merge(tag, wire_type, &mut value, buf, context)?;
    Ok(value)
}

/// Makes an enum a oneof, with the functions that prost's derive gives it.
///
/// A line names a variant, its number and the kind of its value: `Card = 4: message;`.
#[doc(hidden)]
#[macro_export]
macro_rules! __oneof {
    ($name:ident {
        $($variant:ident = $tag:literal: $kind:ident $(<$argument:ty>)?;)*
    }) => {
        #[allow(dead_code, deprecated)]
        impl $name {
            /// Writes the field with its key.
            pub fn encode(&self, buf: &mut impl $crate::codegen::BufMut) {
                match self {
                    $(Self::$variant(value) => {
                        <$crate::codegen::kind::$kind $(<$argument>)? as
                            $crate::codegen::Kind<_>>::encode($tag, value, buf);
                    })*
                }
            }

            /// How many bytes [`encode`](Self::encode) writes.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$variant(value) => {
                        <$crate::codegen::kind::$kind $(<$argument>)? as
                            $crate::codegen::Kind<_>>::encoded_len($tag, value)
                    })*
                }
            }

            /// Reads a field into the same one, or instead of another.
            ///
            /// # Errors
            ///
            /// When what follows is not what the field holds; then the other stays.
            ///
            /// # Panics
            ///
            /// When no field of the oneof has this number.
            pub fn merge(
                field: &mut ::core::option::Option<Self>,
                tag: u32,
                wire_type: $crate::codegen::WireType,
                buf: &mut impl $crate::codegen::Buf,
                ctx: $crate::codegen::DecodeContext,
            ) -> ::core::result::Result<(), $crate::codegen::DecodeError> {
                match (tag, field) {
                    $(
                        ($tag, ::core::option::Option::Some(Self::$variant(value))) => {
                            <$crate::codegen::kind::$kind $(<$argument>)? as
                                $crate::codegen::Kind<_>>::merge(tag, wire_type, value, buf, ctx)
                        }
                        ($tag, field) => $crate::codegen::variant::<
                            $crate::codegen::kind::$kind $(<$argument>)?, _, _,
                        >(tag, wire_type, buf, ctx)
                        .map(|value| *field = ::core::option::Option::Some(Self::$variant(value))),
                    )*
                    _ => ::core::unreachable!(
                        "invalid {} tag: {}", ::core::stringify!($name), tag
                    ),
                }
            }
        }

        #[allow(deprecated)]
        impl $crate::codegen::Oneof for $name {
            fn encode<B: $crate::codegen::BufMut>(&self, buf: &mut B) {
                self.encode(buf);
            }

            fn encoded_len(&self) -> usize {
                self.encoded_len()
            }

            fn merge<B: $crate::codegen::Buf>(
                value: &mut ::core::option::Option<Self>,
                tag: u32,
                wire_type: $crate::codegen::WireType,
                buf: &mut B,
                context: $crate::codegen::DecodeContext,
            ) -> ::core::result::Result<(), $crate::codegen::DecodeError> {
                Self::merge(value, tag, wire_type, buf, context)
            }
        }
    };
}
