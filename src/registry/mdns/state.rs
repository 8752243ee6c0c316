//! What is known of a network, and what this process says there.

use super::txt::{Key, Txt, lease, said};
use crate::{Instance, Result, Status};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Records that are held, of all hosts of a network.
const RECORDS_MAX: usize = 10_000;
/// Instances that one process registers.
const OWN_MAX: usize = 1_000;

/// How long it is said that an instance of somebody else was taken out: longer than he
/// takes to hear of it.
const GONE_KEPT: Duration = Duration::from_secs(30);

/// How long caches may repeat what was said before a goodbye: a second, and some more.
const OVER_KEPT: Duration = Duration::from_secs(10);

/// What was read of a record, or why not.
pub(super) type Read = Result<Arc<Instance>, String>;

/// By the names of their DNS services.
#[derive(Default)]
pub(super) struct State {
    heard: HashMap<String, Heard>,
    own: BTreeMap<Key, Own>,
}

struct Heard {
    txt: Txt,
    /// The last announcement, or the end of all.
    at: Instant,
    is_over: bool,
    read: Read,
}

impl Heard {
    /// When it ends, if it is not announced again.
    fn ends(&self) -> Instant {
        match self.is_over {
            true => self.at,
            false => self.at + self.txt.lease,
        }
    }
}

/// What this process announces.
#[derive(Clone)]
pub(super) struct Own {
    pub(super) name: String,
    pub(super) txt: Txt,
    pub(super) port: u16,
    until: Instant,
}

impl State {
    /// Sees to it that `instance` is listed until its lease has passed: what to announce
    /// for that. A new one is called what `name` makes.
    pub(super) fn put(
        &mut self,
        instance: &Instance,
        port: u16,
        asked: Duration,
        now: Instant,
        name: impl FnOnce() -> String,
    ) -> Result<Own> {
        let key = Key::of(instance);
        let said = Some(said(instance)?);
        let lease = lease(asked);
        let stamp = self.stamp(&key);
        if self.own.len() >= OWN_MAX && !self.own.contains_key(&key) {
            return Err(Status::resource_exhausted(format!(
                "one process announces {OWN_MAX} instances at most"
            )));
        }
        let own = self.own.entry(key.clone()).or_insert_with(|| Own {
            name: name(),
            txt: Txt {
                key,
                stamp,
                beat: 0,
                lease,
                said: None,
            },
            port,
            until: now,
        });
        if own.txt.said != said {
            own.txt.stamp = stamp;
        }
        own.txt.said = said;
        own.txt.lease = lease;
        own.txt.beat += 1;
        own.port = port;
        own.until = now + lease;
        Ok(own.clone())
    }

    /// Takes an instance out, whoever announced it: what to say for that, and whether it
    /// was this process, which then says no more of it.
    pub(super) fn remove(
        &mut self,
        instance: &Instance,
        port: u16,
        now: Instant,
        name: impl FnOnce() -> String,
    ) -> Option<(Own, bool)> {
        let key = Key::of(instance);
        let stamp = self.stamp(&key);
        let own = self.own.remove(&key);
        if let Some(mut own) = own {
            let is_there = own.txt.said.take().is_some();
            if !is_there {
                // It says so already.
                self.own.insert(key, own);
                return None;
            }
            (own.txt.stamp, own.txt.beat) = (stamp, own.txt.beat + 1);
            return Some((own, true));
        }
        let is_there = |heard: &Heard| heard.txt.key == key && heard.txt.said.is_some();
        if !self.heard.values().any(is_there) || self.own.len() >= OWN_MAX {
            return None;
        }
        let gone = Own {
            name: name(),
            txt: Txt {
                key: key.clone(),
                stamp,
                beat: 1,
                lease: GONE_KEPT,
                said: None,
            },
            port,
            until: now + GONE_KEPT,
        };
        self.own.insert(key, gone.clone());
        Some((gone, false))
    }

    /// Higher than those of all records of that key.
    fn stamp(&self, key: &Key) -> u64 {
        let heard = self.heard.values().map(|heard| &heard.txt);
        let own = self.own.get(key).map(|own| &own.txt);
        let known = heard.chain(own).filter(|txt| txt.key == *key);
        let highest = known.map(|txt| txt.stamp).max().unwrap_or(0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let micros = since.map_or(0, |since| since.as_micros() as u64);
        micros.max(highest.saturating_add(1))
    }

    /// Takes over what was announced under `name`. What this process has announced of the
    /// same, if that was before, it announces no more: its name.
    pub(super) fn hear(&mut self, name: String, txt: Txt, now: Instant) -> Option<String> {
        let known = self.heard.get(&name);
        // What a cache repeats is no sign of life.
        if known.is_some_and(|known| known.txt.beat >= txt.beat) {
            return None;
        }
        let same = known.filter(|known| (&known.txt.said, &known.txt.key) == (&txt.said, &txt.key));
        let read = match same {
            Some(same) => same.read.clone(),
            None => txt.instance().map(Arc::new),
        };
        if known.is_none() && self.heard.len() >= RECORDS_MAX {
            self.heard.retain(|_, heard| heard.ends() > now);
            if self.heard.len() >= RECORDS_MAX {
                tracing::debug!(name, "the network has more than {RECORDS_MAX} records");
                return None;
            }
        }
        let own = self.own.get(&txt.key);
        let gives_way = own
            .is_some_and(|own| own.name != name && (txt.stamp, &name) > (own.txt.stamp, &own.name));
        let over = match gives_way {
            true => self.own.remove(&txt.key).map(|own| own.name),
            false => None,
        };
        let new = Heard {
            txt,
            at: now,
            is_over: false,
            read,
        };
        self.heard.insert(name, new);
        over
    }

    /// Nothing is announced under `name` any more. What a cache says of it after that is
    /// old, so that much is remembered for a while.
    pub(super) fn forget(&mut self, name: &str, now: Instant) {
        if let Some(heard) = self.heard.get_mut(name) {
            heard.at = now;
            heard.is_over = true;
            heard.txt.said = None;
        }
        let is_old = |heard: &Heard| now.duration_since(heard.at) >= OVER_KEPT;
        self.heard
            .retain(|_, heard| !heard.is_over || !is_old(heard));
    }

    /// What this process announces no more, since nobody has renewed it: the last to say
    /// of it.
    pub(super) fn ended(&mut self, now: Instant) -> Vec<Own> {
        let over = self.own.iter().filter(|(_, own)| own.until <= now);
        let over: Vec<_> = over.map(|(key, _)| key.clone()).collect();
        let ended = over.iter().filter_map(|key| {
            let mut own = self.own.remove(key)?;
            // Who has registered it since counts.
            own.txt.said = None;
            own.txt.beat += 1;
            Some(own)
        });
        ended.collect()
    }

    /// When there is something more that ended.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.own.values().map(|own| own.until).min()
    }

    /// Whether this process announces that instance.
    pub(super) fn has(&self, instance: &Instance) -> bool {
        self.own.contains_key(&Key::of(instance))
    }

    /// Whether what this process announced has come back. If that was the last of it,
    /// it may have been forgotten since.
    pub(super) fn has_heard(&self, own: &Own, was_last: bool) -> bool {
        match self.heard.get(&own.name) {
            Some(heard) => heard.txt.beat >= own.txt.beat || was_last && heard.is_over,
            None => was_last,
        }
    }

    /// The records of `service` that count now, by id, and when the next of them ends.
    pub(super) fn live(
        &self,
        service: &str,
        now: Instant,
    ) -> (Vec<(String, Read)>, Option<Instant>) {
        let mut best: BTreeMap<&str, (u64, &str, &Heard)> = BTreeMap::new();
        let mut next: Option<Instant> = None;
        for (name, heard) in &self.heard {
            let ends = heard.ends();
            if heard.txt.key.service != service || ends <= now {
                continue;
            }
            next = Some(next.map_or(ends, |next| next.min(ends)));
            let rank = (heard.txt.stamp, &**name, heard);
            let known = best.entry(&heard.txt.key.id).or_insert(rank);
            if (known.0, known.1) < (rank.0, rank.1) {
                *known = rank;
            }
        }
        let counts = best
            .into_iter()
            .filter(|(_, best)| best.2.txt.said.is_some());
        let live = counts.map(|(id, (_, _, heard))| (id.to_owned(), heard.read.clone()));
        (live.collect(), next)
    }
}

#[cfg(test)]
mod tests;
