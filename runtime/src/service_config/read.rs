//! Values of the document, each with the way to it, and all that is wrong with them.

use super::{json::Json, near};
use std::{collections::HashSet, fmt, ops::RangeInclusive, time::Duration};

/// Mistakes that are told; of more, only their number.
const MISTAKES_MAX: usize = 50;

/// Letters of a document that are told at once.
const EXCERPT_MAX: usize = 40;

/// The longest that `google.protobuf.Duration` can say, some 10,000 years.
const SECONDS_MAX: u64 = 315_576_000_000;

/// What is wrong, in the order it was found.
#[derive(Default)]
pub(super) struct Mistakes {
    told: Vec<String>,
    more: usize,
}

impl Mistakes {
    pub(super) fn add(&mut self, path: &str, what: impl fmt::Display) {
        if self.told.len() == MISTAKES_MAX {
            self.more += 1;
            return;
        }
        let path = if path.is_empty() {
            "the document"
        } else {
            path
        };
        self.told.push(format!("{path}: {what}"));
    }

    pub(super) fn count(&self) -> usize {
        self.told.len() + self.more
    }

    /// All of them, for a person; `None` if there are none.
    pub(super) fn text(&self) -> Option<String> {
        let more = match self.more {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        match self.told.as_slice() {
            [] => None,
            [one] => Some(format!("service config: {one}")),
            many => {
                let count = self.count();
                let all = many.join("\n  ");
                Some(format!("service config: {count} mistakes\n  {all}{more}"))
            }
        }
    }
}

/// A value and the way to it.
pub(super) struct Node<'a> {
    json: &'a Json,
    pub(super) path: String,
}

/// An object whose fields are all known.
pub(super) struct Object<'a> {
    fields: &'a [(String, Json)],
    /// What unknown fields were probably meant to be.
    meant: Vec<String>,
    pub(super) path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(json: &'a Json) -> Self {
        let path = String::new();
        Self { json, path }
    }

    /// Says what is wrong with it, and what it is.
    pub(super) fn wrong(&self, wanted: impl fmt::Display, mistakes: &mut Mistakes) {
        mistakes.add(
            &self.path,
            format_args!("{wanted}, not {}", shown(self.json)),
        );
    }

    /// An object that has no fields but these.
    pub(super) fn object(&self, known: &[&str], mistakes: &mut Mistakes) -> Option<Object<'a>> {
        let fields = self.fields(mistakes)?;
        let (mut seen, mut meant) = (HashSet::new(), Vec::new());
        for (name, _) in fields {
            let way = way(&self.path, name);
            if !seen.insert(name) {
                mistakes.add(&way, "given twice; delete one of the two");
            } else if !known.contains(&name.as_str()) {
                let near = near::nearest(name, known);
                let help = match (near, known) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, []) => "it takes no fields".to_owned(),
                    (None, known) => format!("there are {}", listed(known)),
                };
                meant.extend(near.map(str::to_owned));
                mistakes.add(&way, format_args!("no such field; {help}"));
            }
        }
        let path = self.path.clone();
        Some(Object {
            fields,
            meant,
            path,
        })
    }

    /// The only field of an object, whatever its name.
    pub(super) fn only_field(&self, mistakes: &mut Mistakes) -> Option<(&'a str, Node<'a>)> {
        let fields = self.fields(mistakes)?;
        let [(name, json)] = fields else {
            let count = fields.len();
            let wanted = "wants one field, a policy's name";
            mistakes.add(&self.path, format_args!("{wanted}, not {count} fields"));
            return None;
        };
        let path = way(&self.path, name);
        Some((name, Node { json, path }))
    }

    fn fields(&self, mistakes: &mut Mistakes) -> Option<&'a [(String, Json)]> {
        match self.json {
            Json::Object(fields) => Some(fields),
            _ => {
                self.wrong("wants an object", mistakes);
                None
            }
        }
    }

    pub(super) fn items(&self, mistakes: &mut Mistakes) -> Vec<Node<'a>> {
        let Json::List(items) = self.json else {
            self.wrong("wants a list", mistakes);
            return Vec::new();
        };
        let items = items.iter().enumerate();
        items
            .map(|(index, json)| Node {
                json,
                path: format!("{}[{index}]", self.path),
            })
            .collect()
    }

    pub(super) fn string(&self, mistakes: &mut Mistakes) -> Option<&'a str> {
        match self.json {
            Json::String(text) => Some(text),
            _ => {
                self.wrong("wants a string", mistakes);
                None
            }
        }
    }

    pub(super) fn boolean(&self, mistakes: &mut Mistakes) -> Option<bool> {
        match self.json {
            Json::Bool(value) => Some(*value),
            _ => {
                self.wrong("wants true or false", mistakes);
                None
            }
        }
    }

    /// A whole number; protobuf's JSON lets it be written as `3`, `3.0` and `"3"`.
    pub(super) fn integer(
        &self,
        range: RangeInclusive<u32>,
        mistakes: &mut Mistakes,
    ) -> Option<u32> {
        let value = match self.json {
            Json::Integer(value) => u32::try_from(*value).ok(),
            Json::Float(value) => whole(*value),
            Json::String(text) => text.parse().ok(),
            _ => None,
        };
        let value = value.filter(|value| range.contains(value));
        if value.is_none() {
            let (start, end) = range.into_inner();
            let wanted = match end {
                u32::MAX => format!("wants a whole number, at least {start}"),
                end => format!("wants a whole number from {start} to {end}"),
            };
            self.wrong(wanted, mistakes);
        }
        value
    }

    /// The number of a status code, which has its name, in any case, or the number itself.
    pub(super) fn code(&self, names: &[&str], mistakes: &mut Mistakes) -> Option<i32> {
        let place = match self.json {
            Json::Integer(number) => usize::try_from(*number).ok(),
            Json::String(text) => names
                .iter()
                .position(|name| name.eq_ignore_ascii_case(text)),
            _ => None,
        };
        let place = place.filter(|place| *place < names.len());
        if place.is_none() {
            let near = match self.json {
                Json::String(text) => near::nearest(text, names),
                _ => None,
            };
            let help = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            let shown = shown(self.json);
            let what =
                format_args!("wants a status code such as \"UNAVAILABLE\", not {shown}{help}");
            mistakes.add(&self.path, what);
        }
        i32::try_from(place?).ok()
    }

    /// A number, `1.5` or `"1.5"`, that is finite.
    pub(super) fn number(&self, mistakes: &mut Mistakes) -> Option<f64> {
        let value = match self.json {
            #[expect(clippy::cast_precision_loss, reason = "a float is what is wanted")]
            Json::Integer(value) => Some(*value as f64),
            Json::Float(value) => Some(*value),
            Json::String(text) => text.parse().ok(),
            _ => None,
        };
        let value = value.filter(|value| value.is_finite());
        if value.is_none() {
            self.wrong("wants a number", mistakes);
        }
        value
    }

    /// A number over zero.
    pub(super) fn positive(&self, mistakes: &mut Mistakes) -> Option<f64> {
        let value = self.number(mistakes)?;
        if value <= 0.0 {
            self.wrong("wants a number over 0", mistakes);
            return None;
        }
        Some(value)
    }

    /// A number that is zero or over it.
    pub(super) fn not_negative(&self, mistakes: &mut Mistakes) -> Option<f64> {
        let value = self.number(mistakes)?;
        if value < 0.0 {
            self.wrong("wants a number, at least 0", mistakes);
            return None;
        }
        Some(value)
    }

    /// A span of time as protobuf's JSON writes it: `"1.5s"`.
    pub(super) fn duration(&self, mistakes: &mut Mistakes) -> Option<Duration> {
        let span = match self.json {
            Json::String(text) => parse_duration(text),
            _ => None,
        };
        if span.is_none() {
            self.wrong("wants seconds such as \"1.5s\"", mistakes);
        }
        span
    }

    /// A span of time longer than none.
    pub(super) fn positive_duration(&self, mistakes: &mut Mistakes) -> Option<Duration> {
        let span = self.duration(mistakes)?;
        if span.is_zero() {
            self.wrong("wants more than 0s", mistakes);
            return None;
        }
        Some(span)
    }
}

impl<'a> Object<'a> {
    /// A field, if it is there; `null` is not there, in protobuf's JSON.
    pub(super) fn get(&self, name: &str) -> Option<Node<'a>> {
        let mut fields = self.fields.iter();
        let (_, json) = fields.find(|(given, json)| given == name && *json != Json::Null)?;
        let path = way(&self.path, name);
        Some(Node { json, path })
    }

    /// A field that must be there.
    pub(super) fn required(&self, name: &str, mistakes: &mut Mistakes) -> Option<Node<'a>> {
        let found = self.get(name);
        if found.is_none() && !self.meant.iter().any(|meant| meant == name) {
            mistakes.add(&way(&self.path, name), "is missing");
        }
        found
    }
}

/// `methodConfig[2]` and `retryPolicy` -> `methodConfig[2].retryPolicy`
fn way(path: &str, name: &str) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    let name = excerpt(name);
    format!("{path}{dot}{name}")
}

/// "`a`, `b` and `c`"
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        all => all.concat(),
    }
}

fn shown(json: &Json) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => value.to_string(),
        Json::Integer(value) => value.to_string(),
        Json::Float(value) => value.to_string(),
        Json::String(text) => format!("\"{}\"", excerpt(text)),
        Json::List(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}

/// What may be printed of a text from outside.
fn excerpt(text: &str) -> String {
    let mut start: String = text.chars().take(EXCERPT_MAX).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start.escape_debug().to_string()
}

fn whole(value: f64) -> Option<u32> {
    let fits = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within range"
    )]
    fits.then_some(value as u32)
}

fn parse_duration(text: &str) -> Option<Duration> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.strip_suffix('s')?;
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let seconds = seconds.parse().ok().filter(|s| *s <= SECONDS_MAX)?;
    let nanos = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration::new(seconds, nanos))
}
