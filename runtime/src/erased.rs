//! `AnyMessage`: a message with its type forgotten, and found again.

use crate::{
    compression::Compression,
    framing,
    status::{Result, Status},
};
use bytes::{Buf, Bytes, BytesMut};
use prost::Message;
use std::any::{Any, TypeId};

/// A message of some type.
pub(crate) trait AnyMessage: Send {
    /// Appends it with its prefix.
    fn frame(&self, compression: Option<Compression>, out: &mut BytesMut) -> Result<()>;
    fn message_type(&self) -> TypeId;
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<T: Message + 'static> AnyMessage for T {
    fn frame(&self, compression: Option<Compression>, out: &mut BytesMut) -> Result<()> {
        framing::append(self, compression, out)
    }

    fn message_type(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// The message as a `T`; encoded and decoded if the two ends of an in-process
/// call have different types for it, as two crates made from one .proto do.
pub(crate) fn one<T: Message + Default + 'static>(message: Box<dyn AnyMessage>) -> Result<T> {
    match message.message_type() == TypeId::of::<T>() {
        true => downcast(message.into_any()),
        false => recode(&*message),
    }
}

fn recode<T: Message + Default>(message: &dyn AnyMessage) -> Result<T> {
    let mut framed = BytesMut::new();
    message.frame(None, &mut framed)?;
    unframe(framed)
}

pub(crate) fn unframe<T: Message + Default>(mut framed: BytesMut) -> Result<T> {
    framed.advance(framing::PREFIX_BYTES);
    decode(framed.freeze())
}

pub(crate) fn downcast<T: 'static>(value: Box<dyn Any + Send>) -> Result<T> {
    match value.downcast::<T>() {
        Ok(value) => Ok(*value),
        Err(_) => Err(Status::internal("a message is not of the type it says")),
    }
}

fn decode<T: Message + Default>(bytes: Bytes) -> Result<T> {
    T::decode(bytes)
        .map_err(|error| Status::internal(format!("a message does not decode: {error}")))
}
