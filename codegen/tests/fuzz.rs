//! Broken files of every sort: the generator never panics, and says of each mistake where it is.

mod support;

use cordial_codegen::{Config, ErrorKind};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

const ROUNDS: usize = 1_000;

/// Pieces that mean something to the parser, to Markdown or to Rust.
const PIECES: [&str; 32] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ";",
    "=",
    ".",
    "-",
    "\"",
    "\\",
    "/*",
    "*/",
    "//",
    "`",
    "\n",
    "\r\n",
    "\t",
    "é",
    "\u{feff}",
    "\0",
    "_",
    "0",
    "99999999999",
    "self",
    "option ",
    "message ",
    "oneof ",
    "stream ",
];

/// xorshift: the same numbers in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }

    /// A short stretch of a text of this length.
    fn stretch(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.below(len);
        let end = (start + 1 + self.below(24)).min(len);
        start..end.max(start)
    }

    fn mutate(&mut self, text: &mut Vec<u8>) {
        let at = self.below(text.len());
        match self.below(6) {
            0 => drop(text.drain(self.stretch(text.len()))),
            1 => {
                let copy = text[self.stretch(text.len())].to_vec();
                text.splice(at..at, copy);
            }
            2 => {
                let piece = PIECES[self.below(PIECES.len())].bytes();
                text.splice(at..at, piece);
            }
            3 => {
                let copy = text[self.stretch(text.len())].to_vec();
                let stretch = self.stretch(text.len());
                text.splice(stretch, copy);
            }
            4 => text.truncate(at),
            _ => {
                if let Some(byte) = text.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }
}

/// The golden protos small enough to be compiled by the thousand.
fn seeds() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut dirs = support::cases("golden");
    dirs.extend(support::cases("errors"));
    while let Some(dir) = dirs.pop() {
        let entries = fs::read_dir(dir).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                dirs.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "proto")
            {
                // One is a link to nowhere.
                found.extend(fs::read(path));
            }
        }
    }
    found.retain(|text| !text.is_empty() && text.len() < 2_000);
    found
}

/// What is wrong with how a text was judged, if anything.
fn judge(protos: &Path, out: &Path) -> Result<(), String> {
    let config = Config::new().out_dir(out);
    let result = catch_unwind(AssertUnwindSafe(|| config.compile([protos])));
    let error = match result {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) => error,
        Err(_) => return Err("a panic".to_owned()),
    };
    let text = error.to_string();
    let file = protos.join("a.proto").display().to_string();
    // The headline, then a paragraph for each mistake.
    let mut paragraphs = text.split("\n\n").skip(1).peekable();
    let placed = paragraphs.peek().is_some() && paragraphs.all(|text| text.starts_with(&file));
    match error.kind() {
        ErrorKind::Proto if placed => Ok(()),
        kind => Err(format!("{kind:?}: {text}")),
    }
}

#[test]
fn no_file_is_beyond_words() {
    let (protos, out) = (
        support::scratch("fuzz/protos"),
        support::scratch("fuzz/out"),
    );
    let (mut random, seeds) = (Random(0x0123_4567_89ab_cdef), seeds());
    let mut faults = Vec::new();
    for round in 0..ROUNDS {
        let mut text = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(3) {
            random.mutate(&mut text);
        }
        fs::write(protos.join("a.proto"), &text).unwrap();
        match judge(&protos, &out) {
            Ok(()) => {}
            Err(fault) => faults.push(format!(
                "round {round}: {fault}\n{}",
                String::from_utf8_lossy(&text)
            )),
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n\n====\n")
    );
}
