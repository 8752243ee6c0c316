//! Writing: only what changed, so that cargo rebuilds only what must be.

use crate::Error;
use std::{fs, path::Path};

/// A file to write: its name and its content.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

/// Writes the files whose content is not there already.
pub(crate) fn all(dir: &Path, outputs: &[Output]) -> Result<(), Error> {
    outputs
        .iter()
        .try_for_each(|output| one(&dir.join(&output.name), &output.content))
}

pub(crate) fn one(path: &Path, content: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(path, content).map_err(|error| Error::write(path, &error))
}
