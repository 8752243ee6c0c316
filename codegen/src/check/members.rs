//! Members: no two fields, variants or accessors of one type may have one Rust name.

use super::{Check, Namespace, spot};
use crate::names;
use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor,
};
use std::collections::HashSet;

const FIELDS: &str = "rename one: Rust fields are in snake_case";
const VARIANTS: &str =
    "rename one: Rust variants have no underscores, and lose the name of their enum";

impl Check<'_> {
    pub(super) fn fields(&mut self, message: &MessageDescriptor) {
        let (mut scope, mut accessors) = (Namespace::default(), Namespace::default());
        let file = message.parent_file();
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let spot = spot(&file, oneof.path());
            let what = format!("oneof `{}`", oneof.name());
            scope.take(&names::snake(oneof.name()), &what, &spot, FIELDS, self);
        }
        let reserved: HashSet<_> = message.reserved_names().map(str::to_owned).collect();
        for field in message.fields() {
            if reserved.contains(field.name()) {
                let text = format!("field name `{}` is reserved", field.name());
                let help = "take another name: reserved ones belonged to what was removed";
                self.report(&spot(&file, field.path()), text, help);
            }
            let in_oneof = field
                .containing_oneof()
                .is_some_and(|oneof| !oneof.is_synthetic());
            let (name, spot) = (names::snake(field.name()), spot(&file, field.path()));
            if name.is_empty() {
                self.nameless("field", field.name(), &spot);
            } else if !in_oneof {
                let what = format!("field `{}`", field.name());
                scope.take(&name, &what, &spot, FIELDS, self);
                for accessor in accessors_of(&field, names::plain(&name)) {
                    let what = format!("an accessor of field `{}`", field.name());
                    accessors.take(&accessor, &what, &spot, "rename one of the fields", self);
                }
            }
        }
    }

    pub(super) fn variants(&mut self, oneof: &OneofDescriptor) {
        let mut scope = Namespace::default();
        let file = oneof.parent_message().parent_file();
        for field in oneof.fields() {
            let spot = spot(&file, field.path());
            let what = format!("field `{}`", field.name());
            scope.take(&names::camel(field.name()), &what, &spot, VARIANTS, self);
        }
    }

    pub(super) fn values(&mut self, enumeration: &EnumDescriptor) {
        let mut scope = Namespace::default();
        let file = enumeration.parent_file();
        let mut numbers = HashSet::new();
        // Of several names for one number, only the first becomes a variant.
        for value in enumeration
            .values()
            .filter(|value| numbers.insert(value.number()))
        {
            let (name, spot) = (
                names::variant(enumeration.name(), value.name()),
                spot(&file, value.path()),
            );
            if name.is_empty() {
                self.nameless("value", value.name(), &spot);
            } else {
                scope.take(
                    &name,
                    &format!("value `{}`", value.name()),
                    &spot,
                    VARIANTS,
                    self,
                );
            }
        }
    }
}

/// The functions that prost derives for a field.
fn accessors_of(field: &FieldDescriptor, name: &str) -> Vec<String> {
    let enumeration = matches!(field.kind(), Kind::Enum(_));
    let scalar = !matches!(field.kind(), Kind::Message(_));
    let declared = field.field_descriptor_proto();
    let proto2 = field.parent_file().syntax() == prost_reflect::Syntax::Proto2;
    let optional =
        declared.proto3_optional() || (proto2 && field.cardinality() == Cardinality::Optional);
    if field.is_map() {
        let Kind::Message(entry) = field.kind() else {
            return Vec::new();
        };
        let enumeration = matches!(entry.map_entry_value_field().kind(), Kind::Enum(_));
        return if enumeration {
            vec![format!("get_{name}"), format!("insert_{name}")]
        } else {
            Vec::new()
        };
    }
    match (enumeration, field.is_list()) {
        (true, true) => vec![name.to_owned(), format!("push_{name}")],
        (true, false) => vec![name.to_owned(), format!("set_{name}")],
        (false, false) if scalar && optional => vec![name.to_owned()],
        (false, _) => Vec::new(),
    }
}
