//! Checks: every rule that the generated code must keep, each with its own words when broken.

pub(crate) mod config;
mod members;
mod packages;
mod policy;
mod services;
mod types;

use crate::{
    diagnostic::{Diagnostic, Place},
    model::{Package, Spot},
    pool::{self, Loaded},
    resolve::Types,
};
use prost_reflect::FileDescriptor;
use std::collections::HashMap;

/// Every broken rule of every package.
pub(crate) fn all(packages: &[Package], loaded: &Loaded, types: &Types) -> Vec<Diagnostic> {
    let mut check = Check {
        loaded,
        problems: Vec::new(),
    };
    let files: Vec<_> = loaded
        .generated
        .iter()
        .filter_map(|name| loaded.pool.get_file_by_name(name))
        .collect();
    let files: Vec<_> = files
        .into_iter()
        .filter(|file| !types.is_extern_package(file.package_name()))
        .collect();
    check.packages(packages, &files);
    for package in packages {
        let files: Vec<_> = files
            .iter()
            .filter(|file| file.package_name() == package.name)
            .collect();
        let taken = check.types(&files, types);
        check.services(package, taken);
        check.policies(package);
    }
    check.problems
}

/// What the checks write into.
struct Check<'a> {
    loaded: &'a Loaded,
    problems: Vec<Diagnostic>,
}

impl Check<'_> {
    fn place(&self, spot: &Spot) -> Option<Place> {
        let file = self.loaded.pool.get_file_by_name(&spot.file)?;
        let text = self
            .loaded
            .texts
            .get(&spot.file)
            .cloned()
            .unwrap_or_default();
        Some(pool::place_of(
            file.file_descriptor_proto(),
            &text,
            &spot.path,
        ))
    }

    fn report(&mut self, spot: &Spot, message: String, help: impl Into<String>) {
        let place = self.place(spot);
        self.problems.push(Diagnostic {
            place,
            message,
            help: vec![help.into()],
        });
    }

    /// `protos/a.proto:3`, for a sentence that points elsewhere.
    fn line(&self, spot: &Spot) -> String {
        match self.place(spot) {
            Some(place) if place.line > 0 => format!("{}:{}", place.file, place.line),
            _ => spot.file.clone(),
        }
    }
}

/// The Rust names of one namespace, each with what it is and where it was declared.
#[derive(Default)]
struct Namespace {
    taken: HashMap<String, (String, Spot)>,
}

impl Namespace {
    /// Takes a name for `what`, or reports who has it already; whether it was free.
    fn take(
        &mut self,
        name: &str,
        what: &str,
        spot: &Spot,
        help: &str,
        check: &mut Check<'_>,
    ) -> bool {
        let Some((first, first_spot)) = self.taken.get(name) else {
            self.taken
                .insert(name.to_owned(), (what.to_owned(), spot.clone()));
            return true;
        };
        let line = check.line(first_spot);
        let message = format!("{what} and {first} would both be `{name}` in Rust");
        check.report(spot, message, format!("the first is at {line}\n{help}"));
        false
    }
}

/// The place of a descriptor whose name is at `path` of `file`.
fn spot(file: &FileDescriptor, path: &[i32]) -> Spot {
    let path = path.iter().copied().chain([NAME]).collect();
    Spot {
        file: file.name().to_owned(),
        path,
    }
}

/// The field number of `name` in every descriptor.
const NAME: i32 = 1;
