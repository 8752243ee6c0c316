//! The house rules a machine can check. Each failure says what to do.

use std::{
    fs,
    path::{Path, PathBuf},
};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Library code: what a user's program runs.
const LIBRARIES: [&str; 3] = ["src", "runtime/src", "codegen/src"];

/// Everything we write in Rust, goldens aside.
const EVERYTHING: [&str; 12] = [
    "src",
    "runtime/src",
    "runtime/tests",
    "codegen/src",
    "codegen/tests",
    "tests",
    "examples",
    "bench/src",
    "bench/host/src",
    "bench/peers/src",
    "interop/src",
    "interop/tests",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The `.rs` files below `dir`, with their text.
fn sources(dir: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(&root().join(dir), &mut found);
    found.sort();
    found
}

fn walk(dir: &Path, found: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap();
        if entry.is_dir() && !["golden", "errors", "ui", "target"].contains(&name) {
            walk(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let shown = entry.strip_prefix(root()).unwrap().display().to_string();
            found.push((shown, fs::read_to_string(&entry).unwrap()));
        }
    }
}

/// Panics with every finding at once.
fn report(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// The text before a file's own tests.
fn library_part(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

#[test]
fn modules_use_only_those_above_them() {
    let lib = fs::read_to_string(root().join("runtime/src/lib.rs")).unwrap();
    let order: Vec<_> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    assert!(order.len() > 10, "runtime/src/lib.rs lists no modules");
    let place = |module: &str| order.iter().position(|known| *known == module);
    let mut findings = Vec::new();
    for (path, text) in sources("runtime/src") {
        let module = path
            .trim_start_matches("runtime/src/")
            .trim_end_matches(".rs");
        let module = module.split('/').next().unwrap();
        let Some(own) = place(module) else { continue };
        for used in used_modules(&text) {
            if place(&used).is_some_and(|used| used > own) {
                findings.push(format!(
                    "{path}: `{module}` uses `{used}`, which comes after it in lib.rs: move the \
                     code down or the shared part up"
                ));
            }
        }
    }
    report(findings);
}

/// The first segments of all `crate::` paths, in groups too.
fn used_modules(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut used = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            used.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut fresh = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && depth == 0 && c.is_alphabetic() => {
                    used.push(word(&group[at..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    used
}

#[test]
fn generator_and_runtime_do_not_know_each_other() {
    for (package, other) in [
        ("codegen", "cordial-runtime"),
        ("runtime", "cordial-codegen"),
    ] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        let depends = manifest.lines().any(|line| line.starts_with(other));
        assert!(!depends, "{package}/Cargo.toml must not depend on {other}");
    }
}

#[test]
fn rooms_are_small() {
    let mut findings = Vec::new();
    for (path, text) in EVERYTHING.into_iter().flat_map(sources) {
        let lines: Vec<_> = text.lines().collect();
        if lines.len() > FILE_LINES_MAX {
            let count = lines.len();
            findings.push(format!(
                "{path}: {count} lines, at most {FILE_LINES_MAX}: split it"
            ));
        }
        for (start, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let opens = lines[start..]
                .iter()
                .find(|line| line.ends_with(['{', ';', '}']))
                .is_some_and(|line| line.ends_with('{'));
            if !opens || !is_function(line.trim_start()) {
                continue;
            }
            let close = format!("{}}}", " ".repeat(indent));
            let end = lines[start..].iter().position(|line| **line == close);
            if let Some(length) = end.map(|end| end + 1)
                && length > FUNCTION_LINES_MAX
            {
                let at = start + 1;
                findings.push(format!(
                    "{path}:{at}: a function of {length} lines, at most {FUNCTION_LINES_MAX}: \
                     name its parts"
                ));
            }
        }
    }
    report(findings);
}

fn is_function(line: &str) -> bool {
    let line = match line.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ").map_or(line, |(_, rest)| rest),
        None => line.trim_start_matches("pub "),
    };
    let line = line
        .trim_start_matches("const ")
        .trim_start_matches("async ");
    line.starts_with("fn ")
}

#[test]
fn library_code_keeps_its_word() {
    const NEVER: [(&str, &str); 7] = [
        ("unbounded", "name a limit"),
        (
            ".unwrap()",
            "return an error, or say with `expect` why it cannot be",
        ),
        ("println!", "return it, or use `tracing`"),
        ("todo!(", "finish it"),
        ("unimplemented!(", "finish it"),
        ("dbg!(", "remove it"),
        ("unsafe ", "find a safe way"),
    ];
    let mut findings = Vec::new();
    for (path, text) in LIBRARIES.into_iter().flat_map(sources) {
        for (number, line) in library_part(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap();
            // What a build script says to cargo, and a plugin's own help, go to standard output.
            let speaks = line.contains("cargo:") || path.contains("/bin/");
            for (word, cure) in NEVER {
                if code.contains(word) && !(speaks && word == "println!") {
                    findings.push(format!("{path}:{}: `{word}`: {cure}", number + 1));
                }
            }
        }
    }
    report(findings);
}

#[test]
fn nothing_is_left_for_later() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
    ];
    let mut findings = Vec::new();
    for (path, text) in EVERYTHING.into_iter().flat_map(sources) {
        for (number, line) in text.lines().enumerate() {
            for word in words {
                if line.contains(word) {
                    findings.push(format!("{path}:{}: `{word}`: do it now", number + 1));
                }
            }
        }
    }
    report(findings);
}
