//! `Loaded`: every file read, parsed and linked, in one descriptor pool.

use crate::{
    bundled,
    diagnostic::{Diagnostic, Place},
    imports, near, parse, skeleton,
    source::{self, Sources},
};
use prost_reflect::{DescriptorError, DescriptorPool};
use prost_types::FileDescriptorProto;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The text of a file, for excerpts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    /// The path as the user wrote it.
    pub(crate) shown: Arc<str>,
    pub(crate) source: String,
}

/// What the rest of the pipeline reads.
pub(crate) struct Loaded {
    pub(crate) pool: DescriptorPool,
    /// By import name.
    pub(crate) texts: HashMap<String, Text>,
    /// The files to generate, sorted: those selected and those they import from the user's directories.
    pub(crate) generated: Vec<String>,
}

/// Reads the sources and everything they import. Each file is judged by itself: one that cannot be
/// parsed hides only the mistakes of those that import it.
pub(crate) fn load(sources: &mut Sources, google_in_place: bool) -> (Loaded, Vec<Diagnostic>) {
    let mut loader = Loader {
        sources,
        google_in_place,
        pool: DescriptorPool::new(),
        well_known: DescriptorPool::global(),
        nodes: HashMap::new(),
        names: BTreeMap::new(),
        stack: Vec::new(),
        generated: Vec::new(),
        problems: Vec::new(),
        unlinked: Vec::new(),
    };
    let selected: Vec<_> = loader.sources.selected.clone().into_iter().collect();
    for (name, path) in selected {
        loader
            .names
            .entry(source::canonical(&path))
            .or_insert_with(|| name.clone());
        loader.visit(&name);
    }
    if google_in_place {
        for bundled in bundled::ALL {
            loader.visit(bundled.name);
        }
    }
    let Loader {
        pool,
        nodes,
        mut generated,
        mut problems,
        unlinked,
        ..
    } = loader;
    for (error, descriptor) in &unlinked {
        let text = nodes.get(descriptor.name()).map(|node| &node.text);
        problems.extend(
            text.into_iter()
                .flat_map(|text| parse::links(error, text, descriptor, &pool)),
        );
    }
    generated.sort();
    let texts = nodes
        .into_iter()
        .map(|(name, node)| (name, node.text))
        .collect();
    (
        Loaded {
            pool,
            texts,
            generated,
        },
        problems,
    )
}

struct Loader<'a> {
    sources: &'a mut Sources,
    google_in_place: bool,
    pool: DescriptorPool,
    well_known: DescriptorPool,
    nodes: HashMap<String, Node>,
    /// The import name each file on disk was first read by.
    names: BTreeMap<PathBuf, String>,
    /// The files being linked now, each imported by the one before.
    stack: Vec<String>,
    generated: Vec<String>,
    problems: Vec<Diagnostic>,
    /// Told at the end, when every name there is can serve as a hint.
    unlinked: Vec<(DescriptorError, FileDescriptorProto)>,
}

struct Node {
    text: Text,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Linking,
    Linked,
    Broken,
}

enum Found {
    Disk(PathBuf),
    Bundled(&'static str),
    WellKnown(Box<FileDescriptorProto>),
}

impl Loader<'_> {
    /// Reads, parses and links a file after those it imports; whether others can be linked to it.
    fn visit(&mut self, name: &str) -> bool {
        if let Some(node) = self.nodes.get(name) {
            return node.state == State::Linked;
        }
        let Some(found) = self.find(name) else {
            return false;
        };
        let generated = match found {
            Found::Disk(_) => true,
            Found::Bundled(_) => self.google_in_place,
            Found::WellKnown(_) => false,
        };
        let (text, descriptor) = self.open(name, found);
        let node = Node {
            text,
            state: State::Linking,
        };
        self.nodes.insert(name.to_owned(), node);
        self.stack.push(name.to_owned());
        let mut usable = false;
        if let Some(descriptor) = descriptor {
            let whole = self.imports(&descriptor) && self.link(&descriptor);
            if whole && generated {
                self.generated.push(name.to_owned());
            }
            usable = whole || self.stand_in(&descriptor);
        }
        self.stack.pop();
        if let Some(node) = self.nodes.get_mut(name) {
            node.state = if usable { State::Linked } else { State::Broken };
        }
        usable
    }

    fn find(&self, name: &str) -> Option<Found> {
        if let Some(file) = self.well_known.get_file_by_name(name) {
            return Some(Found::WellKnown(Box::new(
                file.file_descriptor_proto().clone(),
            )));
        }
        if let Some(path) = self.sources.selected.get(name) {
            return Some(Found::Disk(path.clone()));
        }
        let mut candidates = self
            .sources
            .includes
            .iter()
            .map(|include| include.join(name));
        if let Some(path) = candidates.find(|path| path.is_file()) {
            return Some(Found::Disk(path));
        }
        bundled::find(name).map(|bundled| Found::Bundled(bundled.source))
    }

    fn open(&mut self, name: &str, found: Found) -> (Text, Option<FileDescriptorProto>) {
        let (shown, source) = match found {
            Found::WellKnown(descriptor) => return (Text::default(), Some(*descriptor)),
            Found::Bundled(source) => (name.to_owned(), source.as_bytes().to_owned()),
            Found::Disk(path) => {
                let shown = path.display().to_string();
                self.sources.watched.insert(path.clone());
                match fs::read(&path) {
                    Ok(bytes) => (shown, bytes),
                    Err(error) => {
                        let place = Place::file(&shown.clone().into());
                        let message = format!("cannot read the file: {error}");
                        self.problems.push(
                            Diagnostic::at(place, message)
                                .help("check that it exists and is yours to read"),
                        );
                        return (
                            Text {
                                shown: shown.into(),
                                source: String::new(),
                            },
                            None,
                        );
                    }
                }
            }
        };
        let shown: Arc<str> = shown.into();
        let source = match String::from_utf8(source) {
            Ok(source) => source,
            Err(error) => {
                self.problems.push(parse::not_utf8(&shown, &error));
                return (
                    Text {
                        shown,
                        source: String::new(),
                    },
                    None,
                );
            }
        };
        let source = source
            .strip_prefix('\u{feff}')
            .map(str::to_owned)
            .unwrap_or(source);
        let text = Text { shown, source };
        match protox_parse::parse(name, &text.source) {
            Ok(descriptor) => (text, Some(descriptor)),
            Err(error) => {
                self.problems.extend(parse::syntax(&error, &text));
                (text, None)
            }
        }
    }

    /// Links what the file imports; whether all of it is there.
    fn imports(&mut self, file: &FileDescriptorProto) -> bool {
        let mut fine = true;
        let mut seen = HashSet::new();
        for (index, import) in file.dependency.iter().enumerate() {
            let problem = if !seen.insert(import) {
                Some((
                    format!("`{import}` is imported twice"),
                    vec!["delete one of the two".to_owned()],
                ))
            } else if let Some(start) = self.stack.iter().position(|name| name == import) {
                Some(cycle(&self.stack[start..], import))
            } else {
                match self.find(import) {
                    None => Some(self.missing(import)),
                    Some(Found::Disk(path)) => self.second_name(import, &path),
                    Some(_) => None,
                }
            };
            match problem {
                Some((message, help)) => {
                    fine = false;
                    let place = self.import_place(file, index);
                    self.problems.push(Diagnostic {
                        place: Some(place),
                        message,
                        help,
                    });
                }
                None => fine &= self.visit(import),
            }
        }
        fine
    }

    /// A file under two names would define everything twice.
    fn second_name(&mut self, import: &str, path: &Path) -> Option<(String, Vec<String>)> {
        let first = self
            .names
            .entry(source::canonical(path))
            .or_insert_with(|| import.to_owned());
        (first != import).then(|| {
            let message = format!("`{import}` is the same file as `{first}`");
            let help = format!(
                "import it as `{first}` everywhere, or drop one of the include directories"
            );
            (message, vec![help])
        })
    }

    fn missing(&self, import: &str) -> (String, Vec<String>) {
        let tried = source::list(&self.sources.includes);
        let mut help: Vec<_> = near::hint(import, self.importable()).into_iter().collect();
        help.push(format!(
            "looked in {tried}, and among the files that come with cordial"
        ));
        help.push(
            "an import starts below one of these directories; add another with `.include(…)`"
                .to_owned(),
        );
        (format!("`{import}` is not found"), help)
    }

    fn importable(&self) -> impl Iterator<Item = &str> {
        let selected = self.sources.selected.keys().map(String::as_str);
        let bundled = bundled::ALL.iter().map(|bundled| bundled.name);
        selected.chain(bundled).chain(WELL_KNOWN)
    }

    fn import_place(&self, file: &FileDescriptorProto, index: usize) -> Place {
        let text = self
            .nodes
            .get(file.name())
            .map(|node| node.text.clone())
            .unwrap_or_default();
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        place_of(file, &text, &[3, index])
    }

    fn link(&mut self, descriptor: &FileDescriptorProto) -> bool {
        let mut whole = descriptor.clone();
        let further = imports::further(&self.pool, &whole.dependency);
        whole.dependency.extend(further);
        match self.pool.add_file_descriptor_proto(whole) {
            Ok(()) => true,
            Err(error) => {
                let source = self
                    .nodes
                    .get(descriptor.name())
                    .map(|node| node.text.source.as_str());
                let error = error.with_source_code(source.unwrap_or_default());
                self.unlinked.push((error, descriptor.clone()));
                false
            }
        }
    }

    /// Links the skeleton of a broken file, so that the mistakes of those that import it show as well.
    fn stand_in(&mut self, descriptor: &FileDescriptorProto) -> bool {
        let skeleton = skeleton::of(descriptor, &self.pool);
        skeleton.is_some_and(|skeleton| self.pool.add_file_descriptor_proto(skeleton).is_ok())
    }
}

/// Where a part of a file is declared; the part around it when its own place is not known.
pub(crate) fn place_of(file: &FileDescriptorProto, text: &Text, path: &[i32]) -> Place {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    let found = locations
        .filter(|location| path.starts_with(&location.path))
        .max_by_key(|location| location.path.len());
    let shown = if text.shown.is_empty() {
        file.name().into()
    } else {
        text.shown.clone()
    };
    match found.map(|location| location.span.as_slice()) {
        Some(&[line, start, end]) => {
            Place::columns(&shown, &text.source, index(line), index(start), index(end))
        }
        Some(&[line, start, ..]) => {
            Place::columns(&shown, &text.source, index(line), index(start), usize::MAX)
        }
        _ => Place::file(&shown),
    }
}

fn index(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn cycle(stack: &[String], import: &str) -> (String, Vec<String>) {
    let chain: Vec<_> = stack.iter().map(String::as_str).chain([import]).collect();
    let message = match chain.len() {
        2 => format!("`{import}` imports itself"),
        _ => format!("these files import each other: {}", chain.join(" -> ")),
    };
    (
        message,
        vec!["move what both need into a file that imports neither".to_owned()],
    )
}

/// For hints; what can be imported is asked of the pool.
const WELL_KNOWN: [&str; 9] = [
    "google/protobuf/any.proto",
    "google/protobuf/descriptor.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/empty.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/struct.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/type.proto",
    "google/protobuf/wrappers.proto",
];
