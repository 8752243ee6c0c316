//! Lowering: descriptors become the model.

use crate::{
    docs::Docs,
    model::{Extension, Idempotency, Method, MethodKind, Package, Service, Spot},
    names, options, policy,
    pool::Loaded,
    resolve::Types,
};
use prost_reflect::{
    Cardinality, ExtensionDescriptor, FileDescriptor, Kind, MethodDescriptor, ServiceDescriptor,
};
use prost_types::method_options::IdempotencyLevel;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The packages to generate, by name, each with its files in the order of their names.
pub(crate) fn packages(loaded: &Loaded, types: &Types) -> Vec<Package> {
    let files: Vec<_> = loaded
        .generated
        .iter()
        .filter_map(|name| loaded.pool.get_file_by_name(name))
        .collect();
    let taken = taken_names(&files);
    let mut packages = BTreeMap::new();
    for file in &files {
        let name = file.package_name();
        if types.is_extern_package(name) {
            continue;
        }
        let package: &mut Package = packages.entry(name.to_owned()).or_insert_with(|| Package {
            name: name.to_owned(),
            sources: Vec::new(),
            services: Vec::new(),
            extensions: Vec::new(),
        });
        let lower = Lower {
            file,
            types,
            taken: &taken,
            docs: Docs::of(file.file_descriptor_proto()),
        };
        let options = options::Options::of(file);
        package.sources.push(file.name().to_owned());
        package.services.extend(
            file.services()
                .map(|service| lower.service(&service, &options)),
        );
        if !types.is_runtime_file(file.name()) {
            package.extensions.extend(lower.extensions());
        }
    }
    packages.into_values().collect()
}

/// The Rust names of the messages and enums of each package.
fn taken_names(files: &[FileDescriptor]) -> HashMap<String, BTreeSet<String>> {
    let mut taken: HashMap<_, BTreeSet<_>> = HashMap::new();
    for file in files {
        let names = taken.entry(file.package_name().to_owned()).or_default();
        names.extend(file.messages().map(|message| names::camel(message.name())));
        names.extend(
            file.enums()
                .map(|enumeration| names::camel(enumeration.name())),
        );
    }
    taken
}

struct Lower<'a> {
    file: &'a FileDescriptor,
    types: &'a Types,
    taken: &'a HashMap<String, BTreeSet<String>>,
    docs: Docs<'a>,
}

impl Lower<'_> {
    fn service(&self, service: &ServiceDescriptor, options: &options::Options) -> Service {
        let package = service.package_name();
        let name = self.service_name(package, &names::camel(service.name()));
        let position = service
            .path()
            .last()
            .and_then(|index| usize::try_from(*index).ok())
            .unwrap_or_default();
        let service_options = options.service(position);
        let methods = service.methods().enumerate().map(|(index, method)| {
            let method_options = options.method(position, index);
            self.method(&name, &method, method_options, service_options.clone())
        });
        Service {
            docs: self.docs(service.path()),
            client: format!("{}Client", name.trim_end_matches('_')),
            server: names::snake(&format!("{name}Server")),
            proto_name: service.name().to_owned(),
            package: package.to_owned(),
            deprecated: service
                .service_descriptor_proto()
                .options
                .as_ref()
                .is_some_and(|options| options.deprecated()),
            methods: methods.collect(),
            place: self.spot(service.path()),
            name,
        }
    }

    /// A message that has the name already keeps it: the service's gets `Service` appended.
    fn service_name(&self, package: &str, name: &str) -> String {
        let taken = |name: &str| {
            self.taken
                .get(package)
                .is_some_and(|taken| taken.contains(name))
        };
        if taken(name) || taken(&format!("{name}Client")) {
            format!("{name}Service")
        } else {
            name.to_owned()
        }
    }

    fn method(
        &self,
        service: &str,
        method: &MethodDescriptor,
        options: Vec<u8>,
        service_options: Vec<u8>,
    ) -> Method {
        let declared = method.method_descriptor_proto().options.as_ref();
        let package = method.parent_service().package_name();
        Method {
            docs: self.docs(method.path()),
            name: names::method(method.name()),
            constant: names::shouty(&[service, method.name()]),
            proto_name: method.name().to_owned(),
            path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
            kind: match (method.is_client_streaming(), method.is_server_streaming()) {
                (false, false) => MethodKind::Unary,
                (false, true) => MethodKind::ServerStreaming,
                (true, false) => MethodKind::ClientStreaming,
                (true, true) => MethodKind::BidiStreaming,
            },
            input: self.types.path(package, method.input().full_name()),
            output: self.types.path(package, method.output().full_name()),
            idempotency: match declared.map(|options| options.idempotency_level()) {
                Some(IdempotencyLevel::Idempotent) => Idempotency::Idempotent,
                Some(IdempotencyLevel::NoSideEffects) => Idempotency::NoSideEffects,
                Some(IdempotencyLevel::IdempotencyUnknown) | None => Idempotency::Unknown,
            },
            deprecated: declared.is_some_and(|options| options.deprecated()),
            hash_path: policy::of_method(method, &options, &service_options),
            options,
            service_options,
            place: self.spot(method.path()),
        }
    }

    /// The options for methods and services that this file declares, wherever in it.
    fn extensions(&self) -> Vec<Extension> {
        let extensions = self.file.parent_pool().all_extensions();
        let here = extensions.filter(|extension| extension.parent_file() == *self.file);
        here.filter_map(|extension| self.extension(&extension))
            .collect()
    }

    fn extension(&self, extension: &ExtensionDescriptor) -> Option<Extension> {
        let extendee = extension.containing_message();
        let targets = [
            "google.protobuf.MethodOptions",
            "google.protobuf.ServiceOptions",
        ];
        if !targets.contains(&extendee.full_name()) || extension.is_group() {
            return None;
        }
        let (constructor, ty) = self.value(extension);
        let scope = extension
            .parent_message()
            .map(|message| message.full_name().to_owned());
        let scope = scope
            .as_deref()
            .and_then(|scope| scope.strip_prefix(extension.package_name()));
        let mut parts: Vec<_> = scope
            .unwrap_or_default()
            .split('.')
            .filter(|part| !part.is_empty())
            .collect();
        parts.push(extension.name());
        let proto = extension.field_descriptor_proto();
        debug_assert!(
            extension.cardinality() != Cardinality::Required,
            "the parser refuses required extensions"
        );
        Some(Extension {
            docs: self.docs(extension.path()),
            constant: names::shouty(&parts),
            constructor,
            ty,
            number: extension.number(),
            deprecated: proto
                .options
                .as_ref()
                .is_some_and(|options| options.deprecated()),
            place: self.spot(extension.path()),
        })
    }

    fn value(&self, extension: &ExtensionDescriptor) -> (&'static str, String) {
        let prost = self.types.prost();
        let (constructor, ty) = match extension.kind() {
            Kind::Double => ("double", "f64"),
            Kind::Float => ("float", "f32"),
            Kind::Int32 => ("int32", "i32"),
            Kind::Int64 => ("int64", "i64"),
            Kind::Uint32 => ("uint32", "u32"),
            Kind::Uint64 => ("uint64", "u64"),
            Kind::Sint32 => ("sint32", "i32"),
            Kind::Sint64 => ("sint64", "i64"),
            Kind::Fixed32 => ("fixed32", "u32"),
            Kind::Fixed64 => ("fixed64", "u64"),
            Kind::Sfixed32 => ("sfixed32", "i32"),
            Kind::Sfixed64 => ("sfixed64", "i64"),
            Kind::Bool => ("bool", "bool"),
            Kind::Enum(_) => ("enumeration", "i32"),
            Kind::String => return ("string", format!("{prost}::alloc::string::String")),
            Kind::Bytes => return ("bytes", format!("{prost}::alloc::vec::Vec<u8>")),
            Kind::Message(message) => {
                return (
                    "message",
                    self.types
                        .path(extension.package_name(), message.full_name()),
                );
            }
        };
        (constructor, ty.to_owned())
    }

    fn docs(&self, path: &[i32]) -> Vec<String> {
        self.docs.at(path)
    }

    fn spot(&self, path: &[i32]) -> Spot {
        Spot {
            file: self.file.name().to_owned(),
            path: path.to_vec(),
        }
    }
}
