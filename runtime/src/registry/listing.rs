//! One whole list, as a registry tells it.

use super::Instance;
use std::sync::Arc;

/// Records of one list that are looked at. Of more, each reader takes the same:
/// those whose ids come first.
pub(crate) const RECORDS_MAX: usize = 10_000;

/// All instances of one service, as a registry tells them, and how many of its
/// records were none. An adapter that keeps what it has read adds the same
/// [`Arc`] to each list, which spares its reader the checks.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    instances: Vec<Arc<Instance>>,
    unreadable: u64,
    left_out: u64,
}

impl Listing {
    /// No instance.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more instance, not yet checked. Of two with one id the first counts. What
    /// is over 10,000 is only counted, so an adapter adds them in an order that is
    /// the same each time, by key say.
    pub fn add(&mut self, instance: impl Into<Arc<Instance>>) {
        if self.instances.len() < RECORDS_MAX {
            self.instances.push(instance.into());
        } else {
            self.left_out += 1;
        }
    }

    /// One more record, that does not read as an instance. The rest serve; a metric
    /// counts it, and the log says why.
    pub fn skip(&mut self, why: impl std::fmt::Display) {
        tracing::debug!(%why, "a record of a registry is skipped");
        self.unreadable += 1;
    }

    /// The instances in it.
    pub fn instances(&self) -> &[Arc<Instance>] {
        &self.instances
    }

    pub(crate) fn unreadable(&self) -> u64 {
        self.unreadable
    }

    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How many records were skipped.
    pub fn skipped(&self) -> u64 {
        self.unreadable + self.left_out
    }
}

impl FromIterator<Arc<Instance>> for Listing {
    fn from_iter<T: IntoIterator<Item = Arc<Instance>>>(instances: T) -> Self {
        let mut listing = Self::new();
        instances.into_iter().for_each(|one| listing.add(one));
        listing
    }
}
