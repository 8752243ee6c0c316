//! `Options`: where the mapping leaves a choice.

use super::{Error, Json, Reading, Writing};

/// How JSON is written and read. The defaults are those of the mapping.
///
/// ```
/// use cordial_runtime::json::Options;
///
/// let lenient = Options::new().ignore_unknown_fields(true);
/// assert!(lenient.from_str::<()>(r#"{"more": 1}"#).is_ok());
/// assert!(Options::new().from_str::<()>(r#"{"more": 1}"#).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is a choice of its own.
pub struct Options {
    pub(super) ignore_unknown: bool,
    pub(super) emit_defaults: bool,
    pub(super) proto_names: bool,
    pub(super) enum_numbers: bool,
}

impl Options {
    /// Unknown fields are refused, fields without presence omitted when they are zero or empty, names are
    /// in lowerCamelCase, and enum values are written by name.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ignore_unknown: false,
            emit_defaults: false,
            proto_names: false,
            enum_numbers: false,
        }
    }

    /// Reads past fields that the message does not have, and past names of enum values that nobody knows:
    /// what a newer peer may send.
    #[must_use]
    pub const fn ignore_unknown_fields(mut self, yes: bool) -> Self {
        self.ignore_unknown = yes;
        self
    }

    /// Writes fields that cannot be absent, lists and maps, also when they are zero or empty.
    #[must_use]
    pub const fn emit_fields_without_presence(mut self, yes: bool) -> Self {
        self.emit_defaults = yes;
        self
    }

    /// Writes names as the `.proto` has them: `cart_id`. Both forms are read, whatever is written.
    #[must_use]
    pub const fn proto_field_names(mut self, yes: bool) -> Self {
        self.proto_names = yes;
        self
    }

    /// Writes enum values as numbers. Both forms are read, whatever is written.
    #[must_use]
    pub const fn enum_numbers(mut self, yes: bool) -> Self {
        self.enum_numbers = yes;
        self
    }

    /// [`to_string`](super::to_string) with these options.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn to_string<M: Json>(self, message: &M) -> Result<String, Error> {
        String::from_utf8(self.to_vec(message)?).map_err(|_| Error::new("JSON that is no UTF-8"))
    }

    /// [`to_vec`](super::to_vec) with these options.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn to_vec<M: Json>(self, message: &M) -> Result<Vec<u8>, Error> {
        let mut text = Vec::with_capacity(TEXT_BYTES_AT_FIRST);
        let mut serializer = serde_json::Serializer::new(&mut text);
        message.write(Writing::new(self), &mut serializer)?;
        Ok(text)
    }

    /// [`from_str`](super::from_str) with these options.
    ///
    /// # Errors
    ///
    /// The same.
    #[allow(clippy::should_implement_trait)] // It is generic in what it returns.
    pub fn from_str<M: Json>(self, text: &str) -> Result<M, Error> {
        self.from_slice(text.as_bytes())
    }

    /// [`from_slice`](super::from_slice) with these options.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn from_slice<M: Json>(self, text: &[u8]) -> Result<M, Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let message = M::read(Reading::new(self), &mut deserializer)?;
        deserializer.end()?;
        Ok(message)
    }
}

/// What a message's text is written into at first; it grows.
const TEXT_BYTES_AT_FIRST: usize = 128;
