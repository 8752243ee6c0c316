//! The well-known types, whose forms are their own.

mod boxed;
mod duration;
mod empty;
mod field_mask;
mod timestamp;
mod value;
mod wrappers;

/// Appends the digits of a fraction of a second: none, three, six or nine.
fn push_nanos(text: &mut String, nanos: u32) {
    let (value, width) = match nanos {
        0 => return,
        nanos if nanos % 1_000_000 == 0 => (nanos / 1_000_000, 3),
        nanos if nanos % 1_000 == 0 => (nanos / 1_000, 6),
        nanos => (nanos, 9),
    };
    text.push('.');
    push_padded(text, value, width);
}

/// Appends a number with zeros in front.
fn push_padded(text: &mut String, value: u32, width: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value);
    text.extend(std::iter::repeat_n('0', width.saturating_sub(digits.len())));
    text.push_str(digits);
}

/// The nanoseconds that up to nine digits of a fraction say.
fn nanos(digits: &str) -> Option<i32> {
    if !super::text::are_digits(digits) || digits.len() > 9 {
        return None;
    }
    let power = 9_u32.checked_sub(u32::try_from(digits.len()).ok()?)?;
    Some(digits.parse::<i32>().ok()? * 10_i32.pow(power))
}

/// A form that is a string: `write` says why there may be none, `parse` takes it.
macro_rules! as_text {
    ($ty:ty, $expected:literal, $write:ident, $parse:ident) => {
        impl crate::json::Json for $ty {
            fn write<S: serde_core::Serializer>(
                &self,
                _: crate::json::Writing<'_>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                match $write(self) {
                    Ok(text) => serializer.serialize_str(&text),
                    Err(why) => Err(serde_core::ser::Error::custom(why)),
                }
            }

            fn read<'de, D: serde_core::Deserializer<'de>>(
                _: crate::json::Reading,
                deserializer: D,
            ) -> Result<Self, D::Error> {
                deserializer.deserialize_str(crate::json::kind::Text {
                    expected: $expected,
                    parse: $parse,
                })
            }
        }
    };
}

use as_text;
