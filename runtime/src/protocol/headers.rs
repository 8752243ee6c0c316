//! Headers as every protocol reads and writes them.

use crate::{
    compression::{ACCEPT, Compression},
    message::Response,
    status::{self, Result, Status},
};
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use tonic::metadata::MetadataMap;

/// The headers that carry `metadata`.
pub(super) fn of(metadata: MetadataMap) -> HeaderMap {
    status::without_reserved(metadata).into_headers()
}

/// The metadata that `headers` carry.
pub(super) fn metadata(headers: HeaderMap) -> MetadataMap {
    status::without_reserved(MetadataMap::from_headers(headers))
}

/// The content type without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(CONTENT_TYPE)?.as_bytes();
    let end = value.iter().position(|byte| *byte == b';');
    Some(value[..end.unwrap_or(value.len())].trim_ascii())
}

/// How the messages that follow are compressed, by the name of it.
pub(super) fn encoding(name: Option<&[u8]>) -> Result<Option<Compression>> {
    let Some(name) = name else {
        return Ok(None);
    };
    Compression::named(name).map_err(|()| {
        Status::unimplemented(format!(
            "messages are compressed with `{}`, which is not among {}",
            String::from_utf8_lossy(name),
            ACCEPT.to_str().unwrap_or_default(),
        ))
    })
}

/// What a request says of the compressions that its caller reads, kept until it is answered.
#[derive(Debug)]
pub(super) struct Accepted(Vec<HeaderValue>);

impl Accepted {
    pub(super) fn of(headers: &HeaderMap, name: &HeaderName) -> Self {
        Self(headers.get_all(name).iter().cloned().collect())
    }

    /// How a reply is compressed: as it asks for or else by `default`, if its caller
    /// reads that.
    pub(super) fn choose<T>(
        &self,
        response: &Response<T>,
        default: Option<Compression>,
    ) -> Option<Compression> {
        let chosen = response.chosen_compression().unwrap_or(default);
        chosen.filter(|chosen| self.0.iter().any(|list| chosen.accepted_by(list)))
    }
}
