//! Docs: comments of protos become rustdoc that no tool objects to.
//!
//! A comment is written for people, not for a Markdown parser. Here it is read with goodwill (lists,
//! code spans, fences and links are kept) and everything else is made plain text, so that neither
//! `cargo test` nor `cargo doc` nor clippy finds anything in it.

mod block;
mod inline;

use prost_types::{FileDescriptorProto, source_code_info::Location};
use std::collections::HashMap;

/// The comments of a file, by descriptor path.
#[derive(Default)]
pub(crate) struct Docs<'a> {
    commented: HashMap<&'a [i32], &'a Location>,
}

impl<'a> Docs<'a> {
    pub(crate) fn of(file: &'a FileDescriptorProto) -> Self {
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let commented = locations.filter(|location| {
            location.leading_comments.is_some() || location.trailing_comments.is_some()
        });
        Self {
            commented: commented
                .map(|location| (location.path.as_slice(), location))
                .collect(),
        }
    }

    /// The lines of rustdoc for what is declared at `path`.
    pub(crate) fn at(&self, path: &[i32]) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let Some(location) = self.commented.get(path) else {
            return lines;
        };
        for comment in [&location.leading_comments, &location.trailing_comments]
            .into_iter()
            .flatten()
        {
            let paragraph = clean(comment);
            if !lines.is_empty() && !paragraph.is_empty() {
                lines.push(String::new());
            }
            lines.extend(paragraph);
        }
        lines
    }
}

/// One comment as lines of rustdoc, none for a comment that says nothing.
pub(crate) fn clean(comment: &str) -> Vec<String> {
    let lines: Vec<_> = comment.lines().map(printable).collect();
    block::render(&dedent(undecorate(lines)))
}

/// A line without the characters that rustc refuses in a comment or that nobody sees.
fn printable(line: &str) -> String {
    let line = line.replace('\t', "    ");
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    line.chars()
        .filter(|c| !hidden(*c))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// Takes off what `///` and `/**` leave at the start of lines.
fn undecorate(mut lines: Vec<String>) -> Vec<String> {
    let mut spoken = lines.iter().filter(|line| !line.is_empty()).peekable();
    if spoken.peek().is_some() && spoken.all(|line| line.starts_with('/')) {
        for line in &mut lines {
            *line = line.get(1..).unwrap_or_default().to_owned();
        }
    }
    if let Some(first) = lines.first_mut() {
        *first = first.trim_start_matches('*').to_owned();
    }
    lines
}

/// Takes off the indentation that all lines share.
fn dedent(lines: Vec<String>) -> Vec<String> {
    let spoken = lines.iter().filter(|line| !line.is_empty());
    let shared = spoken.map(|line| indent(line)).min().unwrap_or(0);
    lines
        .into_iter()
        .map(|line| line.get(shared..).unwrap_or_default().to_owned())
        .collect()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests;
