//! `message!`: makes a struct a message.

/// Makes a struct a message.
///
/// A line names a field, its numbers, its label and the kinds of its values, in the order of the numbers:
/// `lines = 3: repeated message;`, `labels = 4: map string, string;`, `way = 5 | 6: oneof;`.
#[doc(hidden)]
#[macro_export]
macro_rules! __message {
    ($name:ident {
        $($field:ident = $tag:literal $(| $more:literal)*:
            $label:ident $($kind:ident $(<$argument:ty>)?),*;)*
    }) => {
        #[allow(deprecated)]
        impl $crate::codegen::Fields for $name {
            fn visit<__V: $crate::codegen::Visit>(&self, visitor: &mut __V) {
                $(visitor.$label::<$($crate::codegen::kind::$kind $(<$argument>)?,)* _>(
                    $tag, &self.$field,
                );)*
            }
        }

        #[allow(deprecated)]
        impl $crate::codegen::Message for $name {
            fn encode_raw(&self, buf: &mut impl $crate::codegen::BufMut) {
                $crate::codegen::Fields::visit(self, &mut $crate::codegen::Encoder(buf));
            }

            fn encoded_len(&self) -> usize {
                $crate::codegen::Length::of(self)
            }

            fn merge_field(
                &mut self,
                tag: u32,
                wire_type: $crate::codegen::WireType,
                buf: &mut impl $crate::codegen::Buf,
                context: $crate::codegen::DecodeContext,
            ) -> ::core::result::Result<(), $crate::codegen::DecodeError> {
                let field = $crate::codegen::Field { tag, wire_type, buf, context };
                let merged = match tag {
                    $($tag $(| $more)* => {
                        field.$label::<$($crate::codegen::kind::$kind $(<$argument>)?,)* _>(
                            &mut self.$field,
                        )
                    })*
                    _ => field.skip(),
                };
                $crate::codegen::located(
                    merged,
                    ::core::stringify!($name { $($field = $tag $(| $more)*;)* }),
                    tag,
                )
            }

            fn clear(&mut self) {
                *self = ::core::default::Default::default();
            }
        }
    };
}
