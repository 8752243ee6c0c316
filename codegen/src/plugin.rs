//! The generator as a plugin of protoc and buf.
//!
//! The binary `protoc-gen-cordial` is [`run`] on standard input and output, and nothing else. For the
//! same files and options it writes what [`compile`](crate::compile()) writes, byte for byte, except for
//! `_descriptors.bin`, which is no text: `protoc --descriptor_set_out` and `buf build -o` write that.
//!
//! ```sh
//! protoc --cordial_out=src/pb --cordial_opt=bytes=shop.v1.Photo.data -I protos protos/shop/v1/*.proto
//! ```

use crate::{Config, Error, ErrorKind, compile, imports, pool::Loaded};
use prost::Message;
use prost_reflect::DescriptorPool;
use prost_types::compiler::{CodeGeneratorResponse, code_generator_response};
use std::collections::HashMap;

/// What each parameter means, for `--help`. Parameters are given with `--cordial_opt`, or under `opt:` in
/// `buf.gen.yaml`; each stands for the function of [`Config`] of that name.
pub const HELP: &str = "\
protoc-gen-cordial: Rust services, clients and messages for cordial

protoc starts it:  protoc --cordial_out=DIR [--cordial_opt=PARAMETER,...] FILE.proto...
and so does buf:   local: protoc-gen-cordial, in buf.gen.yaml

Parameters:
  server_only                       no clients
  client_only                       no traits and no server functions
  json                              messages as JSON
  tonic_stubs                       tonic's own stubs, too
  google_in_place                   generate google.api and google.rpc, do not refer to the runtime's
  runtime=PATH                      the Rust path of the runtime [::cordial]
  bytes=NAME                        `Bytes` for the bytes fields of NAME
  btree_map=NAME                    `BTreeMap` for the maps of NAME
  boxed=NAME                        a `Box` around the fields of NAME
  extern_path=NAME=PATH             take a package or a type from a Rust path
  type_attribute=NAME=ATTRIBUTE     attributes on messages, enums and oneofs
  message_attribute=NAME=ATTRIBUTE  attributes on messages
  enum_attribute=NAME=ATTRIBUTE     attributes on enums and oneofs
  field_attribute=NAME=ATTRIBUTE    attributes on fields and enum values
  service_attribute=NAME=ATTRIBUTE  attributes on the traits of services
  client_attribute=NAME=ATTRIBUTE   attributes on clients

NAME is a full name such as shop.v1.Cart.items; it stands for all within it, `.` for everything.
A comma inside brackets, or written `\\,`, belongs to its parameter.

Options: --help, --version
";

/// Proto3 `optional` is understood.
const FEATURE_PROTO3_OPTIONAL: u64 = 1;

/// `CodeGeneratorRequest`, with files left encoded: decoding them would lose custom options.
#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(string, repeated, tag = "1")]
    file_to_generate: Vec<String>,
    #[prost(string, optional, tag = "2")]
    parameter: Option<String>,
    #[prost(bytes = "vec", repeated, tag = "15")]
    proto_file: Vec<Vec<u8>>,
}

/// Answers an encoded `CodeGeneratorRequest` with an encoded `CodeGeneratorResponse`.
///
/// Mistakes in protos and parameters are part of the response, where protoc and buf look for them.
///
/// # Errors
///
/// When the request is none; then there is nobody to respond to.
pub fn run(request: &[u8]) -> crate::Result<Vec<u8>> {
    let request = Request::decode(request).map_err(|error| not_a_request(&error.to_string()))?;
    if request.file_to_generate.is_empty() {
        return Err(not_a_request("it asks for no file"));
    }
    let mut response = CodeGeneratorResponse {
        supported_features: Some(FEATURE_PROTO3_OPTIONAL),
        ..CodeGeneratorResponse::default()
    };
    match generate(request) {
        Ok(files) => response.file = files,
        Err(error) => response.error = Some(error.to_string()),
    }
    Ok(response.encode_to_vec())
}

fn generate(request: Request) -> crate::Result<Vec<code_generator_response::File>> {
    let config = config(request.parameter.as_deref().unwrap_or_default())?;
    let mut pool = DescriptorPool::new();
    for file in request.proto_file {
        let file = imports::complete(&pool, file);
        pool.decode_file_descriptor_proto(file.as_slice())
            .map_err(|error| Error::new(ErrorKind::Proto, format!("{error:?}")))?;
    }
    let mut generated = request.file_to_generate;
    generated.sort();
    // protoc passes on what its user wrote twice.
    generated.dedup();
    let absent = generated
        .iter()
        .find(|name| pool.get_file_by_name(name).is_none());
    if let Some(name) = absent {
        return Err(not_a_request(&format!(
            "it asks for `{name}` and does not bring it"
        )));
    }
    let loaded = Loaded {
        pool,
        texts: HashMap::new(),
        generated,
    };
    let outputs = compile::generate(&config, &loaded, Vec::new())?;
    let files = outputs
        .into_iter()
        .map(|output| code_generator_response::File {
            name: Some(output.name),
            content: Some(String::from_utf8_lossy(&output.content).into_owned()),
            ..code_generator_response::File::default()
        });
    Ok(files.collect())
}

/// The config that a parameter string stands for.
fn config(parameters: &str) -> crate::Result<Config> {
    split(parameters)
        .iter()
        .filter(|parameter| !parameter.is_empty())
        .try_fold(Config::new(), |config, parameter| {
            let (key, value) = parameter
                .split_once('=')
                .map_or((parameter.as_str(), None), |(key, value)| {
                    (key, Some(value))
                });
            let named = |set: fn(Config, String) -> Config, config| match value {
                Some(value) if !value.is_empty() => Ok(set(config, value.to_owned())),
                _ => Err(bad(parameter, &format!("write `{key}=NAME`"))),
            };
            let pair = |set: fn(Config, String, String) -> Config, config| match value
                .and_then(|value| value.split_once('='))
            {
                Some((name, value)) if !name.is_empty() => {
                    Ok(set(config, name.to_owned(), value.to_owned()))
                }
                _ => Err(bad(parameter, &format!("write `{key}=NAME=VALUE`"))),
            };
            let flag = |set: fn(Config) -> Config, config| match value {
                None | Some("true" | "") => Ok(set(config)),
                Some("false") => Ok(config),
                Some(_) => Err(bad(parameter, &format!("`{key}` takes no value"))),
            };
            match key {
                "server_only" => flag(Config::server_only, config),
                "client_only" => flag(Config::client_only, config),
                "json" => flag(|config| config.json(true), config),
                "tonic_stubs" => flag(|config| config.tonic_stubs(true), config),
                "google_in_place" => flag(|config| config.google_in_place(true), config),
                "runtime" => named(Config::runtime, config),
                "bytes" => named(Config::bytes, config),
                "btree_map" => named(Config::btree_map, config),
                "boxed" => named(Config::boxed, config),
                "extern_path" => pair(Config::extern_path, config),
                "type_attribute" => pair(Config::type_attribute, config),
                "message_attribute" => pair(Config::message_attribute, config),
                "enum_attribute" => pair(Config::enum_attribute, config),
                "field_attribute" => pair(Config::field_attribute, config),
                "service_attribute" => pair(Config::service_attribute, config),
                "client_attribute" => pair(Config::client_attribute, config),
                _ => {
                    let hint = crate::near::hint(key, KEYS)
                        .unwrap_or_else(|| "`protoc-gen-cordial --help` lists them".to_owned());
                    Err(bad(parameter, &hint))
                }
            }
        })
}

const KEYS: [&str; 16] = [
    "server_only",
    "client_only",
    "json",
    "tonic_stubs",
    "google_in_place",
    "runtime",
    "bytes",
    "btree_map",
    "boxed",
    "extern_path",
    "type_attribute",
    "message_attribute",
    "enum_attribute",
    "field_attribute",
    "service_attribute",
    "client_attribute",
];

/// Splits at commas, but not within brackets or after a backslash.
fn split(parameters: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_usize;
    let mut characters = parameters.chars().peekable();
    while let Some(next) = characters.next() {
        let escaped = next == '\\' && characters.next_if_eq(&',').is_some();
        match next {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if next == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(if escaped { ',' } else { next });
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

fn bad(parameter: &str, help: &str) -> Error {
    Error::new(
        ErrorKind::Input,
        format!("`{parameter}` is no parameter of protoc-gen-cordial\n  = {help}"),
    )
}

fn not_a_request(why: &str) -> Error {
    let text = format!(
        "the input is no request of protoc or buf: {why}\n  = protoc-gen-cordial is started by them; see `protoc-gen-cordial --help`"
    );
    Error::new(ErrorKind::Input, text)
}
