//! `Placeholders`: what stands in for docs while prost-build holds the pen.
//!
//! prost-build rewrites the comments it is given. It is given `@7@` instead, which it leaves alone, and
//! the docs come back when its code is read, along with what else is to be known of the item.

use super::marks::{Mark, Marks};
use crate::docs::Docs;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, SourceCodeInfo,
    source_code_info::Location,
};

/// What a placeholder stands for.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) docs: Vec<String>,
    pub(crate) mark: Mark,
}

#[derive(Default)]
pub(crate) struct Placeholders {
    held: Vec<Held>,
    marks: Marks,
}

impl Placeholders {
    pub(crate) fn new(marks: Marks) -> Self {
        Self {
            held: Vec::new(),
            marks,
        }
    }

    /// The source info to give to prost-build: a location for everything it looks up.
    pub(crate) fn replace(&mut self, file: &FileDescriptorProto) -> SourceCodeInfo {
        let docs = Docs::of(file);
        let mut parts = Parts::default();
        for (index, message) in file.message_type.iter().enumerate() {
            parts.message(message, child(&[], 4, index), file.package());
        }
        for (index, enumeration) in file.enum_type.iter().enumerate() {
            parts.enumeration(enumeration, child(&[], 5, index), file.package());
        }
        let locations = parts.found.into_iter().map(|(path, full_name)| {
            let docs = docs.at(&path);
            let mark = full_name
                .map(|name| self.marks.of(&name))
                .unwrap_or_default();
            let leading_comments = (mark != Mark::default() || !docs.is_empty())
                .then(|| self.hold(Held { docs, mark }));
            Location {
                path,
                leading_comments,
                ..Location::default()
            }
        });
        SourceCodeInfo {
            location: locations.collect(),
        }
    }

    fn hold(&mut self, held: Held) -> String {
        self.held.push(held);
        format!("@{}@", self.held.len() - 1)
    }

    /// What a line of prost-build's stands for.
    pub(crate) fn find(&self, line: &str) -> Option<&Held> {
        let index: usize = line
            .trim()
            .strip_prefix('@')?
            .strip_suffix('@')?
            .parse()
            .ok()?;
        self.held.get(index)
    }
}

/// The paths of everything prost-build looks up, types with their full names.
#[derive(Default)]
struct Parts {
    found: Vec<(Vec<i32>, Option<String>)>,
}

impl Parts {
    fn message(&mut self, message: &DescriptorProto, path: Vec<i32>, scope: &str) {
        let full_name = join(scope, message.name());
        for (index, nested) in message.nested_type.iter().enumerate() {
            self.message(nested, child(&path, 3, index), &full_name);
        }
        for (index, enumeration) in message.enum_type.iter().enumerate() {
            self.enumeration(enumeration, child(&path, 4, index), &full_name);
        }
        self.members(&path, 2, message.field.len());
        self.members(&path, 8, message.oneof_decl.len());
        self.found.push((path, Some(full_name)));
    }

    fn enumeration(&mut self, enumeration: &EnumDescriptorProto, path: Vec<i32>, scope: &str) {
        self.members(&path, 2, enumeration.value.len());
        self.found
            .push((path, Some(join(scope, enumeration.name()))));
    }

    fn members(&mut self, path: &[i32], field: i32, count: usize) {
        self.found
            .extend((0..count).map(|index| (child(path, field, index), None)));
    }
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() {
        name.to_owned()
    } else {
        format!("{scope}.{name}")
    }
}

fn child(path: &[i32], field: i32, index: usize) -> Vec<i32> {
    let index = i32::try_from(index).unwrap_or(i32::MAX);
    path.iter().copied().chain([field, index]).collect()
}
