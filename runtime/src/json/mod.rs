//! JSON: protobuf's mapping of messages to it, written and read without reflection.
//!
//! Generated code lists names, a few for each message, and the tables that make a message of a struct
//! make JSON of it too. So what is here holds for every message, as `wire` does for bytes.

mod any;
mod context;
mod enumeration;
mod error;
mod field;
mod kind;
mod list;
mod map;
mod message;
mod node;
mod number;
mod oneof;
mod options;
mod registry;
mod stack;
mod text;
mod well_known;

pub use context::{Reading, Writing};
pub use enumeration::{JsonEnum, read_enum, write_enum};
pub use error::Error;
pub use field::{FieldReader, FieldWriter};
pub use kind::{JsonKey, JsonKind};
pub use map::JsonMap;
pub use message::{FieldName, JsonFields, read_message, write_message};
pub use oneof::JsonOneof;
pub use options::Options;
pub use registry::MessageType;
pub use serde_core as serde;

use serde_core::{Deserializer, Serializer};

/// How many objects and arrays may be inside one another, those in an `Any`, a `Struct` and a
/// `ListValue` included, when JSON is read and when it is written.
pub const DEPTH_MAX: usize = 100;

/// As how many objects in one another an `Any` counts: all that is in it is held, and looked at,
/// once more.
pub const ANY_DEPTH: usize = 10;

/// A message that protobuf's JSON mapping has a form for.
///
/// The generator implements it for messages if `Config::json` is on; here it is implemented for the
/// well-known types and for those that stand for wrappers: `i32` for `Int32Value`, `()` for `Empty`.
pub trait Json: Sized {
    /// Whether its form is an object of fields, which in an `Any` stand beside `@type`.
    const OBJECT: bool = false;

    /// Whether `null` is a value of it, and not the absence of one.
    const NULL: bool = false;

    /// Writes the message.
    ///
    /// # Errors
    ///
    /// When JSON has no form for its contents, and when the serializer fails.
    fn write<S: Serializer>(&self, writing: Writing<'_>, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// When there is none, or none of this type.
    fn read<'de, D: Deserializer<'de>>(reading: Reading, deserializer: D)
    -> Result<Self, D::Error>;
}

/// A message as JSON, in the form that everybody reads.
///
/// ```
/// let seconds = prost_types::Duration { seconds: 1, nanos: 500_000_000 };
/// assert_eq!(cordial_runtime::json::to_string(&seconds)?, r#""1.500s""#);
/// # Ok::<_, cordial_runtime::json::Error>(())
/// ```
///
/// # Errors
///
/// See [`to_vec`].
pub fn to_string<M: Json>(message: &M) -> Result<String, Error> {
    Options::new().to_string(message)
}

/// A message as the bytes of JSON.
///
/// # Errors
///
/// When JSON has no form for what is in it: a timestamp before the year 1, a `Value` without a value, an
/// `Any` whose type this program does not know, more than [`DEPTH_MAX`] objects in one another.
pub fn to_vec<M: Json>(message: &M) -> Result<Vec<u8>, Error> {
    Options::new().to_vec(message)
}

/// The message that `text` says.
///
/// ```
/// let seconds: prost_types::Duration = cordial_runtime::json::from_str(r#""1.5s""#)?;
/// assert_eq!(seconds.nanos, 500_000_000);
/// # Ok::<_, cordial_runtime::json::Error>(())
/// ```
///
/// # Errors
///
/// See [`from_slice`].
pub fn from_str<M: Json>(text: &str) -> Result<M, Error> {
    Options::new().from_str(text)
}

/// The message that `text` says.
///
/// # Errors
///
/// When it is no JSON, says nothing else than a message of this type, names a field that the message does
/// not have or names one twice, or is deeper than [`DEPTH_MAX`].
pub fn from_slice<M: Json>(text: &[u8]) -> Result<M, Error> {
    Options::new().from_slice(text)
}
