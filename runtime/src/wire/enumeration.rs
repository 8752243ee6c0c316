//! `enumeration!`: makes an enum one that travels.

/// Gives an enum the functions that prost's derive gives it. The first value is the default.
#[doc(hidden)]
#[macro_export]
macro_rules! __enumeration {
    ($name:ident { $first:ident = $zero:literal; $($value:ident = $number:literal;)* }) => {
        #[allow(dead_code, deprecated)]
        impl $name {
            /// Whether a value has this number.
            #[must_use]
            pub const fn is_valid(value: i32) -> bool {
                ::core::matches!(value, $zero $(| $number)*)
            }

            /// The value of this number.
            #[deprecated = "`TryFrom<i32>` says which number is unknown"]
            #[must_use]
            pub fn from_i32(value: i32) -> ::core::option::Option<Self> {
                match value {
                    $zero => ::core::option::Option::Some(Self::$first),
                    $($number => ::core::option::Option::Some(Self::$value),)*
                    _ => ::core::option::Option::None,
                }
            }
        }

        #[allow(deprecated)]
        impl ::core::default::Default for $name {
            fn default() -> Self {
                Self::$first
            }
        }

        #[allow(deprecated)]
        impl ::core::convert::From<$name> for i32 {
            fn from(value: $name) -> Self {
                value as Self
            }
        }

        #[allow(deprecated)]
        impl ::core::convert::TryFrom<i32> for $name {
            type Error = $crate::codegen::UnknownEnumValue;

            fn try_from(value: i32) -> ::core::result::Result<Self, Self::Error> {
                match Self::from_i32(value) {
                    ::core::option::Option::Some(known) => ::core::result::Result::Ok(known),
                    ::core::option::Option::None => {
                        ::core::result::Result::Err($crate::codegen::UnknownEnumValue(value))
                    }
                }
            }
        }
    };
}
