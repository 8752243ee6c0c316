//! Files and symbols, by name.

use prost_reflect::{DescriptorError, DescriptorPool, FileDescriptor};
use std::collections::{BTreeSet, HashSet};

/// Everything reflection can tell.
pub(super) struct Catalog {
    pool: DescriptorPool,
    services: BTreeSet<String>,
}

/// What is asked for.
pub(super) enum Query {
    File(String),
    Symbol(String),
    Extension(String, i32),
    ExtensionNumbers(String),
    Services,
}

/// What is told.
pub(super) enum Answer {
    Files(Vec<Vec<u8>>),
    ExtensionNumbers(String, Vec<i32>),
    Services(Vec<String>),
    NotFound(String),
}

impl Catalog {
    pub(super) fn new(
        descriptors: &[u8],
        mut services: BTreeSet<String>,
    ) -> Result<Self, DescriptorError> {
        let mut pool = DescriptorPool::decode(descriptors)?;
        for version in ["v1", "v1alpha"] {
            services.insert(format!("grpc.reflection.{version}.ServerReflection"));
        }
        // Our own services can be described without being in the user's set.
        let ours = DescriptorPool::decode(crate::include_descriptors!())?;
        for file in ours.files() {
            // What cannot be added is in the user's set already, under whatever file name.
            let _ = pool.add_file_descriptor_proto(file.file_descriptor_proto().clone());
        }
        Ok(Self { pool, services })
    }

    pub(super) fn services(&self) -> &BTreeSet<String> {
        &self.services
    }

    /// Answers one query. Files in `sent` are not repeated: a stream names
    /// each once.
    pub(super) fn answer(&self, query: &Query, sent: &mut HashSet<String>) -> Answer {
        match query {
            Query::Services => Answer::Services(self.services.iter().cloned().collect()),
            Query::ExtensionNumbers(message) => self.extension_numbers(message),
            Query::File(name) => self.files(self.pool.get_file_by_name(name), sent, || {
                format!("no file `{name}` is known")
            }),
            Query::Symbol(name) => self.files(self.file_of(name), sent, || {
                format!("no symbol `{name}` is known")
            }),
            Query::Extension(message, number) => {
                self.files(self.file_of_extension(message, *number), sent, || {
                    format!("no extension {number} of `{message}` is known")
                })
            }
        }
    }

    /// A file and all it imports, those first that others need.
    fn files(
        &self,
        file: Option<FileDescriptor>,
        sent: &mut HashSet<String>,
        why_not: impl Fn() -> String,
    ) -> Answer {
        let Some(file) = file else {
            return Answer::NotFound(why_not());
        };
        let mut found = vec![file.encode_to_vec()];
        sent.insert(file.name().to_owned());
        let mut waiting: Vec<_> = file.dependencies().collect();
        while let Some(file) = waiting.pop() {
            if sent.insert(file.name().to_owned()) {
                found.push(file.encode_to_vec());
                waiting.extend(file.dependencies());
            }
        }
        Answer::Files(found)
    }

    fn file_of(&self, symbol: &str) -> Option<FileDescriptor> {
        let pool = &self.pool;
        let top = |name: &str| {
            let message = pool
                .get_message_by_name(name)
                .map(|found| found.parent_file());
            message
                .or_else(|| pool.get_enum_by_name(name).map(|found| found.parent_file()))
                .or_else(|| Some(pool.get_service_by_name(name)?.parent_file()))
                .or_else(|| Some(pool.get_extension_by_name(name)?.parent_file()))
        };
        top(symbol).or_else(|| {
            let (parent, name) = symbol.rsplit_once('.')?;
            self.holds(parent, name)
                .then(|| top(parent))
                .flatten()
                // The values of an enum are siblings of it.
                .or_else(|| self.file_of_value(symbol))
        })
    }

    /// Whether a service has such a method, or a message such a field or oneof.
    fn holds(&self, parent: &str, name: &str) -> bool {
        let service = self.pool.get_service_by_name(parent);
        let message = self.pool.get_message_by_name(parent);
        service.is_some_and(|service| service.methods().any(|method| method.name() == name))
            || message.is_some_and(|message| {
                message.get_field_by_name(name).is_some()
                    || message.oneofs().any(|oneof| oneof.name() == name)
            })
    }

    fn file_of_value(&self, symbol: &str) -> Option<FileDescriptor> {
        self.pool
            .all_enums()
            .find(|each| each.values().any(|value| value.full_name() == symbol))
            .map(|found| found.parent_file())
    }

    fn file_of_extension(&self, message: &str, number: i32) -> Option<FileDescriptor> {
        let message = self.pool.get_message_by_name(message)?;
        let number = u32::try_from(number).ok()?;
        Some(message.get_extension(number)?.parent_file())
    }

    fn extension_numbers(&self, message: &str) -> Answer {
        match self.pool.get_message_by_name(message) {
            Some(found) => {
                let numbers = found
                    .extensions()
                    .map(|extension| extension.number() as i32);
                Answer::ExtensionNumbers(message.to_owned(), numbers.collect())
            }
            None => Answer::NotFound(format!("no message `{message}` is known")),
        }
    }
}
