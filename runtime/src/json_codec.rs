//! `JsonCodec`: the messages of a method as JSON, their types forgotten.

use crate::{
    erased::{self, AnyMessage},
    json::{self, Json, Options},
    status::{Result, Status},
};
use prost::Message;

/// The messages of a method: what a server decodes a client encodes, and the other way round.
#[derive(Clone, Copy)]
pub(crate) struct JsonCodec {
    pub(crate) request: JsonMessage,
    pub(crate) response: JsonMessage,
}

impl JsonCodec {
    pub(crate) const fn of<In, Out>() -> Self
    where
        In: Json + Message + Default + 'static,
        Out: Json + Message + Default + 'static,
    {
        Self {
            request: JsonMessage::of::<In>(),
            response: JsonMessage::of::<Out>(),
        }
    }
}

/// A message as JSON, whatever its type.
#[derive(Clone, Copy)]
#[allow(dead_code)] // The protocols that speak JSON call both.
pub(crate) struct JsonMessage {
    /// Reads the message that a text says.
    pub(crate) decode: fn(&[u8], Options) -> Result<Box<dyn AnyMessage>, json::Error>,
    /// Writes a message: of this type or, as from another crate made of one `.proto`, of its like.
    pub(crate) encode: fn(Box<dyn AnyMessage>, Options) -> Result<Vec<u8>>,
}

impl JsonMessage {
    const fn of<T: Json + Message + Default + 'static>() -> Self {
        Self {
            decode: decode::<T>,
            encode: encode::<T>,
        }
    }
}

fn decode<T>(text: &[u8], options: Options) -> Result<Box<dyn AnyMessage>, json::Error>
where
    T: Json + Message + 'static,
{
    Ok(Box::new(options.from_slice::<T>(text)?))
}

fn encode<T>(message: Box<dyn AnyMessage>, options: Options) -> Result<Vec<u8>>
where
    T: Json + Message + Default + 'static,
{
    let message = erased::one::<T>(message)?;
    let text = options.to_vec(&message);
    text.map_err(|error| Status::internal(format!("a message has no form in JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::Method;
    use prost_types::{Duration, Timestamp};

    #[test]
    fn messages_go_through_a_method_that_knows_no_type() {
        let method = Method::<Duration, Timestamp>::unary("/a.B/C")
            .json()
            .erase();
        let codec = method.json_codec().expect("json");
        let options = Options::new();

        let request = (codec.request.decode)(br#""1.5s""#, options).expect("a duration");
        assert_eq!(
            (codec.request.encode)(request, options).unwrap(),
            br#""1.500s""#
        );

        // A duration and a timestamp look the same in bytes.
        let like: Box<dyn AnyMessage> = Box::new(Duration {
            seconds: 1,
            nanos: 0,
        });
        let text = (codec.response.encode)(like, options).unwrap();
        assert_eq!(text, br#""1970-01-01T00:00:01Z""#);

        let error = (codec.request.decode)(b"1", options).map(drop).unwrap_err();
        assert!(error.to_string().contains("a duration"), "{error}");
        let error = (codec.response.encode)(Box::new(i64::MIN), options).unwrap_err();
        assert!(error.message().contains("`Timestamp`"), "{error}");
    }

    #[test]
    fn a_method_has_no_json_unless_it_says_so() {
        assert!(Method::<(), ()>::unary("/a.B/C").json_codec().is_none());
    }
}
