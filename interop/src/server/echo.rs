//! Metadata that a call asks to have back.

use cordial::metadata::{KeyAndValueRef, MetadataMap};
use cordial::{Request, Response, Result};

/// What goes back before and after the messages.
#[derive(Debug)]
pub(super) struct Echo {
    initial: MetadataMap,
    trailing: MetadataMap,
}

impl Echo {
    /// What `request` asks for.
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        let sent = request.metadata();
        Self {
            initial: chosen(sent, |key| {
                key == "x-grpc-test-echo-initial" || key.starts_with("x-interop-initial-")
            }),
            trailing: chosen(sent, |key| {
                key == "x-grpc-test-echo-trailing-bin" || key.starts_with("x-interop-trailing-")
            }),
        }
    }

    /// The same reply with the echo in it. An error has no initial metadata.
    pub(super) fn on<T>(self, reply: Result<Response<T>>) -> Result<Response<T>> {
        match reply {
            Ok(mut response) => {
                append(&self.initial, response.metadata_mut());
                append(&self.trailing, response.trailers_mut());
                Ok(response)
            }
            Err(mut status) => {
                append(&self.trailing, status.metadata_mut());
                Err(status)
            }
        }
    }
}

fn chosen(sent: &MetadataMap, wanted: impl Fn(&str) -> bool) -> MetadataMap {
    let mut found = MetadataMap::new();
    for entry in sent.iter() {
        match entry {
            KeyAndValueRef::Ascii(key, value) if wanted(key.as_str()) => {
                found.append(key, value.clone());
            }
            KeyAndValueRef::Binary(key, value) if wanted(key.as_str()) => {
                found.append_bin(key, value.clone());
            }
            _ => {}
        }
    }
    found
}

fn append(from: &MetadataMap, to: &mut MetadataMap) {
    for entry in from.iter() {
        match entry {
            KeyAndValueRef::Ascii(key, value) => to.append(key, value.clone()),
            KeyAndValueRef::Binary(key, value) => to.append_bin(key, value.clone()),
        };
    }
}
