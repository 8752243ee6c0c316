//! `Marks`: what is to be known of a type that its Rust does not show.
//!
//! A program may leave unused what nothing else in the generated code uses, and must not be warned for
//! that: these types, and only these, are marked. So are messages with maps to nothing, which clippy
//! takes for sets.

use crate::pool::Loaded;
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use std::collections::HashSet;

/// What is to be known of one type.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(crate) struct Mark {
    /// Nothing else in the generated code uses the type.
    pub(crate) unused: bool,
    /// It has a map whose values hold nothing.
    pub(crate) unit_map: bool,
}

/// The marks of all types, by full name.
#[derive(Default)]
pub(crate) struct Marks {
    unused: HashSet<String>,
    unit_maps: HashSet<String>,
}

impl Marks {
    pub(super) fn of(&self, full_name: &str) -> Mark {
        Mark {
            unused: self.unused.contains(full_name),
            unit_map: self.unit_maps.contains(full_name),
        }
    }
}

/// The marks of everything that is generated.
pub(super) fn find(loaded: &Loaded) -> Marks {
    let unit_maps = loaded
        .pool
        .all_messages()
        .filter(|message| message.fields().any(|field| is_unit_map(&field)))
        .map(|message| message.full_name().to_owned());
    Marks {
        unused: unused(loaded),
        unit_maps: unit_maps.collect(),
    }
}

fn is_unit_map(field: &FieldDescriptor) -> bool {
    let Kind::Message(entry) = field.kind() else {
        return false;
    };
    let value = |entry: MessageDescriptor| entry.map_entry_value_field().kind();
    match entry.is_map_entry().then(|| value(entry)) {
        Some(Kind::Message(value)) => value.fields().len() == 0,
        _ => false,
    }
}

fn unused(loaded: &Loaded) -> HashSet<String> {
    let mut reached = Reached::default();
    for service in loaded.pool.services() {
        for method in service.methods() {
            reached.message(&method.input());
            reached.message(&method.output());
        }
    }
    let mut unused = HashSet::new();
    for file in loaded
        .generated
        .iter()
        .filter_map(|name| loaded.pool.get_file_by_name(name))
    {
        for message in file.messages() {
            reached.leftovers(&message, &mut unused);
        }
        for enumeration in file.enums() {
            reached.leftover_enum(&enumeration, &mut unused);
        }
    }
    unused
}

#[derive(Default)]
struct Reached {
    names: HashSet<String>,
}

impl Reached {
    fn message(&mut self, message: &MessageDescriptor) {
        let mut queue = vec![message.clone()];
        while let Some(message) = queue.pop() {
            if !self.names.insert(message.full_name().to_owned()) {
                continue;
            }
            for field in message.fields() {
                match field.kind() {
                    Kind::Message(message) => queue.push(message),
                    Kind::Enum(enumeration) => {
                        self.names.insert(enumeration.full_name().to_owned());
                    }
                    _ => {}
                }
            }
        }
    }

    /// Marks a message that nothing reaches, which then reaches others.
    fn leftovers(&mut self, message: &MessageDescriptor, unused: &mut HashSet<String>) {
        if !message.is_map_entry() && !self.names.contains(message.full_name()) {
            unused.insert(message.full_name().to_owned());
            self.message(message);
        }
        for nested in message.child_messages() {
            self.leftovers(&nested, unused);
        }
        for enumeration in message.child_enums() {
            self.leftover_enum(&enumeration, unused);
        }
    }

    fn leftover_enum(&mut self, enumeration: &EnumDescriptor, unused: &mut HashSet<String>) {
        if self.names.insert(enumeration.full_name().to_owned()) {
            unused.insert(enumeration.full_name().to_owned());
        }
    }
}
