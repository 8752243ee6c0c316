//! `Member`: a field or a variant, as prost-build describes it to prost's derives.

use proc_macro2::{Ident, TokenTree};
use syn::{Attribute, Lit, Meta};

/// A field of a message, or of a oneof.
pub(super) struct Member {
    pub(super) ident: Ident,
    /// More than one only for a oneof.
    pub(super) tags: Vec<u32>,
    pub(super) label: Label,
    pub(super) kind: Kind,
    /// As prost-build writes it.
    pub(super) default: Option<String>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Label {
    /// Written unless it is zero or empty.
    Plain,
    Optional,
    Required,
    Repeated,
    Packed,
}

#[derive(Clone)]
pub(super) enum Kind {
    /// A number, a string or bytes, by its word.
    Scalar(String),
    /// The path of the enum.
    Enumeration(String),
    Message,
    Group,
    /// The word of the keys, and the kind of the values.
    Map(String, Box<Kind>),
    Oneof,
}

impl Member {
    /// Takes the description away from the attributes of a field or a variant.
    pub(super) fn take(ident: &Ident, attributes: &mut Vec<Attribute>) -> Option<Self> {
        let index = attributes.iter().position(is_prost)?;
        let words = words(&attributes.remove(index));
        let has = |word: &str| words.iter().any(|(known, _)| known == word);
        let value = |word: &str| {
            let found = words.iter().find(|(known, _)| known == word);
            found.and_then(|(_, value)| value.clone())
        };
        let kind = words
            .iter()
            .find_map(|(word, value)| Kind::new(word, value.as_deref()))?;
        let repeated = if kind.is_number() && value("packed").as_deref() != Some("false") {
            Label::Packed
        } else {
            Label::Repeated
        };
        let labels = [
            ("optional", Label::Optional),
            ("required", Label::Required),
            ("repeated", repeated),
        ];
        let label = labels.into_iter().find(|(word, _)| has(word));
        let tags = value("tag").or_else(|| value("tags"))?;
        Some(Self {
            ident: ident.clone(),
            tags: tags
                .split(',')
                .filter_map(|tag| tag.trim().parse().ok())
                .collect(),
            label: label.map_or(Label::Plain, |(_, label)| label),
            kind,
            default: value("default"),
        })
    }

    /// The enum whose values the field holds.
    pub(super) fn enumeration(&self) -> Option<&str> {
        match &self.kind {
            Kind::Enumeration(path) => Some(path),
            Kind::Map(_, value) => match value.as_ref() {
                Kind::Enumeration(path) => Some(path),
                _ => None,
            },
            _ => None,
        }
    }

    /// The field's name as prost shows it, `r#` and all.
    pub(super) fn shown(&self) -> String {
        self.ident.to_string()
    }
}

impl Kind {
    fn new(word: &str, value: Option<&str>) -> Option<Self> {
        Some(match (word, value) {
            ("enumeration", Some(path)) => Self::Enumeration(path.to_owned()),
            ("message", _) => Self::Message,
            ("group", _) => Self::Group,
            ("oneof", _) => Self::Oneof,
            ("map" | "btree_map", Some(kinds)) => {
                let (key, value) = kinds.split_once(',')?;
                Self::Map(
                    key.trim().to_owned(),
                    Box::new(Self::of_value(value.trim())?),
                )
            }
            _ if SCALARS.contains(&word) => Self::Scalar(word.to_owned()),
            _ => return None,
        })
    }

    /// The kind of a map's values: `int64` or `enumeration(Color)`.
    fn of_value(value: &str) -> Option<Self> {
        match value.strip_prefix("enumeration(") {
            Some(path) => Self::new("enumeration", path.strip_suffix(')')),
            None => Self::new(value, None),
        }
    }

    fn is_number(&self) -> bool {
        match self {
            Self::Scalar(word) => word != "string" && word != "bytes",
            Self::Enumeration(_) => true,
            _ => false,
        }
    }
}

const SCALARS: [&str; 15] = [
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32",
    "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes",
];

pub(super) fn is_prost(attribute: &Attribute) -> bool {
    attribute.path().is_ident("prost")
}

/// `#[prost(string, tag = "1")]` as words and what they are given.
fn words(attribute: &Attribute) -> Vec<(String, Option<String>)> {
    let Meta::List(list) = &attribute.meta else {
        return Vec::new();
    };
    let mut words: Vec<(String, Option<String>)> = Vec::new();
    for token in list.tokens.clone() {
        match token {
            TokenTree::Ident(word) => words.push((word.to_string(), None)),
            TokenTree::Literal(literal) => {
                if let (Lit::Str(value), Some(last)) = (Lit::new(literal), words.last_mut()) {
                    last.1 = Some(value.value());
                }
            }
            _ => {}
        }
    }
    words
}
