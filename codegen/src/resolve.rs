//! `Types`: the Rust path of every message and enum, as prost-build writes it.

use crate::{Config, bundled, names};
use std::collections::BTreeMap;

/// Knows which types are generated here and which come from elsewhere.
pub(crate) struct Types {
    /// Full name, of a package or a type, to Rust path.
    externs: BTreeMap<String, String>,
    /// `::cordial::prost`
    prost: String,
    /// `::cordial::google::protobuf`
    well_known: String,
    google_in_place: bool,
}

impl Types {
    pub(crate) fn new(config: &Config) -> Self {
        let runtime = &config.runtime;
        let mut externs: BTreeMap<_, _> = config
            .extern_paths
            .iter()
            .map(|(name, path)| (name.trim_start_matches('.').to_owned(), path.clone()))
            .collect();
        if !config.google_in_place {
            for (name, path) in google(runtime) {
                if !externs.keys().any(|known| within(&name, known)) {
                    externs.insert(name, path);
                }
            }
        }
        let (prost, well_known) = (
            format!("{runtime}::prost"),
            format!("{runtime}::google::protobuf"),
        );
        Self {
            externs,
            prost,
            well_known,
            google_in_place: config.google_in_place,
        }
    }

    pub(crate) fn prost(&self) -> &str {
        &self.prost
    }

    pub(crate) fn well_known(&self) -> &str {
        &self.well_known
    }

    /// What prost-build is to take from elsewhere.
    pub(crate) fn externs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.externs
            .iter()
            .map(|(name, path)| (name.as_str(), path.as_str()))
    }

    /// Whether a type, or a whole package, is taken from elsewhere.
    pub(crate) fn is_extern(&self, full_name: &str) -> bool {
        within(full_name, "google.protobuf")
            || self.externs.keys().any(|known| within(full_name, known))
    }

    /// Whether all of a package comes from elsewhere, so that there is nothing to generate for it.
    pub(crate) fn is_extern_package(&self, package: &str) -> bool {
        !package.is_empty() && self.is_extern(package)
    }

    /// Whether a file is one that the runtime has, the user's own copy of it included.
    pub(crate) fn is_runtime_file(&self, name: &str) -> bool {
        !self.google_in_place && bundled::find(name).is_some()
    }

    /// The Rust path of a type, seen from the module of `package`.
    pub(crate) fn path(&self, package: &str, full_name: &str) -> String {
        if let Some(path) = self.scalar(full_name) {
            return path;
        }
        let known = self
            .externs()
            .chain([("google.protobuf", self.well_known())]);
        let nearest = known
            .filter(|(known, _)| within(full_name, known))
            .max_by_key(|(known, _)| known.len());
        match nearest {
            Some((known, path)) if known == full_name => path.to_owned(),
            Some((known, path)) => format!("{path}::{}", relative(&full_name[known.len() + 1..])),
            None => local(package, full_name),
        }
    }

    /// The well-known types for which prost has types of Rust itself.
    fn scalar(&self, full_name: &str) -> Option<String> {
        let prost = &self.prost;
        Some(match full_name.strip_prefix("google.protobuf.")? {
            "BoolValue" => "bool".to_owned(),
            "BytesValue" => format!("{prost}::alloc::vec::Vec<u8>"),
            "DoubleValue" => "f64".to_owned(),
            "Empty" => "()".to_owned(),
            "FloatValue" => "f32".to_owned(),
            "Int32Value" => "i32".to_owned(),
            "Int64Value" => "i64".to_owned(),
            "StringValue" => format!("{prost}::alloc::string::String"),
            "UInt32Value" => "u32".to_owned(),
            "UInt64Value" => "u64".to_owned(),
            _ => return None,
        })
    }
}

/// Whether `name` is `outer` or a part of it; everything is a part of the empty name.
pub(crate) fn within(name: &str, outer: &str) -> bool {
    match name.strip_prefix(outer) {
        Some(rest) => outer.is_empty() || rest.is_empty() || rest.starts_with('.'),
        None => false,
    }
}

/// `Outer.Inner` -> `outer::Inner`
fn relative(name: &str) -> String {
    let (modules, name) = name.rsplit_once('.').unwrap_or(("", name));
    let mut parts = names::modules(modules);
    parts.push(names::camel(name));
    parts.join("::")
}

fn local(package: &str, full_name: &str) -> String {
    let mut from: Vec<_> = package.split('.').filter(|part| !part.is_empty()).collect();
    let mut to: Vec<_> = full_name.split('.').collect();
    let last = to.pop().unwrap_or_default();
    let common = from
        .iter()
        .zip(&to)
        .take_while(|(from, to)| from == to)
        .count();
    let supers = from.drain(common..).map(|_| "super".to_owned());
    let modules = to.drain(common..).map(names::snake);
    supers
        .chain(modules)
        .chain([names::camel(last)])
        .collect::<Vec<_>>()
        .join("::")
}

/// The types of the bundled files, which the runtime has. Any other type of their packages, from a file
/// of the user's own, is generated like the rest.
fn google(runtime: &str) -> Vec<(String, String)> {
    let mut types = Vec::new();
    for bundled in bundled::ALL {
        if let Ok(file) = protox_parse::parse(bundled.name, bundled.source) {
            let declared = file.message_type.iter().map(|message| message.name());
            let declared =
                declared.chain(file.enum_type.iter().map(|enumeration| enumeration.name()));
            let package = file.package();
            // What is the runtime's own is at its root: `::cordial::v1`.
            let own = package.strip_prefix("cordial.").unwrap_or(package);
            let modules = names::modules(own).join("::");
            types.extend(declared.map(|name| {
                (
                    format!("{package}.{name}"),
                    format!("{runtime}::{modules}::{}", names::camel(name)),
                )
            }));
        }
    }
    types
}
