//! What a server says of when to try again (gRFC A6, "Pushback").

use crate::status::Status;
use std::time::Duration;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};

const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// What the metadata of a failed attempt ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushback {
    /// Nothing.
    None,
    /// Another attempt after exactly this.
    After(Duration),
    /// No other attempt: a negative delay, one that does not read, or several.
    Never,
}

impl Pushback {
    pub(super) fn of(metadata: &MetadataMap) -> Self {
        let mut values = metadata.get_all(PUSHBACK).iter();
        let Some(value) = values.next() else {
            return Self::None;
        };
        let millis = value.to_str().ok().and_then(|text| text.parse().ok());
        match millis.and_then(|millis: i32| u64::try_from(millis).ok()) {
            Some(millis) if values.next().is_none() => Self::After(Duration::from_millis(millis)),
            _ => Self::Never,
        }
    }
}

/// Tells whoever this status is passed on to that trying again is of no use.
pub(super) fn forbid(status: &mut Status) {
    let never = AsciiMetadataValue::from_static("-1");
    status.metadata_mut().insert(PUSHBACK, never);
}
