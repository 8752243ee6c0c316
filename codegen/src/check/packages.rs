//! Packages: each is a module, beside the modules of the messages around it.

use super::{Check, spot, types::PRIMITIVES};
use crate::{
    model::{Package, Spot},
    names,
};
use prost_reflect::FileDescriptor;
use std::collections::HashMap;

/// The field number of `package` in a file.
const PACKAGE: i32 = 2;

impl Check<'_> {
    pub(super) fn packages(&mut self, packages: &[Package], files: &[FileDescriptor]) {
        let mut modules: HashMap<Vec<String>, &Package> = HashMap::new();
        for package in packages {
            if let Some(first) = modules.insert(names::modules(&package.name), package) {
                let module = names::modules(&package.name).join("::");
                let message = format!(
                    "packages `{}` and `{}` would both be `{module}` in Rust",
                    first.name, package.name
                );
                self.report(
                    &declaration(package),
                    message,
                    "give them names that differ in more than case",
                );
            }
            let last = names::modules(&package.name).pop().unwrap_or_default();
            if PRIMITIVES.contains(&last.as_str()) {
                let message = format!("package `{}` would be a module `{last}`", package.name);
                let help = format!("it would hide Rust's type `{last}`: rename the package");
                self.report(&declaration(package), message, help);
            }
        }
        for file in files {
            for message in file.messages() {
                let mut path = names::modules(file.package_name());
                path.push(names::snake(message.name()));
                let has_module = message
                    .child_messages()
                    .any(|nested| !nested.is_map_entry())
                    || message.child_enums().len() > 0
                    || message.oneofs().any(|oneof| !oneof.is_synthetic());
                let clash = packages
                    .iter()
                    .find(|package| names::modules(&package.name).starts_with(&path));
                if let Some(package) = clash.filter(|_| has_module) {
                    let module = path.join("::");
                    let text = format!(
                        "the types inside message `{}` and package `{}` would both be in `{module}` in Rust",
                        message.name(),
                        package.name
                    );
                    let help = "rename the message or the package, or move the inner types out of the message";
                    self.report(&spot(file, message.path()), text, help);
                }
            }
        }
    }
}

fn declaration(package: &Package) -> Spot {
    Spot {
        file: package.sources.first().cloned().unwrap_or_default(),
        path: vec![PACKAGE],
    }
}
