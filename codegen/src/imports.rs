//! Imports: what a file sees through chains of `import public`.
//!
//! The linker follows one link of such a chain and no more. What lies further down is given to it as an
//! import of the file's own, which changes no name's meaning.

use prost::Message;
use prost_reflect::{DescriptorPool, FileDescriptor};
use std::collections::HashSet;

/// `FileDescriptorProto`, with all left out but the imports.
#[derive(Clone, PartialEq, Message)]
struct Imports {
    #[prost(string, repeated, tag = "3")]
    dependency: Vec<String>,
}

/// The encoded file with the imports it needs added: fields appended to a list join it.
pub(crate) fn complete(pool: &DescriptorPool, mut file: Vec<u8>) -> Vec<u8> {
    let Ok(Imports { dependency }) = Imports::decode(file.as_slice()) else {
        return file;
    };
    let dependency = further(pool, &dependency);
    file.extend(Imports { dependency }.encode_to_vec());
    file
}

/// The files that these imports make visible by more than one link, sorted.
pub(crate) fn further(pool: &DescriptorPool, imports: &[String]) -> Vec<String> {
    let seen: Vec<_> = imports
        .iter()
        .filter_map(|name| pool.get_file_by_name(name))
        .collect();
    let mut near: HashSet<_> = imports.iter().cloned().collect();
    let mut queue: Vec<_> = seen
        .iter()
        .flat_map(FileDescriptor::public_dependencies)
        .collect();
    near.extend(queue.iter().map(|file| file.name().to_owned()));
    let mut far = Vec::new();
    while let Some(file) = queue.pop() {
        for next in file.public_dependencies() {
            if near.insert(next.name().to_owned()) {
                far.push(next.name().to_owned());
                queue.push(next);
            }
        }
    }
    far.sort();
    far
}
