//! What of a list of endpoints is new.

use crate::endpoint::Endpoint;
use std::collections::HashSet;

/// Endpoints of one list; the rest of a longer one is left out.
pub(super) const ENDPOINTS_MAX: usize = 1_000;

/// What was told last, in the order of the addresses; nothing after an error.
#[derive(Debug, Default)]
pub(super) struct News(Option<Vec<Endpoint>>);

impl News {
    /// The endpoints, each address once, in their order; none if the last were the same.
    pub(super) fn of(&mut self, mut endpoints: Vec<Endpoint>) -> Option<Vec<Endpoint>> {
        let mut seen = HashSet::new();
        endpoints.retain(|endpoint| seen.insert(endpoint.address().clone()));
        let mut sorted = endpoints.clone();
        sorted.sort_by(|one, other| one.address().cmp(other.address()));
        let count = sorted.len();
        if count > ENDPOINTS_MAX {
            // Of every list the same ones, in whatever order they come.
            sorted.truncate(ENDPOINTS_MAX);
            endpoints.clone_from(&sorted);
        }
        if self.0.as_ref() == Some(&sorted) {
            return None;
        }
        if count > ENDPOINTS_MAX {
            tracing::warn!(count, used = ENDPOINTS_MAX, "more endpoints than are used");
        }
        self.0 = Some(sorted);
        Some(endpoints)
    }

    /// Whatever comes next is new.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}
