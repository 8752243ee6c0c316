//! Which instances are called, of those a registry has listed.

use crate::{
    endpoint::{Address, Endpoint},
    registry::{Counts, Flaw, Instance, Listing, RECORDS_MAX},
};
use std::{
    collections::{HashMap, hash_map::Entry},
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
    /// How many lists there have been.
    round: u64,
}

#[derive(Debug)]
struct Known {
    instance: Arc<Instance>,
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
            round: 0,
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
        let known = self.known.get_mut(&instance.id);
        if known
            .as_ref()
            .is_some_and(|known| known.round == self.round)
        {
            return Some((
                Flaw::Duplicate,
                format!("two have the id `{}`", instance.id),
            ));
        }
        let checked = known
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(&known.instance, instance));
        if !checked && let Some(flaw) = self.rules.flaw(instance) {
            return Some(flaw);
        }
        match self.known.entry(instance.id.clone()) {
            Entry::Vacant(vacant) => drop(vacant.insert(Known {
                instance: instance.clone(),
                round: self.round,
                since: now,
                is_gone: false,
                returns: 0,
            })),
            Entry::Occupied(mut occupied) => {
                let known = occupied.get_mut();
                known.round = self.round;
                known.instance = instance.clone();
                if known.is_gone {
                    known.is_gone = false;
                    known.since = now;
                    known.returns += 1;
                } else if now.duration_since(known.since) >= GONE_KEPT {
                    known.returns = 0;
                }
            }
        }
        None
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
        // What has been due changes nothing more.
        due.filter(|due| *due > Instant::now()).min()
    }

    /// Whom to call: see [`RegistryResolver`](super::RegistryResolver).
    pub(super) fn endpoints(&mut self, now: Instant) -> Vec<Endpoint> {
        self.forget(now);
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
        let kept = gone.iter().filter(|_| keeps);
        let called: Vec<_> = called.chain(kept).map(|known| &known.instance).collect();
        let any_healthy = called.iter().any(|instance| instance.healthy);
        let called = called.into_iter().filter(|one| one.healthy || !any_healthy);
        endpoints(called)
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

/// One for each address: of two instances there, the one that came later. In the order
/// of their ids, which is the same each time.
fn endpoints<'a>(instances: impl Iterator<Item = &'a Arc<Instance>>) -> Vec<Endpoint> {
    let mut at: HashMap<&Address, &Instance> = HashMap::new();
    for instance in instances {
        let there = at.entry(&instance.address).or_insert(instance);
        let later = |one: &Instance| (one.started_millis, one.id.clone());
        if there.id != instance.id && later(there) < later(instance) {
            *there = instance;
        }
    }
    let mut instances: Vec<_> = at.into_values().collect();
    instances.sort_by(|one, other| one.id.cmp(&other.id));
    let endpoint = |instance: &Instance| {
        let endpoint = Endpoint::new(instance.address.clone()).with_weight(instance.weight);
        match &instance.zone {
            Some(zone) => endpoint.with_zone(&**zone),
            None => endpoint,
        }
    };
    instances.into_iter().map(endpoint).collect()
}

#[cfg(test)]
mod tests;
