//! Skeletons: what stands in for a file that cannot be linked, so that those that import it can still be
//! checked. It has the names of its types and nothing in them.

use prost_reflect::DescriptorPool;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FileDescriptorProto,
};

/// The skeleton of a file; none if the file declares options, of which a bare name would not do.
pub(crate) fn of(file: &FileDescriptorProto, pool: &DescriptorPool) -> Option<FileDescriptorProto> {
    if !file.extension.is_empty() || file.message_type.iter().any(declares_options) {
        return None;
    }
    let linked = |name: &&String| pool.get_file_by_name(name).is_some();
    let dependency: Vec<_> = file.dependency.iter().filter(linked).cloned().collect();
    let public = file.public_dependency.iter().filter_map(|index| {
        let name = file.dependency.get(usize::try_from(*index).ok()?)?;
        i32::try_from(dependency.iter().position(|kept| kept == name)?).ok()
    });
    Some(FileDescriptorProto {
        name: file.name.clone(),
        package: file.package.clone(),
        public_dependency: public.collect(),
        dependency,
        message_type: file.message_type.iter().map(message).collect(),
        enum_type: file.enum_type.iter().map(enumeration).collect(),
        syntax: file.syntax.clone(),
        ..FileDescriptorProto::default()
    })
}

fn declares_options(message: &DescriptorProto) -> bool {
    !message.extension.is_empty() || message.nested_type.iter().any(declares_options)
}

fn message(message: &DescriptorProto) -> DescriptorProto {
    let is_entry = |nested: &&DescriptorProto| {
        nested
            .options
            .as_ref()
            .is_some_and(|options| options.map_entry())
    };
    DescriptorProto {
        name: message.name.clone(),
        nested_type: message
            .nested_type
            .iter()
            .filter(|nested| !is_entry(nested))
            .map(self::message)
            .collect(),
        enum_type: message.enum_type.iter().map(enumeration).collect(),
        ..DescriptorProto::default()
    }
}

/// An enum must have a value; the names of values share the scope around the enum.
fn enumeration(enumeration: &EnumDescriptorProto) -> EnumDescriptorProto {
    let value = EnumValueDescriptorProto {
        name: Some(format!("{}_SKELETON", enumeration.name())),
        number: Some(0),
        ..EnumValueDescriptorProto::default()
    };
    EnumDescriptorProto {
        name: enumeration.name.clone(),
        value: vec![value],
        ..EnumDescriptorProto::default()
    }
}
