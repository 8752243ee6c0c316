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

type Decoded = Result<Box<dyn AnyMessage>, json::Error>;

/// A message as JSON, whatever its type.
#[derive(Clone, Copy)]
pub(crate) struct JsonMessage {
    /// Reads the message that a text says.
    pub(crate) decode: fn(&[u8], Options) -> Decoded,
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
