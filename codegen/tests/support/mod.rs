//! What the tests share: cases, scratch directories, and golden files.
#![allow(dead_code)]

pub mod kinds;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The directories below `tests/<kind>`, sorted.
pub fn cases(kind: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(kind);
    let mut cases: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

/// An empty directory of this test's own.
pub fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// The texts of the files with an extension directly in a directory, by name.
pub fn files(dir: &Path, extension: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let wanted = entries.filter(|path| path.extension().is_some_and(|found| found == extension));
    wanted
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// A golden file that is not what was generated.
pub struct Changed {
    path: PathBuf,
    new: Option<String>,
}

/// Compares the golden files of a directory with fresh ones; files too many and too few count.
pub fn compare(golden: &Path, extension: &str, fresh: &BTreeMap<String, String>) -> Vec<Changed> {
    let old = files(golden, extension);
    let names = old
        .keys()
        .chain(fresh.keys().filter(|name| !old.contains_key(*name)));
    names
        .filter(|name| old.get(*name) != fresh.get(*name))
        .map(|name| Changed {
            path: golden.join(name),
            new: fresh.get(name).cloned(),
        })
        .collect()
}

/// Fails if anything changed, or accepts it when `UPDATE` is set.
pub fn accept(changed: &[Changed]) {
    if std::env::var_os("UPDATE").is_some() {
        for Changed { path, new } in changed {
            match new {
                Some(text) => fs::write(path, text).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
        }
        return;
    }
    for Changed { path, new } in changed {
        println!(
            "==== {} should be:\n{}",
            path.display(),
            new.as_deref().unwrap_or("(absent)")
        );
    }
    let names: Vec<_> = changed
        .iter()
        .map(|changed| changed.path.display().to_string())
        .collect();
    assert!(
        names.is_empty(),
        "changed; rerun with UPDATE=1 to accept:\n{}",
        names.join("\n")
    );
}
