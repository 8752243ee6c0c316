//! `Policy`: what `cordial/v1/options.proto` says of a method or a service, decoded.

use crate::near;
use prost::Message;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

/// The file that declares the options.
pub(crate) const FILE: &str = "cordial/v1/options.proto";

/// The number of both of them.
pub(crate) const NUMBER: u32 = 76_321;

/// The message of both of them.
pub(crate) const MESSAGE: &str = "cordial.v1.Policy";

/// Fields of a message that are told to who named none of them.
const FIELDS_TOLD_MAX: usize = 8;

#[derive(Clone, PartialEq, Message)]
struct Options {
    #[prost(message, optional, tag = "76321")]
    policy: Option<Policy>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Policy {
    #[prost(message, optional, tag = "1")]
    pub(crate) timeout: Option<Span>,
    #[prost(message, optional, tag = "3")]
    pub(crate) retry: Option<Retry>,
    #[prost(message, optional, tag = "4")]
    pub(crate) hedging: Option<Hedging>,
    #[prost(bool, tag = "5")]
    pub(crate) single_attempt: bool,
    #[prost(string, optional, tag = "7")]
    pub(crate) hash_field: Option<String>,
}

impl Policy {
    /// The name of the field to hash; the empty one names none.
    pub(crate) fn hash_name(&self) -> Option<&str> {
        self.hash_field.as_deref().filter(|name| !name.is_empty())
    }
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Retry {
    #[prost(uint32, tag = "1")]
    pub(crate) max_attempts: u32,
    #[prost(message, optional, tag = "2")]
    pub(crate) initial_backoff: Option<Span>,
    #[prost(message, optional, tag = "3")]
    pub(crate) max_backoff: Option<Span>,
    #[prost(double, tag = "4")]
    pub(crate) backoff_multiplier: f64,
    #[prost(int32, repeated, tag = "5")]
    pub(crate) retryable_status_codes: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Hedging {
    #[prost(uint32, tag = "1")]
    pub(crate) max_attempts: u32,
    #[prost(message, optional, tag = "2")]
    pub(crate) hedging_delay: Option<Span>,
    #[prost(int32, repeated, tag = "3")]
    pub(crate) non_fatal_status_codes: Vec<i32>,
}

/// `google.protobuf.Duration`
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Span {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

/// Whether the protos know the options at all: who does not import them may use their number.
pub(crate) fn is_known(pool: &DescriptorPool) -> bool {
    pool.get_message_by_name(MESSAGE).is_some()
}

/// The policy among encoded extension options; the empty one if there is none.
pub(crate) fn of(pool: &DescriptorPool, options: &[u8]) -> Option<Policy> {
    if options.is_empty() || !is_known(pool) {
        return None;
    }
    Options::decode(options).ok()?.policy
}

/// The numbers that lead to the field of a method's request to be hashed; none if none is to be.
pub(crate) fn of_method(method: &MethodDescriptor, options: &[u8], service: &[u8]) -> Vec<u32> {
    let said = |options| of(method.parent_pool(), options).and_then(|policy| policy.hash_field);
    let name = said(options).or_else(|| said(service)).unwrap_or_default();
    if name.is_empty() || method.is_client_streaming() {
        return Vec::new();
    }
    hash_path(&method.input(), &name).unwrap_or_default()
}

/// Why a field cannot be hashed, and how to mend it.
pub(crate) enum Unfit {
    /// There is no such field; the nearest, if any is near.
    Missing { message: String, help: String },
    /// There is, and it is not one value.
    Shape { message: String, help: String },
}

/// The numbers that lead to a field of the request: `user.id` -> 3, 1.
pub(crate) fn hash_path(request: &MessageDescriptor, dotted: &str) -> Result<Vec<u32>, Unfit> {
    let mut message = request.clone();
    let mut numbers = Vec::new();
    let mut parts = dotted.split('.').peekable();
    while let Some(part) = parts.next() {
        let Some(field) = message.get_field_by_name(part) else {
            return Err(missing(dotted, part, &message));
        };
        numbers.push(field.number());
        if let Some(what) = many(&field) {
            let help = "name a field with one value: a number, bool, enum, string or bytes";
            return Err(shape(dotted, part, what, help.to_owned()));
        }
        match (field.kind(), parts.peek()) {
            (Kind::Message(inner), Some(_)) => message = inner,
            (Kind::Message(inner), None) => {
                let example = inner.fields().find(|field| many(field).is_none());
                let help = match example {
                    Some(field) => {
                        format!("name a field of it, such as `{dotted}.{}`", field.name())
                    }
                    None => "name another field: this one has no value to hash".to_owned(),
                };
                return Err(shape(dotted, part, "a message", help));
            }
            (_, Some(next)) => {
                let help = format!("there is no `{next}` in it: end the name with `{part}`");
                return Err(shape(dotted, part, "no message", help));
            }
            (_, None) => {}
        }
    }
    Ok(numbers)
}

/// What makes a field more than one value.
fn many(field: &FieldDescriptor) -> Option<&'static str> {
    match () {
        () if field.is_map() => Some("a map"),
        () if field.is_list() => Some("repeated"),
        () if field.is_group() => Some("a group"),
        () => None,
    }
}

fn missing(dotted: &str, part: &str, message: &MessageDescriptor) -> Unfit {
    let fields: Vec<_> = message
        .fields()
        .map(|field| field.name().to_owned())
        .collect();
    let hint = near::hint(part, fields.iter().map(String::as_str));
    Unfit::Missing {
        message: format!(
            "`hash_field` is `{dotted}`, but `{}` has no field `{part}`",
            message.name()
        ),
        help: hint.unwrap_or_else(|| match fields.as_slice() {
            [] => "it has no fields at all".to_owned(),
            fields => {
                let told = &fields[..fields.len().min(FIELDS_TOLD_MAX)];
                let more = match fields.len() - told.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("it has `{}`{more}", told.join("`, `"))
            }
        }),
    }
}

fn shape(dotted: &str, part: &str, what: &str, help: String) -> Unfit {
    let message = format!("`hash_field` is `{dotted}`, but `{part}` is {what}");
    Unfit::Shape { message, help }
}
