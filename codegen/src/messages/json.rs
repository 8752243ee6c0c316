//! `JsonNames`: what JSON calls messages, fields and enum values, by where prost-build puts them.

use super::member::Member;
use crate::{names, pool::Loaded};
use prost_reflect::{EnumDescriptor, MessageDescriptor};
use std::collections::HashMap;

/// The names of everything, by package and by Rust path in it.
#[derive(Default)]
pub(super) struct JsonNames {
    packages: HashMap<String, Package>,
}

/// The names of a package.
#[derive(Default)]
pub(super) struct Package {
    /// By path, `order::Line`.
    messages: HashMap<String, MessageNames>,
    /// The path of a message, by that of the module of what is in it: `order::line`.
    modules: HashMap<String, String>,
    /// By path.
    enums: HashMap<String, EnumNames>,
}

/// The names of a message and of its fields.
pub(super) struct MessageNames {
    pub(super) full_name: String,
    /// Those of JSON and of the `.proto`, by number.
    fields: HashMap<u32, (String, String)>,
}

/// The names of an enum's values, by number, in the order of their declaration.
#[derive(Default)]
pub(super) struct EnumNames(HashMap<i32, Vec<String>>);

impl JsonNames {
    pub(super) fn find(loaded: &Loaded) -> Self {
        let mut found = Self::default();
        let files = loaded.generated.iter();
        for file in files.filter_map(|name| loaded.pool.get_file_by_name(name)) {
            let package = file.package_name().to_owned();
            let package = found.packages.entry(package).or_default();
            for message in file.messages() {
                package.message(&message, "");
            }
            for enumeration in file.enums() {
                package.enumeration(&enumeration, "");
            }
        }
        found
    }

    pub(super) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.get(name)
    }
}

impl Package {
    fn message(&mut self, message: &MessageDescriptor, within: &str) {
        let path = join(within, &names::camel(message.name()));
        let module = join(within, &names::snake(message.name()));
        for nested in message.child_messages() {
            self.message(&nested, &module);
        }
        for enumeration in message.child_enums() {
            self.enumeration(&enumeration, &module);
        }
        let fields = message.fields().map(|field| {
            let names = (field.json_name().to_owned(), field.name().to_owned());
            (field.number(), names)
        });
        let names = MessageNames {
            full_name: message.full_name().to_owned(),
            fields: fields.collect(),
        };
        self.messages.insert(path.clone(), names);
        self.modules.insert(module, path);
    }

    fn enumeration(&mut self, enumeration: &EnumDescriptor, within: &str) {
        let path = join(within, &names::camel(enumeration.name()));
        let names = self.enums.entry(path).or_default();
        // The pool has them in another order, and the first name is the one that is written.
        for value in &enumeration.enum_descriptor_proto().value {
            let same = names.0.entry(value.number()).or_default();
            same.push(value.name().to_owned());
        }
    }

    /// The names of the message that is called `ident` in the module at `path`.
    pub(super) fn names_of(&self, path: &[String], ident: &str) -> Option<&MessageNames> {
        self.messages.get(&join(&path.join("::"), ident))
    }

    /// The names of the message whose oneofs are in the module at `path`.
    pub(super) fn names_around(&self, path: &[String]) -> Option<&MessageNames> {
        self.messages.get(self.modules.get(&path.join("::"))?)
    }

    pub(super) fn names_of_enum(&self, path: &[String], ident: &str) -> Option<&EnumNames> {
        self.enums.get(&join(&path.join("::"), ident))
    }
}

impl MessageNames {
    /// `"cartId" / "cart_id"` and, of a oneof, `|` between those of its fields.
    pub(super) fn of(&self, member: &Member) -> String {
        let names = member.tags.iter().filter_map(|tag| self.fields.get(tag));
        let names: Vec<_> = names
            .map(|(json, proto)| match self.is_json_name(proto) {
                true => format!("{json:?}"),
                false => format!("{json:?} / {proto:?}"),
            })
            .collect();
        names.join(" | ")
    }

    /// Whether a field is called so in JSON, its own name or another's: it means that one then.
    fn is_json_name(&self, name: &str) -> bool {
        self.fields.values().any(|(json, _)| json == name)
    }
}

impl EnumNames {
    /// `"RED" | "CRIMSON"`
    pub(super) fn of(&self, number: &str) -> String {
        // A long number is written as `1_234_567`.
        let number = number.replace('_', "").parse();
        let names = number.ok().and_then(|number| self.0.get(&number));
        let names = names.into_iter().flatten();
        names
            .map(|name| format!("{name:?}"))
            .collect::<Vec<_>>()
            .join(" | ")
    }
}

fn join(within: &str, name: &str) -> String {
    if within.is_empty() {
        name.to_owned()
    } else {
        format!("{within}::{name}")
    }
}
