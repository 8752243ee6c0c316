//! Docs: comments of protos become rustdoc that no tool objects to.

use prost_types::FileDescriptorProto;
use std::collections::HashMap;

/// The docs of every commented part of a file, by descriptor path.
pub(crate) fn by_path(file: &FileDescriptorProto) -> HashMap<&[i32], Vec<String>> {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    let mut found = HashMap::new();
    for location in locations {
        let comments = [
            location.leading_comments.as_deref(),
            location.trailing_comments.as_deref(),
        ];
        let paragraphs: Vec<_> = comments
            .into_iter()
            .flatten()
            .map(str::trim_end)
            .filter(|text| !text.trim().is_empty())
            .collect();
        if !paragraphs.is_empty() {
            let lines = clean(&paragraphs.join("\n\n"));
            if !lines.is_empty() {
                found.insert(location.path.as_slice(), lines);
            }
        }
    }
    found
}

/// One comment as lines of rustdoc.
pub(crate) fn clean(comment: &str) -> Vec<String> {
    comment.lines().map(|line| line.trim().to_owned()).collect()
}
