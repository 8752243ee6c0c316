//! The records of one service, as one watch has read them so far.

use super::record;
use crate::{Instance, Listing};
use std::{collections::BTreeMap, sync::Arc};

/// Records of one service that are held. Far more than a listing has, so that only
/// what nobody needs is let go of.
const RECORDS_MAX: usize = 100_000;

/// By id, which is what their keys end with.
#[derive(Default)]
pub(super) struct Records(BTreeMap<String, Result<Arc<Instance>, String>>);

impl Records {
    /// Takes what is stored for `id` now; whether that changes the list.
    pub(super) fn put(&mut self, id: &str, bytes: &[u8]) -> bool {
        let read = record::read(bytes).and_then(|instance| match instance.id == id {
            true => Ok(instance),
            false => Err("its id is not its key".to_owned()),
        });
        match (self.0.get(id), &read) {
            // A renewal, or what was read before.
            (Some(Ok(known)), Ok(read)) if **known == *read => return false,
            (Some(Err(known)), Err(read)) if known == read => return false,
            _ => {}
        }
        self.0.insert(id.to_owned(), read.map(Arc::new));
        if self.0.len() > RECORDS_MAX {
            self.0.pop_last();
        }
        true
    }

    /// Nothing is stored for `id` any more; whether that changes the list.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.0.remove(id).is_some()
    }

    pub(super) fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        for (id, read) in &self.0 {
            match read {
                Ok(instance) => listing.add(instance.clone()),
                Err(why) => listing.skip(format_args!("record `{}`: {why}", id.escape_debug())),
            }
        }
        listing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(id: &str) -> Instance {
        Instance::new("a.v1.B", id, "10.0.0.7:80".parse().unwrap())
    }

    #[test]
    fn only_changes_change_the_list() {
        let mut records = Records::default();
        let one = record::write(&instance("one"));
        assert!(records.put("one", &one));
        let first = records.listing().instances()[0].clone();
        assert!(!records.put("one", &one));
        assert!(records.put("two", b"nope"));
        assert!(!records.put("two", b"nope"));
        let listing = records.listing();
        assert_eq!(listing.skipped(), 1);
        assert!(Arc::ptr_eq(&listing.instances()[0], &first));
        assert!(!records.remove("three"));
        assert!(records.remove("one") && records.remove("two"));
        assert!(records.listing().instances().is_empty());
    }

    #[test]
    fn a_record_under_the_key_of_another_is_none() {
        let mut records = Records::default();
        records.put("two", &record::write(&instance("one")));
        assert_eq!(records.listing().skipped(), 1);
    }
}
