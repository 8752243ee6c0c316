//! `Options`: the extension fields of options, as bytes.
//!
//! The typed descriptors of prost drop extensions, so these are read off the encoded file. The linker
//! encodes maps in an order of its own each time; here they are sorted, so that output never differs.

use prost::{
    Message,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use prost_reflect::{DescriptorPool, FileDescriptor, Kind, MessageDescriptor};
use std::collections::HashSet;

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
        if !has_options(file) {
            return Self::default();
        }
        let file = File::decode(encode(file).as_slice()).unwrap_or_default();
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

/// Whether any service or method has options: most have none, and then nothing needs to be encoded.
fn has_options(file: &FileDescriptor) -> bool {
    let mut services = file.file_descriptor_proto().service.iter();
    services.any(|service| {
        service.options.is_some() || service.method.iter().any(|method| method.options.is_some())
    })
}

fn extensions(options: Option<Vec<u8>>) -> Vec<u8> {
    keep(&options.unwrap_or_default(), |number| {
        number >= EXTENSION_MIN
    })
}

/// A file as bytes, the same each time.
pub(crate) fn encode(file: &FileDescriptor) -> Vec<u8> {
    let (bytes, pool) = (file.encode_to_vec(), file.parent_pool());
    match pool.get_message_by_name("google.protobuf.FileDescriptorProto") {
        Some(descriptor) if options_have_maps(pool) => sorted(&bytes, &descriptor),
        _ => bytes,
    }
}

fn options_have_maps(pool: &DescriptorPool) -> bool {
    let mut seen = HashSet::new();
    let mut queue: Vec<_> = pool
        .all_extensions()
        .map(|extension| extension.kind())
        .collect();
    while let Some(kind) = queue.pop() {
        let Kind::Message(message) = kind else {
            continue;
        };
        if seen.insert(message.full_name().to_owned()) {
            if message.is_map_entry() {
                return true;
            }
            queue.extend(message.fields().map(|field| field.kind()));
        }
    }
    false
}

/// An encoded message with the entries of every map in order.
fn sorted(bytes: &[u8], descriptor: &MessageDescriptor) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut entries: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut rest = bytes;
    while let Some((number, field, after)) = next_field(rest) {
        rest = after;
        let field_descriptor = descriptor.get_field(number);
        let is_map = field_descriptor
            .as_ref()
            .is_some_and(|field| field.is_map());
        let kind = field_descriptor.map(|field| field.kind());
        let kind = kind.or_else(|| {
            descriptor
                .get_extension(number)
                .map(|extension| extension.kind())
        });
        let field = match kind {
            Some(Kind::Message(message)) => sorted_field(field, &message),
            _ => field.to_vec(),
        };
        if is_map {
            entries.push((number, field));
        } else {
            flush(&mut entries, &mut out);
            out.extend(field);
        }
    }
    flush(&mut entries, &mut out);
    out
}

fn flush(entries: &mut Vec<(u32, Vec<u8>)>, out: &mut Vec<u8>) {
    entries.sort();
    out.extend(entries.drain(..).flat_map(|(_, entry)| entry));
}

/// Sorting changes no length, so the key and the length in front stay as they are. A group is left alone.
fn sorted_field(field: &[u8], message: &MessageDescriptor) -> Vec<u8> {
    let mut content = field;
    let wire_type = decode_key(&mut content).map(|(_, wire_type)| wire_type);
    if !matches!(wire_type, Ok(WireType::LengthDelimited)) || decode_varint(&mut content).is_err() {
        return field.to_vec();
    }
    let mut out = field[..field.len() - content.len()].to_vec();
    out.extend(sorted(content, message));
    out
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
