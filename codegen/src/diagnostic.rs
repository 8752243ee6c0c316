//! `Diagnostic`: one mistake, where it is, and how to mend it.

use std::{fmt, sync::Arc};

/// One mistake. Sorted by place, so that reports are the same on every machine.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Diagnostic {
    pub(crate) place: Option<Place>,
    pub(crate) message: String,
    pub(crate) help: Vec<String>,
}

/// A stretch of one line of a file, or a whole file when `line` is 0.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    /// The path as the user wrote it.
    pub(crate) file: Arc<str>,
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
    /// In characters.
    pub(crate) len: usize,
    /// The line; empty when the text is not at hand.
    pub(crate) excerpt: String,
}

impl Diagnostic {
    /// A mistake with no place in a file: a wrong option, a missing directory.
    pub(crate) fn general(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            place: None,
            message,
            help: Vec::new(),
        }
    }

    pub(crate) fn at(place: Place, message: impl Into<String>) -> Self {
        Self {
            place: Some(place),
            ..Self::general(message)
        }
    }

    /// Adds a line that says how to mend it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds the help, if there is any.
    pub(crate) fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    pub(crate) fn file(&self) -> Option<&str> {
        self.place.as_ref().map(|place| &*place.file)
    }
}

impl Place {
    /// A file as a whole.
    pub(crate) fn file(file: &Arc<str>) -> Self {
        Self {
            file: file.clone(),
            line: 0,
            column: 0,
            len: 0,
            excerpt: String::new(),
        }
    }

    /// The `bytes` of a file's `source`, cut at the end of their first line.
    pub(crate) fn bytes(file: &Arc<str>, source: &str, bytes: std::ops::Range<usize>) -> Self {
        let start = floor(source, bytes.start);
        let line_start = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = source[..start].matches('\n').count();
        let end = bytes.end.saturating_sub(line_start);
        Self::columns(file, source, line, start - line_start, end)
    }

    /// `line` and byte columns, counted from 0 as descriptors count them.
    pub(crate) fn columns(
        file: &Arc<str>,
        source: &str,
        line: usize,
        start: usize,
        end: usize,
    ) -> Self {
        let text = source.lines().nth(line).unwrap_or_default();
        let from = floor(text, start);
        let end = floor(text, end).max(from);
        let column = if source.is_empty() {
            start
        } else {
            text[..from].chars().count()
        };
        Self {
            file: file.clone(),
            line: line + 1,
            column: column + 1,
            len: text[from..end].trim_end().chars().count().max(1),
            excerpt: text
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect(),
        }
    }
}

/// The last character boundary of `text` that is not after `index`.
fn floor(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gutter = 1;
        match &self.place {
            Some(place) if place.line > 0 => {
                let (line, column) = (place.line, place.column);
                writeln!(f, "{}:{line}:{column}: {}", place.file, self.message)?;
                if !place.excerpt.is_empty() {
                    gutter = line.to_string().len();
                    let (indent, carets) = (" ".repeat(column - 1), "^".repeat(place.len));
                    writeln!(f, "{:gutter$} |", "")?;
                    writeln!(f, "{line} | {}", place.excerpt.trim_end())?;
                    writeln!(f, "{:gutter$} | {indent}{carets}", "")?;
                }
            }
            Some(place) => writeln!(f, "{}: {}", place.file, self.message)?,
            None => writeln!(f, "{}", self.message)?,
        }
        for help in &self.help {
            let margin = format!("\n{:gutter$}   ", "");
            writeln!(f, "{:gutter$} = {}", "", help.replace('\n', &margin))?;
        }
        Ok(())
    }
}
