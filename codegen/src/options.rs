//! `Options`: the extension fields of options, as bytes.
//!
//! The typed descriptors of prost drop extensions, so these are read off the encoded file.

use prost::Message;
use prost_reflect::FileDescriptor;

/// Fields below this number are the language's own; extensions start here.
const EXTENSION_MIN: u32 = 1000;

/// The extension options of every service and method of one file.
#[derive(Default)]
pub(crate) struct Options {
    services: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
}

/// `FileDescriptorProto`, with all else left out and options left encoded.
#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(message, repeated, tag = "6")]
    services: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(message, repeated, tag = "2")]
    methods: Vec<Method>,
    #[prost(bytes = "vec", optional, tag = "3")]
    options: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Method {
    #[prost(bytes = "vec", optional, tag = "4")]
    options: Option<Vec<u8>>,
}

impl Options {
    pub(crate) fn of(file: &FileDescriptor) -> Self {
        if file.services().len() == 0 {
            return Self::default();
        }
        let file = File::decode(file.encode_to_vec().as_slice()).unwrap_or_default();
        let services = file.services.into_iter().map(|service| {
            let methods = service
                .methods
                .into_iter()
                .map(|method| extensions(method.options))
                .collect();
            (extensions(service.options), methods)
        });
        Self {
            services: services.collect(),
        }
    }

    pub(crate) fn service(&self, service: usize) -> Vec<u8> {
        self.services
            .get(service)
            .map(|(options, _)| options.clone())
            .unwrap_or_default()
    }

    pub(crate) fn method(&self, service: usize, method: usize) -> Vec<u8> {
        let methods = self.services.get(service).map(|(_, methods)| methods);
        methods
            .and_then(|methods| methods.get(method))
            .cloned()
            .unwrap_or_default()
    }
}

fn extensions(options: Option<Vec<u8>>) -> Vec<u8> {
    keep(&options.unwrap_or_default(), |number| {
        number >= EXTENSION_MIN
    })
}

/// The fields of an encoded message whose number passes.
pub(crate) fn keep(message: &[u8], passes: impl Fn(u32) -> bool) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = message;
    while let Some((number, field, after)) = next_field(rest) {
        if passes(number) {
            kept.extend_from_slice(field);
        }
        rest = after;
    }
    kept
}

/// Splits the first field off an encoded message: its number, all its bytes, and the rest.
fn next_field(message: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    use prost::encoding::{DecodeContext, decode_key, skip_field};
    let mut rest = message;
    let (number, wire_type) = decode_key(&mut rest).ok()?;
    skip_field(wire_type, number, &mut rest, DecodeContext::default()).ok()?;
    let len = message.len() - rest.len();
    Some((
        message[..len].first().map(|_| number)?,
        &message[..len],
        rest,
    ))
}
