//! `Placeholders`: what stands in for docs while prost-build holds the pen.
//!
//! prost-build rewrites the comments it is given. It is given `@7@` instead, which it leaves alone, and
//! the docs come back when its code is read.

use crate::docs;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, SourceCodeInfo,
    source_code_info::Location,
};

#[derive(Default)]
pub(crate) struct Placeholders {
    docs: Vec<Vec<String>>,
}

impl Placeholders {
    /// The source info to give to prost-build: a location for everything it looks up.
    pub(crate) fn replace(&mut self, file: &FileDescriptorProto) -> SourceCodeInfo {
        let mut docs = docs::by_path(file);
        let mut paths = Vec::new();
        for (index, message) in file.message_type.iter().enumerate() {
            message_paths(message, child(&[], 4, index), &mut paths);
        }
        for (index, enumeration) in file.enum_type.iter().enumerate() {
            enum_paths(enumeration, child(&[], 5, index), &mut paths);
        }
        let locations = paths.into_iter().map(|path| {
            let leading_comments = docs.remove(path.as_slice()).map(|docs| self.hold(docs));
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

    fn hold(&mut self, docs: Vec<String>) -> String {
        self.docs.push(docs);
        format!("@{}@", self.docs.len() - 1)
    }

    /// The docs that a line of prost-build's stands for.
    pub(crate) fn find(&self, line: &str) -> Option<&[String]> {
        let index: usize = line
            .trim()
            .strip_prefix('@')?
            .strip_suffix('@')?
            .parse()
            .ok()?;
        self.docs.get(index).map(Vec::as_slice)
    }
}

fn message_paths(message: &DescriptorProto, path: Vec<i32>, paths: &mut Vec<Vec<i32>>) {
    paths.extend((0..message.field.len()).map(|index| child(&path, 2, index)));
    paths.extend((0..message.oneof_decl.len()).map(|index| child(&path, 8, index)));
    for (index, nested) in message.nested_type.iter().enumerate() {
        message_paths(nested, child(&path, 3, index), paths);
    }
    for (index, enumeration) in message.enum_type.iter().enumerate() {
        enum_paths(enumeration, child(&path, 4, index), paths);
    }
    paths.push(path);
}

fn enum_paths(enumeration: &EnumDescriptorProto, path: Vec<i32>, paths: &mut Vec<Vec<i32>>) {
    paths.extend((0..enumeration.value.len()).map(|index| child(&path, 2, index)));
    paths.push(path);
}

fn child(path: &[i32], field: i32, index: usize) -> Vec<i32> {
    let index = i32::try_from(index).unwrap_or(i32::MAX);
    path.iter().copied().chain([field, index]).collect()
}
