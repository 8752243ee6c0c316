//! Where a call has been already.

use std::sync::{Arc, Mutex, PoisonError};

/// The subchannels that the attempts of one call went to. Clones are the same list.
///
/// The first attempt of a call that is not hedged has nothing to know and nobody to tell,
/// so it costs nothing; where it went comes with how it went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tried(Option<Arc<Mutex<Vec<u64>>>>);

impl Tried {
    /// A list that attempts under way at the same time share.
    pub(super) fn shared() -> Self {
        Self(Some(Arc::default()))
    }

    /// Shows the list to `read`, which must not wait.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&[u64]) -> T) -> T {
        match &self.0 {
            Some(list) => read(&list.lock().unwrap_or_else(PoisonError::into_inner)),
            None => read(&[]),
        }
    }

    /// Says that an attempt goes to `subchannel`.
    pub(crate) fn picked(&self, subchannel: u64) {
        if let Some(list) = &self.0 {
            let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
            if !list.contains(&subchannel) {
                list.push(subchannel);
            }
        }
    }

    /// Says that an attempt went to `subchannel` in vain.
    pub(super) fn add(&mut self, subchannel: Option<u64>) {
        if let Some(subchannel) = subchannel {
            self.0.get_or_insert_default();
            self.picked(subchannel);
        }
    }
}
