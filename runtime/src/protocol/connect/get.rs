//! Calls by GET, whose message is in the query, for methods without side effects.

use super::super::notation::Notation;
use crate::{
    compression::Compression,
    status::{Result, Status},
};
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use http::Uri;
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// Padding may be there or not: either has been sent.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A call, as a query says it.
pub(super) struct Query {
    pub(super) message: Bytes,
    pub(super) compression: Option<Compression>,
    /// The version of the protocol, if it is said.
    pub(super) version: Option<Vec<u8>>,
}

/// How the message of a query is written. Whoever makes a call says so; what does not,
/// or names what is not known, is none.
pub(super) fn notation(uri: &Uri) -> Option<Notation> {
    let (_, value) = fields(uri).find(|(name, _)| *name == "encoding")?;
    super::headers::notation_named(&unescape(value))
}

/// What a query says, each once.
const KNOWN: [&str; 5] = ["encoding", "message", "base64", "compression", "connect"];

impl Query {
    pub(super) fn read(uri: &Uri) -> Result<Self> {
        let (mut message, mut base64) = (None, false);
        let (mut compression, mut version) = (None, None);
        let mut seen = Vec::new();
        for (name, value) in fields(uri) {
            let value = unescape(value);
            // Who looks at the first of two before us judges another call.
            if KNOWN.contains(&name) {
                if seen.contains(&name) {
                    return Err(Status::invalid_argument(format!(
                        "the query has two `{name}`s"
                    )));
                }
                seen.push(name);
            }
            match name {
                "message" => message = Some(value),
                "base64" => base64 = *value == *b"1",
                "compression" => compression = encoding(&value)?,
                "connect" => {
                    let number = value.strip_prefix(b"v").unwrap_or(&value);
                    version = Some(number.to_vec());
                }
                _ => {}
            }
        }
        let Some(message) = message else {
            return Err(Status::invalid_argument("the query has no `message`"));
        };
        let message = match base64 {
            false => message.into_owned(),
            true => BASE64.decode(&*message).map_err(|error| {
                Status::invalid_argument(format!("the query's `message` is not base64: {error}"))
            })?,
        };
        Ok(Self {
            message: message.into(),
            compression,
            version,
        })
    }
}

fn encoding(name: &[u8]) -> Result<Option<Compression>> {
    match name {
        b"" => Ok(None),
        name => super::super::headers::encoding(Some(name)),
    }
}

/// The fields of a query; their values are still escaped.
fn fields(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    let fields = uri.query().unwrap_or_default().split('&');
    fields.map(|field| field.split_once('=').unwrap_or((field, "")))
}

fn unescape(value: &str) -> Cow<'_, [u8]> {
    match value.contains('+') {
        false => percent_decode(value.as_bytes()).into(),
        true => {
            let spaced = value.replace('+', " ");
            Cow::Owned(percent_decode(spaced.as_bytes()).collect())
        }
    }
}
