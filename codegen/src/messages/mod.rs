//! Messages: prost-build writes them, and what it writes is tidied here.

mod adjust;
pub(crate) mod lints;
mod placeholders;
mod unused;

use crate::{Config, Error, ErrorKind, pool::Loaded, resolve::Types};
use placeholders::Placeholders;
use prost_build::Module;
use std::collections::HashMap;

/// The items of every package, by package name.
pub(crate) fn generate(
    loaded: &Loaded,
    types: &Types,
    config: &Config,
) -> Result<HashMap<String, Vec<syn::Item>>, Error> {
    let mut docs = Placeholders::new(unused::find(loaded));
    let mut requests = Vec::new();
    let mut packages = HashMap::new();
    for file in loaded.pool.files() {
        let mut descriptor = file.file_descriptor_proto().clone();
        descriptor.source_code_info = Some(docs.replace(&descriptor));
        descriptor.service.clear();
        let generated = loaded.generated.iter().any(|name| name == file.name());
        let module = if generated {
            let module = Module::from_protobuf_package_name(file.package_name());
            packages.insert(module.clone(), file.package_name().to_owned());
            module
        } else {
            // prost-build must see every message to know which can be `Copy`: this one's code is dropped.
            Module::from_parts(["elsewhere::"])
        };
        requests.push((module, descriptor));
    }
    requests.sort_by(|(_, a), (_, b)| a.name().cmp(b.name()));
    let written = prost(types, config).generate(requests).map_err(internal)?;
    let mut items = HashMap::new();
    for (module, code) in written {
        if let Some(package) = packages.remove(&module) {
            let mut file = syn::parse_file(&code).map_err(internal)?;
            let name = module.parts().last().unwrap_or_default();
            adjust::items(name, &mut file.items, &docs);
            items.insert(package, file.items);
        }
    }
    Ok(items)
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
