//! Which types nothing else in the generated code uses.
//!
//! A program may leave them unused too, and must not be warned for that: these, and only these, are
//! marked.

use crate::pool::Loaded;
use prost_reflect::{EnumDescriptor, Kind, MessageDescriptor};
use std::collections::HashSet;

/// The full names of the messages and enums to mark.
pub(super) fn find(loaded: &Loaded) -> HashSet<String> {
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
