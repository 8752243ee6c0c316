//! How content types say that messages are written.

use crate::{
    codec::Codec,
    method::Method,
    status::{Code, Result},
};

/// What a content type ends with, or what a query names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    Proto,
    Json,
}

/// How the messages of a call are written, both ways.
#[derive(Clone, Copy)]
pub(super) struct Codecs {
    pub(super) request: Codec,
    pub(super) response: Codec,
}

impl Notation {
    /// How the messages of `method` are written that way; what is protobuf and does not
    /// decode ends the call with `undecodable`.
    ///
    /// # Errors
    /// UNIMPLEMENTED if its messages have no JSON.
    #[inline]
    pub(super) fn codecs(self, method: Method, undecodable: Code) -> Result<Codecs> {
        match self {
            Self::Proto => Ok(Codecs {
                request: Codec::Proto(undecodable),
                response: Codec::GRPC,
            }),
            Self::Json => json(method),
        }
    }
}

#[cfg(feature = "json")]
fn json(method: Method) -> Result<Codecs> {
    match method.json_codec() {
        Some(json) => Ok(Codecs {
            request: Codec::Json(json.request),
            response: Codec::Json(json.response),
        }),
        None => Err(crate::status::Status::unimplemented(format!(
            "the messages of `{}` have no JSON: generate them with `Config::json(true)`",
            method.path()
        ))),
    }
}

#[cfg(not(feature = "json"))]
fn json(_: Method) -> Result<Codecs> {
    Err(crate::status::Status::unimplemented(
        "this server has no JSON: build it with the feature `json`",
    ))
}
