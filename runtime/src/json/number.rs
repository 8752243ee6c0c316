//! Numbers: as JSON has them, or in a string.

use super::text::Decimal;
use serde_core::{
    Deserializer,
    de::{self, Visitor},
};
use std::{fmt, marker::PhantomData};

/// Reads an integer: a number without a fraction, however it is written, or a string of one.
pub(super) fn integer<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: TryFrom<i64> + TryFrom<u64> + TryFrom<i128>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Integer(PhantomData))
}

struct Integer<T>(PhantomData<T>);

impl<T> Visitor<'_> for Integer<T>
where
    T: TryFrom<i64> + TryFrom<u64> + TryFrom<i128>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number that fits {} bits", size_of::<T>() * 8)
    }

    #[inline]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        T::try_from(value).map_err(|_| out_of_range(&self))
    }

    #[inline]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value).map_err(|_| out_of_range(&self))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        const BEYOND: f64 = 18_446_744_073_709_551_616.0; // 2^64
        if value.fract() != 0.0 || value.abs() >= BEYOND {
            return Err(out_of_range(&self));
        }
        T::try_from(value as i128).map_err(|_| out_of_range(&self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        let value = Decimal::parse(text).and_then(Decimal::whole);
        let value = value.and_then(|value| T::try_from(value).ok());
        value.ok_or_else(|| out_of_range(&self))
    }
}

fn out_of_range<'de, E: de::Error>(expected: &impl Visitor<'de>) -> E {
    E::custom(format_args!("expected {}", expected as &dyn de::Expected))
}

/// Reads a number with a fraction, a string of one, or the name of what is none.
pub(super) fn float<'de, T: Float, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Floating(PhantomData))
}

/// `f32` and `f64`.
pub(super) trait Float: Copy {
    const NAN: Self;
    const INFINITY: Self;
    const NEGATIVE_INFINITY: Self;
    /// The nearest number, if the value is in range.
    fn narrow(value: f64) -> Option<Self>;
    /// The nearest number to a decimal one, if it is in range.
    fn parse(text: &str) -> Option<Self>;
}

macro_rules! floats {
    ($($ty:ident)*) => {$(
        impl Float for $ty {
            const NAN: Self = $ty::NAN;
            const INFINITY: Self = $ty::INFINITY;
            const NEGATIVE_INFINITY: Self = $ty::NEG_INFINITY;

            fn narrow(value: f64) -> Option<Self> {
                let narrow = value as $ty;
                (narrow.is_finite() || !value.is_finite()).then_some(narrow)
            }

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok().filter(|value: &$ty| value.is_finite())
            }
        }
    )*};
}

floats!(f32 f64);

/// What JSON has no number for.
pub(super) const NOT_A_NUMBER: &str = "NaN";
pub(super) const INFINITY: &str = "Infinity";
pub(super) const NEGATIVE_INFINITY: &str = "-Infinity";

struct Floating<T>(PhantomData<T>);

impl<T: Float> Visitor<'_> for Floating<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = size_of::<T>() * 8;
        write!(
            f,
            "a number in the range of {bits} bits, \"NaN\", \"Infinity\" or \"-Infinity\""
        )
    }

    #[inline]
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        T::narrow(value).ok_or_else(|| out_of_range(&self))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok(match text {
            NOT_A_NUMBER => T::NAN,
            INFINITY => T::INFINITY,
            NEGATIVE_INFINITY => T::NEGATIVE_INFINITY,
            text => {
                let value = Decimal::parse(text).and_then(|_| T::parse(text));
                return value.ok_or_else(|| out_of_range(&self));
            }
        })
    }
}
