//! Which instances are called, of those a registry has listed.

use crate::{
    endpoint::{Address, Endpoint},
    registry::{Counts, Flaw, Instance, Listing, RECORDS_MAX},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet, hash_map::Entry},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// How long an instance that is listed no more is remembered: called, if more went
/// than are left, and known as one that came back if it does.
const GONE_KEPT: Duration = Duration::from_secs(60);

/// An instance that has come back so often flaps,
const RETURNS_MAX: u32 = 3;
/// and is called again after it has been listed for so long.
const HELD: Duration = Duration::from_secs(10);

/// What a record must be to be believed.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) service: String,
    pub(super) allows_link_local: bool,
    pub(super) allows_unix: bool,
}

#[derive(Debug)]
pub(super) struct Roster {
    rules: Rules,
    counts: Counts,
    known: HashMap<String, Known>,
    /// The methods of those that are known, as paths: one set for each version.
    versions: HashSet<Arc<BTreeSet<String>>>,
    /// How many lists there have been.
    round: u64,
    /// When it was last said whom to call.
    said: Option<Instant>,
}

#[derive(Debug)]
struct Known {
    instance: Arc<Instance>,
    endpoint: Endpoint,
    /// The last list it was in.
    round: u64,
    /// Since when it is in every list, or in none.
    since: Instant,
    is_gone: bool,
    /// How often it came back within the time it was remembered.
    returns: u32,
}

impl Roster {
    pub(super) fn new(rules: Rules, counts: Counts) -> Self {
        Self {
            rules,
            counts,
            known: HashMap::new(),
            versions: HashSet::new(),
            round: 0,
            said: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Takes over a new list.
    pub(super) fn take(&mut self, listing: &Listing, now: Instant) {
        self.round += 1;
        self.counts.skipped(Flaw::Unreadable, listing.unreadable());
        self.counts.skipped(Flaw::Count, listing.left_out());
        let mut listed = 0;
        for instance in listing.instances() {
            match self.admit(instance, now) {
                None => listed += 1,
                Some((flaw, why)) => {
                    tracing::debug!(%why, "a record of a registry is skipped");
                    self.counts.skipped(flaw, 1);
                }
            }
        }
        for known in self.known.values_mut() {
            if known.round != self.round && !known.is_gone {
                known.is_gone = true;
                known.since = now;
            }
        }
        self.forget(now);
        self.counts.listed(listed);
    }

    /// Takes over one instance, unless something is wrong with it.
    fn admit(&mut self, instance: &Arc<Instance>, now: Instant) -> Option<(Flaw, String)> {
        let id = &instance.id;
        let known = self.known.get(id);
        if known.is_some_and(|known| known.round == self.round) {
            return Some((Flaw::Duplicate, format!("two have the id `{id}`")));
        }
        let is_same = known.is_some_and(|known| Arc::ptr_eq(&known.instance, instance));
        if !is_same {
            if let Some(flaw) = self.rules.flaw(instance) {
                return Some(flaw);
            }
            let endpoint = self.endpoint(instance);
            let new = Known {
                instance: instance.clone(),
                endpoint,
                round: self.round,
                since: now,
                is_gone: false,
                returns: 0,
            };
            match self.known.entry(id.clone()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(new);
                    return None;
                }
                Entry::Occupied(mut occupied) => {
                    let known = occupied.get_mut();
                    (known.instance, known.endpoint) = (new.instance, new.endpoint);
                }
            }
        }
        if let Some(known) = self.known.get_mut(id) {
            known.listed(self.round, now);
        }
        None
    }

    fn endpoint(&mut self, instance: &Instance) -> Endpoint {
        let endpoint = Endpoint::new(instance.address.clone())
            .with_weight(instance.weight)
            .started(instance.started_millis);
        let endpoint = match &instance.zone {
            Some(zone) => endpoint.with_zone(&**zone),
            None => endpoint,
        };
        let endpoint = match &instance.identity {
            Some(identity) => endpoint.with_identity(&**identity),
            None => endpoint,
        };
        if instance.methods.is_empty() {
            return endpoint;
        }
        let names = instance.methods.iter();
        let paths = names.map(|name| format!("/{}/{name}", instance.service));
        let paths: BTreeSet<_> = paths.collect();
        let version = match self.versions.get(&paths) {
            Some(version) => version.clone(),
            None => {
                // Those that nobody has any more go.
                self.versions
                    .retain(|version| Arc::strong_count(version) > 1);
                let version = Arc::new(paths);
                self.versions.insert(version.clone());
                version
            }
        };
        endpoint.with_methods(version)
    }

    /// Remembers those that went for a while, and not more of them than a list may have.
    fn forget(&mut self, now: Instant) {
        let kept = |known: &Known| !known.is_gone || now.duration_since(known.since) < GONE_KEPT;
        self.known.retain(|_, known| kept(known));
        let mut gone: Vec<_> = self
            .known
            .iter()
            .filter(|(_, known)| known.is_gone)
            .collect();
        if gone.len() > RECORDS_MAX {
            gone.sort_by_key(|(_, known)| known.since);
            let surplus = gone.len() - RECORDS_MAX;
            let oldest = gone.iter().take(surplus);
            let oldest: Vec<_> = oldest.map(|(id, _)| (*id).clone()).collect();
            oldest.iter().for_each(|id| drop(self.known.remove(id)));
        }
    }

    /// When [`endpoints`](Self::endpoints) changes by itself.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = self.known.values().filter_map(|known| match known.is_gone {
            true => Some(known.since + GONE_KEPT),
            false if known.returns >= RETURNS_MAX => Some(known.since + HELD),
            false => None,
        });
        // What was due when it was last asked changes nothing more.
        due.filter(|due| self.said.is_none_or(|said| *due > said))
            .min()
    }

    /// Whom to call: see [`RegistryResolver`](super::RegistryResolver).
    pub(super) fn endpoints(&mut self, now: Instant) -> Vec<Endpoint> {
        self.forget(now);
        self.said = Some(now);
        let (gone, listed): (Vec<_>, Vec<_>) = self.known.values().partition(|one| one.is_gone);
        let flaps = |known: &&&Known| {
            known.returns >= RETURNS_MAX && now.duration_since(known.since) < HELD
        };
        let mut held = listed.iter().filter(flaps).count();
        // If most do, it is not them.
        if held * 2 > listed.len() {
            held = 0;
        }
        let keeps = gone.len() > listed.len();
        self.counts.now(if keeps { gone.len() } else { 0 }, held);
        let called = listed.iter().filter(|known| held == 0 || !flaps(known));
        let called: Vec<_> = called.copied().collect();
        let kept = if keeps { gone } else { Vec::new() };
        // What was said of those that went is old: it counts if there is nothing else.
        let judged = if called.is_empty() { &kept } else { &called };
        let any_healthy = judged.iter().any(|known| known.instance.healthy);
        let all = called.iter().chain(&kept).copied();
        endpoints(all.filter(|known| known.instance.healthy || !any_healthy))
    }
}

impl Rules {
    fn flaw(&self, instance: &Instance) -> Option<(Flaw, String)> {
        let id = &instance.id;
        if instance.service != self.service {
            let why = format!("`{id}` is listed where it does not belong");
            return Some((Flaw::Name, why));
        }
        if matches!(instance.address, Address::Unix(_)) && !self.allows_unix {
            let why =
                format!("`{id}` is a Unix socket, which a registry for many machines cannot know");
            return Some((Flaw::Address, why));
        }
        instance.flaw(self.allows_link_local)
    }
}

impl Known {
    /// It is in this list.
    fn listed(&mut self, round: u64, now: Instant) {
        self.round = round;
        if self.is_gone {
            self.is_gone = false;
            self.since = now;
            self.returns += 1;
        } else if now.duration_since(self.since) >= GONE_KEPT {
            self.returns = 0;
        }
    }

    fn is_later(&self, other: &Self) -> bool {
        let (one, other) = (&self.instance, &other.instance);
        (one.started_millis, &one.id) > (other.started_millis, &other.id)
    }
}

/// One for each address: of two instances there, the one that came later. In the order
/// of their ids, which is the same each time.
fn endpoints<'a>(called: impl Iterator<Item = &'a Known>) -> Vec<Endpoint> {
    let mut at: HashMap<&Address, &Known> = HashMap::new();
    for known in called {
        let there = at.entry(&known.instance.address).or_insert(known);
        if known.is_later(there) {
            *there = known;
        }
    }
    let mut called: Vec<_> = at.into_values().collect();
    called.sort_by(|one, other| one.instance.id.cmp(&other.instance.id));
    called
        .into_iter()
        .map(|known| known.endpoint.clone())
        .collect()
}

#[cfg(test)]
mod tests;
