//! `Error`: why nothing was generated.

use crate::diagnostic::Diagnostic;
use std::{collections::BTreeSet, fmt, io, path::Path};

/// How many errors of one file are told: further ones tend to follow from the first.
const FILE_ERRORS_MAX: usize = 200;

/// Why nothing was generated.
///
/// `Display` and `Debug` print the same text, meant for a person: a build script that returns this
/// error fails with a list of every mistake found, each with its place and its cure.
///
/// ```
/// let error = cordial_codegen::Config::new()
///     .out_dir(std::env::temp_dir())
///     .compile(["no/such/directory"])
///     .unwrap_err();
/// assert_eq!(error.kind(), cordial_codegen::ErrorKind::Input);
/// assert!(error.to_string().contains("no/such/directory"));
/// ```
pub struct Error {
    kind: ErrorKind,
    text: String,
}

/// What sort of thing went wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A `.proto` file breaks a rule of the language, or has no faithful Rust form.
    Proto,
    /// The paths or options given to [`Config`](crate::Config) do not fit the files.
    Input,
    /// The generated files could not be written.
    Output,
    /// A bug of this crate or of one below it: please report the text.
    Internal,
}

impl Error {
    /// What sort of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { kind, text }
    }

    /// Everything wrong with the input at once; the first problem's kind stands for all.
    pub(crate) fn from_diagnostics(mut found: Vec<Diagnostic>) -> Self {
        found.sort();
        found.dedup();
        let kind = if found.iter().any(|diagnostic| diagnostic.place.is_some()) {
            ErrorKind::Proto
        } else {
            ErrorKind::Input
        };
        let files: BTreeSet<_> = found.iter().filter_map(Diagnostic::file).collect();
        let headline = match (found.len(), files.len()) {
            (1, 0) => "1 error".to_owned(),
            (1, _) => "1 error in 1 file".to_owned(),
            (errors, 0) => format!("{errors} errors"),
            (errors, 1) => format!("{errors} errors in 1 file"),
            (errors, files) => format!("{errors} errors in {files} files"),
        };
        let mut text = format!("{headline}, nothing was generated\n");
        for of_file in found.chunk_by(|a, b| a.file() == b.file()) {
            let shown = match of_file[0].file() {
                Some(_) => of_file.len().min(FILE_ERRORS_MAX),
                None => of_file.len(),
            };
            for diagnostic in &of_file[..shown] {
                text.push('\n');
                text.push_str(&diagnostic.to_string());
            }
            if let (Some(file), more @ 1..) = (of_file[0].file(), of_file.len() - shown) {
                text.push_str(&format!(
                    "\n{file}: {more} more, told when these are mended\n"
                ));
            }
        }
        Self { kind, text }
    }

    pub(crate) fn write(path: &Path, error: &io::Error) -> Self {
        let text = format!(
            "cannot write `{}`: {error}\n  = check that the directory exists and is yours to write",
            path.display()
        );
        Self::new(ErrorKind::Output, text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.trim_end())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
