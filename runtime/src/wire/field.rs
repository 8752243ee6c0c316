//! `Field`: a key that was read, and what it is to be read into.

use super::{Kind, Map, Oneof};
use prost::{
    DecodeError,
    bytes::Buf,
    encoding::{DecodeContext, WireType, skip_field},
};

type Result = std::result::Result<(), DecodeError>;

/// A field whose key was read and whose value comes next; one function for each label.
#[derive(Debug)]
pub struct Field<'a, B> {
    /// The number of the field.
    pub tag: u32,
    /// What the key says of the value.
    pub wire_type: WireType,
    /// Where the value comes from.
    pub buf: &'a mut B,
    /// How deep the message is in others.
    pub context: DecodeContext,
}

#[allow(clippy::missing_errors_doc)] // Each fails when the value is not what the field holds.
impl<B: Buf> Field<'_, B> {
    /// Reads a value that has always been there.
    #[inline]
    pub fn required<K: Kind<T>, T>(self, value: &mut T) -> Result {
        K::merge(self.tag, self.wire_type, value, self.buf, self.context)
    }

    /// Reads a value that has always been there.
    #[inline]
    pub fn plain<K: Kind<T>, T>(self, value: &mut T) -> Result {
        self.required::<K, T>(value)
    }

    /// Reads a value into the one that is there, or into a new one.
    #[inline]
    pub fn optional<K: Kind<T>, T: Default>(self, value: &mut Option<T>) -> Result {
        self.required::<K, T>(value.get_or_insert_with(T::default))
    }

    /// Appends a value or, of numbers, any count of them.
    #[inline]
    pub fn repeated<K: Kind<T>, T>(self, values: &mut Vec<T>) -> Result {
        K::merge_repeated(self.tag, self.wire_type, values, self.buf, self.context)
    }

    /// Appends a value or any count of them: a reader does not insist on what writers do.
    #[inline]
    pub fn packed<K: Kind<T>, T>(self, values: &mut Vec<T>) -> Result {
        self.repeated::<K, T>(values)
    }

    /// Reads one entry.
    #[inline]
    pub fn map<K, V, M: Map<K, V>>(self, map: &mut M) -> Result {
        map.merge(self.wire_type, self.buf, self.context)
    }

    /// Reads the value of one of several fields.
    #[inline]
    pub fn oneof<T: Oneof>(self, value: &mut Option<T>) -> Result {
        T::merge(value, self.tag, self.wire_type, self.buf, self.context)
    }

    /// Reads past a field that the message does not have.
    #[inline]
    pub fn skip(self) -> Result {
        skip_field(self.wire_type, self.tag, self.buf, self.context)
    }
}

/// Adds to an error which field of which message it happened in.
///
/// `table` is the message as given to `message!`: `Cart { id = 1; way = 2 | 3; }`.
#[inline]
pub fn located(result: Result, table: &'static str, tag: u32) -> Result {
    result.map_err(|error| locate(error, table, tag))
}

#[cold]
fn locate(mut error: DecodeError, table: &'static str, tag: u32) -> DecodeError {
    if let Some((message, field)) = find(table, tag) {
        error.push(message, field);
    }
    error
}

fn find(table: &'static str, tag: u32) -> Option<(&'static str, &'static str)> {
    let (message, fields) = table.split_once('{')?;
    let has_tag = |tags: &str| {
        tags.split('|')
            .any(|known| known.trim().replace('_', "").parse() == Ok(tag))
    };
    let mut fields = fields.split(';').filter_map(|field| field.split_once('='));
    let (field, _) = fields.find(|(_, tags)| has_tag(tags))?;
    Some((message.trim(), field.trim()))
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_field_is_found_by_its_number() {
        const TABLE: &str = stringify!(Cart { id = 1; r#type = 123_456; way = 2 | 30; });
        assert_eq!(find(TABLE, 1), Some(("Cart", "id")));
        assert_eq!(find(TABLE, 123_456), Some(("Cart", "r#type")));
        assert_eq!(find(TABLE, 30), Some(("Cart", "way")));
        assert_eq!(find(TABLE, 3), None);
        assert_eq!(find(stringify!(Empty {}), 1), None);
    }
}
