//! The messages of a call on their way, their type known only at the two ends.

mod broken;
mod erased;
mod pace;
mod wire;

use crate::{
    context::Context,
    deadline::{self, Deadline},
    metrics::Counted,
    reply::BoxStream,
    status::{Result, Status},
    stopwatch::Stopwatch,
};
use prost::Message;
use std::fmt;
use tonic::metadata::MetadataMap;

pub(crate) use crate::{
    erased::{AnyMessage, one},
    framing::PREFIX_BYTES,
};
pub(crate) use broken::of_broken;
pub(crate) use erased::{AnyStream, Messages, many};
pub(crate) use pace::Inbound;
pub(crate) use wire::{End, Wire};

/// One message or many, as a [`Layer`](crate::Layer) passes them on: of a type
/// that only handler and caller know, and on a server not yet decoded.
pub struct Body {
    pub(crate) kind: Kind,
    /// Until when its messages may take, as the layers left the call's deadline.
    pub(crate) deadline: Option<Deadline>,
    /// The call is in flight until its messages have ended.
    pub(crate) counted: Option<Counted>,
    /// What the calls have that are made while its messages are.
    pub(crate) context: Option<Context>,
}

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
        Self::of(Kind::One(Box::new(message)))
    }

    /// The messages of `stream`.
    pub fn many<T: Message + 'static>(stream: BoxStream<T>) -> Self {
        Self::of(Kind::Many(Box::new(Messages(stream))))
    }

    pub(crate) fn wire(wire: Wire) -> Self {
        Self::of(Kind::Wire(Box::new(wire)))
    }

    pub(crate) fn of(kind: Kind) -> Self {
        Self {
            kind,
            deadline: None,
            counted: None,
            context: None,
        }
    }

    /// The same, ended by `deadline` at the latest.
    pub(crate) fn until(mut self, deadline: Option<Deadline>) -> Self {
        self.deadline = deadline::earlier(self.deadline, deadline);
        self
    }

    /// The same, counted until it has ended.
    pub(crate) fn counted(mut self, counted: Counted) -> Self {
        self.counted = Some(counted);
        self
    }

    /// The same, its messages made within `context`.
    pub(crate) fn within(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// Lets `stopwatch` show nothing while a message that was begun arrives.
    pub(crate) fn time_arrival(&mut self, stopwatch: Stopwatch) {
        if let Kind::Wire(wire) = &mut self.kind {
            wire.time_arrival(stopwatch);
        }
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
        match self.kind {
            Kind::Wire(mut wire) => {
                let bytes = wire.message().await?.ok_or_else(|| cardinality("none"))?;
                let message = wire.decode(bytes)?;
                if wire.message().await?.is_some() {
                    return Err(cardinality("several"));
                }
                Ok((message, wire.trailers()))
            }
            Kind::One(message) => Ok((one(message)?, MetadataMap::new())),
            Kind::Many(_) => Err(cardinality("a stream")),
        }
    }
}

fn cardinality(got: &str) -> Status {
    Status::unimplemented(format!("one message was expected, {got} came"))
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Wire(_) => "Body(encoded)",
            Kind::One(_) => "Body(one message)",
            Kind::Many(_) => "Body(messages)",
        })
    }
}
