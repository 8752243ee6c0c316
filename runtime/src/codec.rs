//! `Codec`: how the messages of a call are written.

use crate::{
    compression::Compression,
    erased::AnyMessage,
    status::{Code, Result, Status},
};
#[cfg(feature = "json")]
use crate::{erased, framing, json::Options, json_codec::JsonMessage};
use bytes::{Bytes, BytesMut};
use prost::Message;

/// How the messages of a call are written, in one direction.
#[derive(Clone, Copy)]
pub(crate) enum Codec {
    /// Protobuf. What does not decode ends the call with this code.
    Proto(Code),
    /// Protobuf's JSON.
    #[cfg(feature = "json")]
    Json(JsonMessage),
}

/// A newer peer may send fields that are not known here, as it may in protobuf.
#[cfg(feature = "json")]
const OPTIONS: Options = Options::new().ignore_unknown_fields(true);

impl Codec {
    /// Protobuf as in gRPC, which takes what does not decode for a fault of its own.
    pub(crate) const GRPC: Self = Self::Proto(Code::Internal);

    /// The message that `bytes` say.
    #[inline]
    pub(crate) fn decode<T: Message + Default + 'static>(self, bytes: Bytes) -> Result<T> {
        match self {
            Self::Proto(code) => T::decode(bytes).map_err(|error| undecodable(code, &error)),
            #[cfg(feature = "json")]
            Self::Json(json) => {
                let decoded = (json.decode)(&bytes, OPTIONS);
                erased::one(decoded.map_err(|error| undecodable(Code::InvalidArgument, &error))?)
            }
        }
    }

    /// Appends a message with its prefix.
    #[inline]
    pub(crate) fn frame(
        self,
        message: Box<dyn AnyMessage>,
        compression: Option<Compression>,
        out: &mut BytesMut,
    ) -> Result<()> {
        match self {
            Self::Proto(_) => message.frame(compression, out),
            #[cfg(feature = "json")]
            Self::Json(json) => {
                let text = (json.encode)(message, OPTIONS)?;
                framing::append_written(&text, compression, out)
            }
        }
    }
}

#[cold]
fn undecodable(code: Code, error: &dyn std::fmt::Display) -> Status {
    Status::new(code, format!("a message does not decode: {error}"))
}
