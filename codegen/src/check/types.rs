//! Types: no two of one scope may have one Rust name.

use super::{Check, Namespace, spot};
use crate::{names, resolve::Types};
use prost_reflect::{EnumDescriptor, FileDescriptor, MessageDescriptor, OneofDescriptor};

/// Types that every generated file names without a path: a module of such a name would hide them.
pub(super) const PRIMITIVES: [&str; 16] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16",
    "u32", "u64", "usize",
];

const RENAME: &str = "rename one: Rust names have no underscores and one capital a word";

impl Check<'_> {
    /// Checks the messages and enums of one package; the names they take.
    pub(super) fn types(&mut self, files: &[&FileDescriptor], types: &Types) -> Namespace {
        let mut scope = Namespace::default();
        for file in files {
            for message in file
                .messages()
                .filter(|message| !types.is_extern(message.full_name()))
            {
                self.message(&message, &mut scope);
            }
            for enumeration in file
                .enums()
                .filter(|enumeration| !types.is_extern(enumeration.full_name()))
            {
                self.enumeration(&enumeration, &mut scope);
            }
        }
        scope
    }

    fn message(&mut self, message: &MessageDescriptor, scope: &mut Namespace) {
        let spot = spot(&message.parent_file(), message.path());
        let name = names::camel(message.name());
        if name.is_empty() {
            return self.nameless("message", message.name(), &spot);
        }
        scope.take(
            &name,
            &format!("message `{}`", message.name()),
            &spot,
            RENAME,
            self,
        );
        self.fields(message);
        let mut inner = Namespace::default();
        for nested in message
            .child_messages()
            .filter(|nested| !nested.is_map_entry())
        {
            self.message(&nested, &mut inner);
        }
        for enumeration in message.child_enums() {
            self.enumeration(&enumeration, &mut inner);
        }
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            self.oneof(message, &oneof, &mut inner);
        }
        let module = names::snake(message.name());
        if !inner.taken.is_empty() && PRIMITIVES.contains(&module.as_str()) {
            let text = format!(
                "the types inside message `{}` would be in a module `{module}`",
                message.name()
            );
            let help = format!(
                "it would hide Rust's type `{module}`: rename the message, or move its types out"
            );
            self.report(&spot, text, help);
        }
    }

    fn oneof(
        &mut self,
        message: &MessageDescriptor,
        oneof: &OneofDescriptor,
        scope: &mut Namespace,
    ) {
        let spot = spot(&message.parent_file(), oneof.path());
        let mut name = names::camel(oneof.name());
        if name.is_empty() {
            return self.nameless("oneof", oneof.name(), &spot);
        }
        // prost-build's own way out when a nested type has the name.
        let nested = message
            .child_messages()
            .map(|nested| names::camel(nested.name()));
        let mut nested = nested.chain(
            message
                .child_enums()
                .map(|nested| names::camel(nested.name())),
        );
        if nested.any(|nested| nested == name) {
            name.push_str("OneOf");
        }
        scope.take(
            &name,
            &format!("oneof `{}`", oneof.name()),
            &spot,
            RENAME,
            self,
        );
        self.variants(&oneof.clone());
    }

    fn enumeration(&mut self, enumeration: &EnumDescriptor, scope: &mut Namespace) {
        let spot = spot(&enumeration.parent_file(), enumeration.path());
        let name = names::camel(enumeration.name());
        if name.is_empty() {
            return self.nameless("enum", enumeration.name(), &spot);
        }
        scope.take(
            &name,
            &format!("enum `{}`", enumeration.name()),
            &spot,
            RENAME,
            self,
        );
        self.values(enumeration);
    }

    pub(super) fn nameless(&mut self, kind: &str, name: &str, spot: &crate::model::Spot) {
        let message = format!("{kind} `{name}` has no letter or digit to make a Rust name of");
        self.report(spot, message, "rename it");
    }
}
