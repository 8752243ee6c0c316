//! Who serves which method, where not everybody serves the same: while versions change.

use super::{
    Group,
    slot::{Slot, Subchannel},
};
use crate::{
    endpoint::Endpoint,
    status::{Result, Status},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Where calls go of the methods that not all endpoints serve.
pub(super) struct Skew {
    served: HashMap<String, Served>,
    waits: bool,
}

/// Who serves a method.
pub(super) enum Served {
    /// These.
    By(Arc<Group>),
    /// Somebody whom the channel is about to connect to.
    Later,
    /// Somebody who cannot be reached, and why.
    Unreachable(Arc<Status>),
}

impl Skew {
    /// What `slots` say of their methods, if they do not all say the same, and these are
    /// READY, `left_alone` too if there is nobody else. `picks` makes a group of those who
    /// are to be picked among.
    pub(super) fn of(
        slots: &[Slot],
        ready: &[Arc<Subchannel>],
        left_alone: &[Arc<Subchannel>],
        mut picks: impl FnMut(Vec<Arc<Subchannel>>) -> Result<Group>,
    ) -> Result<Option<Self>> {
        let endpoints = slots.iter().flat_map(|slot| slot.endpoints.iter());
        let Some(methods) = differing(endpoints) else {
            return Ok(None);
        };
        let mut groups: HashMap<Vec<u64>, Arc<Group>> = HashMap::new();
        let mut skew = HashMap::new();
        let mut waits = false;
        for method in methods {
            let serving = |all: &[Arc<Subchannel>]| -> Vec<_> {
                let serves = |one: &&Arc<Subchannel>| one.candidate.endpoint.serves(method);
                all.iter().filter(serves).cloned().collect()
            };
            let mut some = serving(ready);
            if some.len() == ready.len() {
                continue;
            }
            if some.is_empty() {
                some = serving(left_alone);
                waits = true;
            }
            let ids: Vec<_> = some.iter().map(|one| one.candidate.id).collect();
            let served = match groups.get(&ids) {
                _ if some.is_empty() => nobody(slots, method),
                Some(group) => Served::By(group.clone()),
                None => {
                    let group = Arc::new(picks(some)?);
                    groups.insert(ids, group.clone());
                    Served::By(group)
                }
            };
            skew.insert(method.clone(), served);
        }
        Ok((!skew.is_empty()).then_some(Self {
            served: skew,
            waits,
        }))
    }

    /// Who serves the method at `path`; nothing if that is everybody, or nobody says so.
    pub(super) fn served(&self, path: &str) -> Option<&Served> {
        self.served.get(path)
    }

    /// Whether some calls depend on somebody who is not among the READY: they wait for
    /// him, are told why he is not, or go to him though he is left alone.
    pub(super) fn waits(&self) -> bool {
        self.waits
    }
}

/// The methods that some of the endpoints say they serve, if they do not say the same.
fn differing<'a>(
    mut endpoints: impl Iterator<Item = &'a Endpoint>,
) -> Option<BTreeSet<&'a String>> {
    let first = endpoints.next()?.methods();
    let mut others: Vec<&'a Arc<BTreeSet<String>>> = Vec::new();
    let mut differ = false;
    for endpoint in endpoints {
        let methods = endpoint.methods();
        // The same set is mostly the same one in memory.
        if methods != first && !others.iter().any(|known| Some(*known) == methods) {
            differ = true;
            others.extend(methods);
        }
    }
    let all = first.into_iter().chain(others).flat_map(|set| set.iter());
    differ.then(|| all.collect())
}

/// What becomes of calls of `method`, which nobody who is READY serves.
fn nobody(slots: &[Slot], method: &str) -> Served {
    let serves = |slot: &&Slot| slot.endpoints.iter().any(|one| one.serves(method));
    let serving: Vec<_> = slots.iter().filter(serves).collect();
    match serving.iter().rev().find_map(|slot| slot.why()) {
        Some(why) if !serving.iter().any(|slot| slot.is_connecting()) => Served::Unreachable(why),
        _ => Served::Later,
    }
}
