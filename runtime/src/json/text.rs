//! What stands in strings: decimal numbers, base64, and names in two forms.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// A number as JSON's grammar has it.
pub(super) struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

/// More digits than any integer of ours has.
const DIGITS_MAX: i64 = 20;

impl<'a> Decimal<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix('-');
        let (negative, rest) = (rest.is_some(), rest.unwrap_or(text));
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, power(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if are_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        let leads = whole == "0" || !whole.starts_with('0');
        (are_digits(whole) && leads).then_some(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// Its value, if that is an integer and not far beyond what 64 bits hold.
    pub(super) fn whole(self) -> Option<i128> {
        let digits = format!("{}{}", self.whole, self.fraction);
        let kept = digits.trim_end_matches('0');
        let zeros = digits.len() - kept.len();
        let kept = kept.trim_start_matches('0');
        if kept.is_empty() {
            return Some(0);
        }
        let length = |length: usize| i64::try_from(length).ok();
        let scale = self
            .exponent
            .checked_add(length(zeros)?)?
            .checked_sub(length(self.fraction.len())?)?;
        if scale < 0 || scale.checked_add(length(kept.len())?)? > DIGITS_MAX {
            return None;
        }
        let value = kept.parse::<i128>().ok()? * 10_i128.pow(u32::try_from(scale).ok()?);
        Some(if self.negative { -value } else { value })
    }
}

/// `+10`, as it follows an `e`.
fn power(text: &str) -> Option<i64> {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !are_digits(digits) {
        return None;
    }
    let far = i64::MAX >> 1;
    let value = digits.parse().map_or(far, |value: i64| value.min(far));
    Some(if negative { -value } else { value })
}

pub(super) fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// Bytes in the alphabet that has `+` and `/`, padded.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Bytes in either alphabet, padded or not.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let engine = if text.contains(['-', '_']) {
        &BASE64_URL
    } else {
        &BASE64
    };
    engine.decode(text).ok()
}

/// `fooBar.baz` for `foo_bar.baz`, if that leads back.
pub(super) fn camel_path(path: &str) -> Option<String> {
    let mut camel = String::with_capacity(path.len());
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '_' => camel.push(
                letters
                    .next()
                    .filter(char::is_ascii_lowercase)?
                    .to_ascii_uppercase(),
            ),
            'A'..='Z' => return None,
            letter => camel.push(letter),
        }
    }
    Some(camel)
}

/// `foo_bar.baz` for `fooBar.baz`.
pub(super) fn snake_path(path: &str) -> Option<String> {
    let mut snake = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            '_' => return None,
            'A'..='Z' => snake.extend(['_', letter.to_ascii_lowercase()]),
            letter => snake.push(letter),
        }
    }
    Some(snake)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Option<i128> {
        Decimal::parse(text).and_then(Decimal::whole)
    }

    #[test]
    fn whole_numbers_in_any_form() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("17", 17),
            ("-1.50e1", -15),
            ("1e2", 100),
            ("100e-2", 1),
            ("0e999999999999999999999", 0),
            ("18446744073709551615", u64::MAX.into()),
            ("-9223372036854775808", i64::MIN.into()),
        ] {
            assert_eq!(whole(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_number() {
        for text in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "01",
            "1.",
            ".5",
            "1.5",
            "1e",
            "1e+",
            "e1",
            "1e-1",
            "0x1",
            "NaN",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "1_000",
            "٣",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn both_alphabets_of_base64() {
        for text in ["+/8=", "+/8", "-_8=", "-_8"] {
            assert_eq!(
                from_base64(text).as_deref(),
                Some(&[0xfb, 0xff][..]),
                "{text}"
            );
        }
        for text in ["+_8=", "a", "@@@@", "+/8=\n"] {
            assert_eq!(from_base64(text), None, "{text}");
        }
        assert_eq!(to_base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn paths_in_two_forms() {
        assert_eq!(camel_path("foo_bar.b1").as_deref(), Some("fooBar.b1"));
        assert_eq!(snake_path("fooBar.b1").as_deref(), Some("foo_bar.b1"));
        for path in ["fooBar", "foo__bar", "foo_3", "foo_"] {
            assert_eq!(camel_path(path), None, "{path}");
        }
        assert_eq!(snake_path("foo_bar"), None);
    }
}
