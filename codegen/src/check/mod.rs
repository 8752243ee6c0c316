//! Checks: every rule that the model must keep, each with its own words when broken.

use crate::{Config, diagnostic::Diagnostic, model::Package, pool::Loaded, resolve::Types};

/// Every broken rule of every package.
pub(crate) fn all(
    _packages: &[Package],
    _loaded: &Loaded,
    _types: &Types,
    _config: &Config,
) -> Vec<Diagnostic> {
    Vec::new()
}
