//! Options: every name must name something, and every path and attribute must be Rust.

use crate::{Config, diagnostic::Diagnostic, near, pool::Loaded, resolve::within};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use syn::parse::Parser;

/// A part of the protos that an option may name.
struct Part {
    full_name: String,
    kind: PartKind,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum PartKind {
    Package,
    Message,
    Enum,
    Field,
    BytesField,
    MapField,
    MessageField,
    Service,
}

/// What an option may name: its name, the parts, and the word for them.
type Rule = (&'static str, &'static [PartKind], &'static str);

const EXTERN_PATH: Rule = (
    "extern_path",
    &[PartKind::Package, PartKind::Message, PartKind::Enum],
    "package, message or enum",
);
const TYPE: Rule = (
    "type_attribute",
    &[PartKind::Message, PartKind::Enum],
    "message, enum or oneof",
);
const MESSAGE: Rule = ("message_attribute", &[PartKind::Message], "message");
const ENUM: Rule = ("enum_attribute", &[PartKind::Enum], "enum or oneof");
const FIELD: Rule = (
    "field_attribute",
    &[
        PartKind::Field,
        PartKind::BytesField,
        PartKind::MapField,
        PartKind::MessageField,
    ],
    "field or enum value",
);
const SERVICE: Rule = ("service_attribute", &[PartKind::Service], "service");
const CLIENT: Rule = ("client_attribute", &[PartKind::Service], "service");
const BYTES: Rule = ("bytes", &[PartKind::BytesField], "field of type `bytes`");
const BTREE_MAP: Rule = ("btree_map", &[PartKind::MapField], "map field");
const BOXED: Rule = (
    "boxed",
    &[PartKind::MessageField],
    "field of a message type",
);

/// The options whose names name nothing, or whose Rust is none.
pub(crate) fn check(loaded: &Loaded, config: &Config) -> Vec<Diagnostic> {
    let pairs = [
        (EXTERN_PATH, &config.extern_paths),
        (TYPE, &config.type_attributes),
        (MESSAGE, &config.message_attributes),
        (ENUM, &config.enum_attributes),
        (FIELD, &config.field_attributes),
        (SERVICE, &config.service_attributes),
        (CLIENT, &config.client_attributes),
    ];
    let lists = [
        (BYTES, &config.bytes),
        (BTREE_MAP, &config.btree_maps),
        (BOXED, &config.boxed),
    ];
    let paired = pairs
        .iter()
        .flat_map(|(rule, pairs)| pairs.iter().map(move |(name, _)| (rule, name)));
    let listed = lists
        .iter()
        .flat_map(|(rule, names)| names.iter().map(move |name| (rule, name)));
    let mut problems = not_rust(config);
    let mut named = paired.chain(listed).peekable();
    if named.peek().is_some() {
        let parts = parts(loaded);
        problems.extend(named.filter_map(|(rule, name)| unmatched(*rule, name, &parts)));
    }
    problems
}

fn unmatched((option, kinds, wanted): Rule, name: &str, parts: &[Part]) -> Option<Diagnostic> {
    let wide = name.trim_matches('.');
    let mut fitting = parts.iter().filter(|part| kinds.contains(&part.kind));
    if parts.is_empty() || fitting.any(|part| within(&part.full_name, wide)) {
        return None;
    }
    let message = format!("`{option}` names `{name}`, but there is no such {wanted}");
    let fitting = parts
        .iter()
        .filter(|part| kinds.contains(&part.kind))
        .map(|part| part.full_name.as_str());
    let hint = near::hint(wide, fitting);
    let known = parts.iter().any(|part| part.full_name == wide);
    let help = match hint {
        Some(hint) => hint,
        None if known => format!("`{wide}` exists, but is and holds no {wanted}"),
        None => "write the full name, package first, such as `shop.v1.Cart`".to_owned(),
    };
    Some(Diagnostic::general(message).help(help))
}

fn not_rust(config: &Config) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let runtime = [("runtime", &config.runtime)];
    let paths = config
        .extern_paths
        .iter()
        .map(|(_, path)| ("extern_path", path))
        .chain(runtime);
    for (option, path) in paths {
        if syn::parse_str::<syn::Path>(path).is_err() {
            let message = format!("`{option}` got `{path}`, which is no Rust path");
            problems
                .push(Diagnostic::general(message).help("write a path such as `::acme_money::v1`"));
        }
    }
    let attributes = [
        ("type_attribute", &config.type_attributes),
        ("message_attribute", &config.message_attributes),
        ("enum_attribute", &config.enum_attributes),
        ("field_attribute", &config.field_attributes),
        ("service_attribute", &config.service_attributes),
        ("client_attribute", &config.client_attributes),
    ];
    let attributes = attributes
        .iter()
        .flat_map(|(option, pairs)| pairs.iter().map(move |(_, text)| (option, text)));
    for (option, attribute) in attributes {
        if syn::Attribute::parse_outer.parse_str(attribute).is_err() {
            let message = format!("`{option}` got `{attribute}`, which is no Rust attribute");
            problems.push(
                Diagnostic::general(message)
                    .help("write attributes such as `#[derive(serde::Serialize)]`"),
            );
        }
    }
    problems
}

fn parts(loaded: &Loaded) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut add = |full_name: String, kind| parts.push(Part { full_name, kind });
    for file in loaded.pool.files() {
        add(file.package_name().to_owned(), PartKind::Package);
    }
    for service in loaded.pool.services() {
        add(service.full_name().to_owned(), PartKind::Service);
    }
    for enumeration in loaded.pool.all_enums() {
        add(enumeration.full_name().to_owned(), PartKind::Enum);
        for value in enumeration.values() {
            add(
                format!("{}.{}", enumeration.full_name(), value.name()),
                PartKind::Field,
            );
        }
    }
    for message in loaded
        .pool
        .all_messages()
        .filter(|message| !message.is_map_entry())
    {
        add(message.full_name().to_owned(), PartKind::Message);
        message_parts(&message, &mut add);
    }
    parts
}

fn message_parts(message: &MessageDescriptor, add: &mut impl FnMut(String, PartKind)) {
    for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
        add(oneof.full_name().to_owned(), PartKind::Enum);
        add(oneof.full_name().to_owned(), PartKind::Field);
        for field in oneof.fields() {
            add(
                format!("{}.{}", oneof.full_name(), field.name()),
                kind(&field),
            );
        }
    }
    for field in message.fields() {
        add(field.full_name().to_owned(), kind(&field));
    }
}

fn kind(field: &FieldDescriptor) -> PartKind {
    match field.kind() {
        _ if field.is_map() => PartKind::MapField,
        Kind::Message(_) => PartKind::MessageField,
        Kind::Bytes => PartKind::BytesField,
        _ => PartKind::Field,
    }
}
