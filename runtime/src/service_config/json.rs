//! JSON as it is written: fields in order, those given twice included.

use serde_core::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Lists and objects that may be within one another.
const DEPTH_MAX: usize = 24;

#[derive(Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    String(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads a whole document.
pub(super) fn parse(text: &str) -> Result<Json, serde_json::Error> {
    read(text, number_key().as_deref())
}

/// The key of the objects as which numbers come, if they do: any crate of a program may
/// turn on the feature `arbitrary_precision` of serde_json, for all of them.
fn number_key() -> Option<String> {
    match read("0.5", None) {
        Ok(Json::Object(fields)) => fields.into_iter().next().map(|(key, _)| key),
        _ => None,
    }
}

fn read(text: &str, number_key: Option<&str>) -> Result<Json, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let depth = 0;
    let json = Within { depth, number_key }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(json)
}

/// A number that came as its text.
fn number<E: Error>(text: &str) -> Result<Json, E> {
    if let Ok(integer) = text.parse() {
        return Ok(Json::Integer(integer));
    }
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Json::Float(float)),
        _ => Err(E::custom("number out of range")),
    }
}

/// What is within so many lists and objects.
#[derive(Clone, Copy)]
struct Within<'a> {
    depth: usize,
    number_key: Option<&'a str>,
}

impl Within<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > DEPTH_MAX {
            return Err(E::custom(format_args!(
                "more than {DEPTH_MAX} lists and objects within one another"
            )));
        }
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Within<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let within = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(within)? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut next: Option<String> = object.next_key()?;
        if next.is_some() && next.as_deref() == self.number_key {
            return number(&object.next_value::<String>()?);
        }
        let within = self.deeper()?;
        let mut fields = Vec::new();
        while let Some(name) = next {
            fields.push((name, object.next_value_seed(within)?));
            next = object.next_key()?;
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_core::de::value::{Error, MapDeserializer};

    /// As serde_json gives them where somebody wants them precise.
    #[test]
    fn numbers_may_come_as_objects() {
        let come = |text| {
            let object = MapDeserializer::<_, Error>::new([("key", text)].into_iter());
            let number_key = Some("key");
            // As deep as lists and objects may be: a number is none.
            let depth = DEPTH_MAX;
            Within { depth, number_key }.deserialize(object)
        };
        for (text, wanted) in [
            ("3", Json::Integer(3)),
            ("-3", Json::Integer(-3)),
            ("18446744073709551615", Json::Integer(u64::MAX.into())),
            ("3.0", Json::Float(3.0)),
            ("15e-1", Json::Float(1.5)),
        ] {
            assert_eq!(come(text), Ok(wanted), "{text}");
        }
        for text in ["1e999", "", "x"] {
            assert!(come(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_come_as_themselves_whatever_they_look_like() {
        let read = parse(r#"[3, -3, 1.5, {"a": 3}]"#).expect("JSON");
        let object = Json::Object(vec![("a".to_owned(), Json::Integer(3))]);
        let numbers = [Json::Integer(3), Json::Integer(-3), Json::Float(1.5)];
        assert_eq!(
            read,
            Json::List(numbers.into_iter().chain([object]).collect())
        );
        assert!(parse("1e999").is_err());
    }
}
