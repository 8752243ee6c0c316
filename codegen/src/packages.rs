//! `_packages.rs`: the modules of all packages, nested as the packages are, so that one package finds
//! the types of another.

use crate::{names, write::MARK};
use std::{collections::BTreeMap, fmt::Write as _};

/// The file that includes each of these packages.
pub(crate) fn file(packages: &[&str]) -> String {
    let mut root = Module::default();
    for package in packages {
        let module = names::modules(package)
            .into_iter()
            .fold(&mut root, |module, name| {
                module.children.entry(name).or_default()
            });
        module.package = Some((*package).to_owned());
    }
    let mut out = format!("{MARK}. Do not edit.\n");
    root.write("", 0, &mut out);
    out
}

#[derive(Default)]
struct Module {
    package: Option<String>,
    children: BTreeMap<String, Module>,
}

impl Module {
    fn write(&self, parent: &str, depth: usize, out: &mut String) {
        let indent = "    ".repeat(depth);
        if let Some(package) = &self.package {
            let gap = if depth == 0 { "\n" } else { "" };
            let _ = writeln!(
                out,
                "{gap}{indent}include!(\"{}.rs\");",
                names::file_stem(package)
            );
        }
        for (index, (name, module)) in self.children.iter().enumerate() {
            if index > 0 || self.package.is_some() || depth == 0 {
                out.push('\n');
            }
            if let Some(package) = &module.package {
                let _ = writeln!(out, "{indent}/// The package `{package}`.");
            } else {
                let _ = writeln!(out, "{indent}/// Packages below `{}`.", names::plain(name));
            }
            // The module around this one, the user's perhaps, may have the same name.
            if depth == 0 || parent == name {
                let _ = writeln!(out, "{indent}#[allow(clippy::module_inception)]");
            }
            let _ = writeln!(out, "{indent}pub mod {name} {{");
            module.write(name, depth + 1, out);
            let _ = writeln!(out, "{indent}}}");
        }
    }
}
