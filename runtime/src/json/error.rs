//! `Error`: why there is no message, or no JSON.

use serde_core::de;
use std::fmt;

/// Why a message could not be read from JSON, or not be written.
///
/// When reading it says in which field, line and column. It repeats no more than a few words
/// of what was read.
#[derive(Debug)]
pub struct Error(Box<str>);

/// How much of an error's text is repeated: its beginning, and its end, where the place is.
const BEGINNING_BYTES_MAX: usize = 400;
const END_BYTES_MAX: usize = 80;

impl Error {
    pub(super) fn new(what: impl fmt::Display) -> Self {
        Self(shortened(what.to_string()).into())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Adds to an error which field it happened in.
#[cold]
pub(super) fn located<E: de::Error>(error: &E, field: &str) -> E {
    E::custom(format_args!("`{field}`: {}", shortened(error.to_string())))
}

/// A text without its middle, if it is long: serde's own errors repeat whole values.
fn shortened(text: String) -> String {
    if text.len() <= BEGINNING_BYTES_MAX + END_BYTES_MAX {
        return text;
    }
    let beginning = text.floor_char_boundary(BEGINNING_BYTES_MAX);
    let end = text.ceil_char_boundary(text.len() - END_BYTES_MAX);
    format!("{} … {}", &text[..beginning], &text[end..])
}
