//! Messages: prost-build writes their types; what makes messages of these is written here.

mod accessors;
mod adjust;
mod impls;
mod json;
pub(crate) mod lints;
mod literal;
mod marks;
mod member;
mod placeholders;
mod table;
mod wire;

use crate::{Config, Error, ErrorKind, pool::Loaded, resolve::Types};
use json::JsonNames;
use placeholders::Placeholders;
use prost_build::Module;
use prost_types::FileDescriptorProto;
use std::collections::HashMap;
use wire::Wire;

/// What prost-build wrote, by package name.
pub(crate) struct Messages {
    code: HashMap<String, (Module, String)>,
    docs: Placeholders,
    /// What JSON calls everything, if it is on.
    json: Option<JsonNames>,
}

impl Messages {
    pub(crate) fn has(&self, package: &str) -> bool {
        self.code.contains_key(package)
    }

    /// The items of one package, adjusted, and the tables that their macros have numbers for; none if it
    /// has no messages and no enums.
    pub(crate) fn items(
        &self,
        package: &str,
        runtime: &str,
    ) -> Result<(Vec<syn::Item>, Vec<String>), Error> {
        let Some((module, code)) = self.code.get(package) else {
            return Ok(Default::default());
        };
        let mut file = syn::parse_file(code).map_err(internal)?;
        let json = self.json.as_ref().and_then(|json| json.package(package));
        let mut wire = Wire::new(runtime, json);
        adjust::items(
            module.parts().last().unwrap_or_default(),
            &mut file.items,
            &self.docs,
            &mut wire,
        );
        Ok((file.items, wire.into_tables()))
    }
}

/// Has prost-build write the messages and enums of every package.
pub(crate) fn generate(loaded: &Loaded, types: &Types, config: &Config) -> Result<Messages, Error> {
    let mut docs = Placeholders::new(marks::find(loaded));
    let mut requests = Vec::new();
    let mut packages = HashMap::new();
    for file in loaded.pool.files() {
        let module = if loaded.generated.iter().any(|name| name == file.name()) {
            let module = Module::from_protobuf_package_name(file.package_name());
            packages.insert(module.clone(), file.package_name().to_owned());
            module
        } else {
            // prost-build must see every message to know which can be `Copy`: this one's code is dropped.
            Module::from_parts(["elsewhere::"])
        };
        requests.push((module, types_only(file.file_descriptor_proto(), &mut docs)));
    }
    requests.sort_by(|(_, a), (_, b)| a.name().cmp(b.name()));
    let written = prost(types, config).generate(requests).map_err(internal)?;
    let code = written
        .into_iter()
        .filter_map(|(module, code)| Some((packages.remove(&module)?, (module, code))));
    Ok(Messages {
        code: code.collect(),
        docs,
        json: config.json.then(|| JsonNames::find(loaded)),
    })
}

/// A file without its services and with placeholders for its comments.
fn types_only(file: &FileDescriptorProto, docs: &mut Placeholders) -> FileDescriptorProto {
    FileDescriptorProto {
        name: file.name.clone(),
        package: file.package.clone(),
        message_type: file.message_type.clone(),
        enum_type: file.enum_type.clone(),
        syntax: file.syntax.clone(),
        source_code_info: Some(docs.replace(file)),
        ..FileDescriptorProto::default()
    }
}

fn prost(types: &Types, config: &Config) -> prost_build::Config {
    let mut prost = prost_build::Config::new();
    prost
        .prost_path(types.prost())
        .prost_types_path(types.well_known());
    for (name, path) in types.externs() {
        prost.extern_path(dotted(name), path);
    }
    for (name, attribute) in &config.type_attributes {
        prost.type_attribute(dotted(name), attribute);
    }
    for (name, attribute) in &config.message_attributes {
        prost.message_attribute(dotted(name), attribute);
    }
    for (name, attribute) in &config.enum_attributes {
        prost.enum_attribute(dotted(name), attribute);
    }
    for (name, attribute) in &config.field_attributes {
        prost.field_attribute(dotted(name), attribute);
    }
    for name in &config.boxed {
        prost.boxed(dotted(name));
    }
    if !config.bytes.is_empty() {
        prost.bytes(config.bytes.iter().map(|name| dotted(name)));
    }
    if !config.btree_maps.is_empty() {
        prost.btree_map(config.btree_maps.iter().map(|name| dotted(name)));
    }
    prost
}

/// prost-build wants full names to start with a dot, and `.` for everything.
pub(crate) fn dotted(name: &str) -> String {
    format!(".{}", name.trim_matches('.'))
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Internal,
        format!("the message generator failed: {error}"),
    )
}
