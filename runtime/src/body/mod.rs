//! The messages of a call on their way, their type known only at the two ends.

mod erased;
mod wire;

use crate::{
    reply::BoxStream,
    status::{Result, Status},
};
use prost::Message;
use std::fmt;
use tonic::metadata::MetadataMap;

pub(crate) use erased::{AnyMessage, AnyStream, Messages};
pub(crate) use wire::{End, PREFIX_BYTES, Wire};

/// One message or many, as a [`Layer`](crate::Layer) passes them on: of a type
/// that only handler and caller know, and on a server not yet decoded.
pub struct Body(pub(crate) Kind);

pub(crate) enum Kind {
    /// Bytes that arrive.
    Wire(Box<Wire>),
    /// One typed message.
    One(Box<dyn AnyMessage>),
    /// Typed messages, one after another.
    Many(Box<dyn AnyStream>),
}

impl Body {
    /// `message` and no other.
    pub fn one<T: Message + 'static>(message: T) -> Self {
        Self(Kind::One(Box::new(message)))
    }

    /// The messages of `stream`.
    pub fn many<T: Message + 'static>(stream: BoxStream<T>) -> Self {
        Self(Kind::Many(Box::new(Messages(stream))))
    }

    pub(crate) fn wire(wire: Wire) -> Self {
        Self(Kind::Wire(Box::new(wire)))
    }

    /// The only message, and the metadata that came after it.
    ///
    /// # Errors
    /// UNIMPLEMENTED if there is none or more than one (gRPC status codes,
    /// "cardinality violation"), INTERNAL if it does not decode, and whatever
    /// status the peer ended with.
    pub(crate) async fn into_one<T>(self) -> Result<(T, MetadataMap)>
    where
        T: Message + Default + 'static,
    {
        match self.0 {
            Kind::Wire(mut wire) => {
                let bytes = wire.message().await?.ok_or_else(|| cardinality("none"))?;
                let message = erased::decode(bytes)?;
                if wire.message().await?.is_some() {
                    return Err(cardinality("several"));
                }
                Ok((message, wire.trailers()))
            }
            Kind::One(message) => Ok((erased::downcast(message.into_any())?, MetadataMap::new())),
            Kind::Many(_) => Err(cardinality("a stream")),
        }
    }
}

fn cardinality(got: &str) -> Status {
    Status::unimplemented(format!("one message was expected, {got} came"))
}

pub(crate) use erased::{decode, downcast};

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Wire(_) => "Body(encoded)",
            Kind::One(_) => "Body(one message)",
            Kind::Many(_) => "Body(messages)",
        })
    }
}
