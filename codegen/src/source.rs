//! `Sources`: which files to compile, and where imports are found.

use crate::{Config, bundled, diagnostic::Diagnostic, glob, near};
use prost_reflect::DescriptorPool;
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

/// The files to compile, by import name, and the directories to look in.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// In the order of lookup.
    pub(crate) includes: Vec<PathBuf>,
    /// Import name to path.
    pub(crate) selected: BTreeMap<String, PathBuf>,
    /// Everything whose change must run the generator again.
    pub(crate) watched: BTreeSet<PathBuf>,
    problems: Vec<Diagnostic>,
}

/// Finds the files below `roots`, which may be directories and files.
pub(crate) fn find(config: &Config, roots: &[PathBuf]) -> (Sources, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let (files, dirs): (Vec<_>, Vec<_>) = roots.iter().partition(|root| root.is_file());
    for dir in dirs.iter().copied().chain(&config.includes) {
        sources.include(dir);
    }
    if sources.includes.is_empty() && sources.problems.is_empty() {
        sources.includes.extend(
            files
                .first()
                .and_then(|file| file.parent())
                .map(Path::to_owned),
        );
    }
    for dir in dirs {
        let mut seen = HashSet::new();
        sources.walk(dir, dir, &mut seen);
    }
    let found = sources.selected.len();
    for file in files {
        sources.select_file(file);
    }
    if found == 0 && sources.problems.is_empty() && sources.selected.is_empty() {
        sources.problems.push(nothing_found(roots, config));
    }
    sources.filter(config);
    let problems = std::mem::take(&mut sources.problems);
    (sources, problems)
}

impl Sources {
    fn include(&mut self, dir: &Path) {
        if dir.is_dir() {
            if !self.includes.iter().any(|known| same(known, dir)) {
                self.includes.push(dir.to_owned());
            }
            self.watched.insert(dir.to_owned());
        } else if dir.exists() {
            let message = format!("`{}` is not a directory", dir.display());
            self.problems
                .push(Diagnostic::general(message).help("an include directory is a directory"));
        } else {
            self.problems.push(missing(dir));
        }
    }

    /// Selects every `.proto` below `dir`, but not those of an include directory further down.
    fn walk(&mut self, root: &Path, dir: &Path, seen: &mut HashSet<PathBuf>) {
        if !dir.is_dir() || !seen.insert(canonical(dir)) {
            return;
        }
        self.watched.insert(dir.to_owned());
        let entries = match sorted_entries(dir) {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("cannot read the directory `{}`: {error}", dir.display());
                self.problems.push(Diagnostic::general(message));
                return;
            }
        };
        for path in entries {
            if path.is_dir() {
                if !self.includes.iter().any(|include| same(include, &path)) {
                    self.walk(root, &path, seen);
                }
            } else if path
                .extension()
                .is_some_and(|extension| extension == "proto")
            {
                match import_name(root, &path) {
                    Some(name) => self.select(name, path),
                    None => self.problems.push(odd_name(&path)),
                }
            }
        }
    }

    fn select_file(&mut self, file: &Path) {
        let place = self
            .includes
            .iter()
            .find_map(|include| import_name(include, file));
        match place {
            Some(name) => self.select(name, file.to_owned()),
            None => {
                let message = format!("`{}` is outside every include directory", file.display());
                let help = format!(
                    "looked in {}\nadd the directory its imports start from with `.include(…)`",
                    list(&self.includes)
                );
                self.problems.push(Diagnostic::general(message).help(help));
            }
        }
    }

    fn select(&mut self, name: String, path: PathBuf) {
        if is_vendored_copy(&name) {
            return;
        }
        if let Some(first) = self.selected.get(&name) {
            if !same(first, &path) {
                let (first, second) = (first.display(), path.display());
                let message = format!("`{first}` and `{second}` are both imported as `{name}`");
                let help = "only the first can be reached; rename one, or compile them separately";
                self.problems.push(Diagnostic::general(message).help(help));
            }
            return;
        }
        self.selected.insert(name, path);
    }

    /// Applies the patterns of `select` and `exclude`.
    fn filter(&mut self, config: &Config) {
        let all: Vec<_> = self.selected.keys().cloned().collect();
        for pattern in config.selected.iter().chain(&config.excluded) {
            if !all.is_empty() && !all.iter().any(|name| glob::matches(pattern, name)) {
                let message = format!("the pattern `{pattern}` matches no file");
                let hint = near::hint(pattern, all.iter().map(String::as_str));
                let help = "patterns match import names, such as `shop/v1/cart.proto`; `**` crosses directories";
                self.problems
                    .push(Diagnostic::general(message).maybe_help(hint).help(help));
            }
        }
        let matches = |patterns: &[String], name: &str| {
            patterns.iter().any(|pattern| glob::matches(pattern, name))
        };
        self.selected.retain(|name, _| {
            (config.selected.is_empty() || matches(&config.selected, name))
                && !matches(&config.excluded, name)
        });
    }
}

/// Whether the file is a copy of one we have, deep in the user's tree where no import finds it.
fn is_vendored_copy(name: &str) -> bool {
    let known = DescriptorPool::global();
    let mut names = bundled::ALL.iter().map(|bundled| bundled.name.to_owned());
    let mut well_known = known.files().map(|file| file.name().to_owned());
    let is_copy = |known: String| {
        name.strip_suffix(&known)
            .is_some_and(|rest| rest.ends_with('/'))
    };
    let vendored = name.contains("/google/") || name.contains("/cordial/");
    vendored && (names.any(is_copy) || well_known.any(is_copy))
}

/// The name by which `import` finds `path`, if it lies below `root`.
pub(crate) fn import_name(root: &Path, path: &Path) -> Option<String> {
    let relative = match path.strip_prefix(root) {
        Ok(relative) => relative.to_owned(),
        Err(_) => canonical(path)
            .strip_prefix(canonical(root))
            .ok()?
            .to_owned(),
    };
    let parts: Option<Vec<_>> = relative.iter().map(|part| part.to_str()).collect();
    parts
        .filter(|parts| !parts.is_empty())
        .map(|parts| parts.join("/"))
}

pub(crate) fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// "`a`, `b`", for people.
pub(crate) fn list(paths: &[PathBuf]) -> String {
    match paths {
        [] => "no directory".to_owned(),
        paths => paths
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn same(a: &Path, b: &Path) -> bool {
    canonical(a) == canonical(b)
}

fn sorted_entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(dir)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn missing(path: &Path) -> Diagnostic {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let siblings: Vec<_> = sorted_entries(parent)
        .unwrap_or_default()
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    let wanted = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let message = format!("`{}` does not exist", path.display());
    Diagnostic::general(message)
        .maybe_help(near::hint(wanted, siblings.iter().map(String::as_str)))
        .help("in a build script, paths start at the directory of `Cargo.toml`")
}

fn nothing_found(roots: &[PathBuf], config: &Config) -> Diagnostic {
    let message = match roots {
        [] => "no directory and no file was given to compile".to_owned(),
        roots => format!("there is no `.proto` file below {}", list(roots)),
    };
    let below = |include: &&PathBuf| {
        roots
            .iter()
            .any(|root| canonical(include).starts_with(canonical(root)))
    };
    let left_out = config.includes.iter().find(below).map(|include| {
        format!(
            "`{}` is left out, as an include directory: compile it too",
            include.display()
        )
    });
    let help = "give `compile` the directory that holds the `.proto` files".to_owned();
    Diagnostic::general(message).help(left_out.unwrap_or(help))
}

fn odd_name(path: &Path) -> Diagnostic {
    let message = format!(
        "the name of `{}` is not UTF-8, so nothing could import it",
        path.display()
    );
    Diagnostic::general(message).help("rename the file")
}
