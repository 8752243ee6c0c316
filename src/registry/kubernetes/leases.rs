//! What servers write: a Lease for each instance, with its record.

use super::{
    super::record,
    follow::{Book, OBJECTS_MAX},
};
use crate::{Instance, Listing};
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff::Timestamp,
};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Preconditions},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::time::Instant;

/// Which service a Lease is of,
const SERVICE_LABEL: &str = "cordial/service";

/// who may remove it,
const MANAGER_LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "cordial");

/// and the record.
const RECORD: &str = "cordial/record";

/// What a label can hold.
const LABEL_BYTES_MAX: usize = 63;

/// How far apart the clocks of a server and of its reader may be without the reader's first
/// list being without it until it renews.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(1);

/// What ended so long ago is removed by whoever registers next: longer than a clock is
/// wrong that is set to another zone's time.
pub(super) const REMOVED_AFTER: Duration = Duration::from_secs(86_400);

/// A Lease that lasts longer than clocks can say ends then.
const FAR: Duration = Duration::from_secs(86_400);

/// Leases that one sweep looks at, and may remove.
const SWEPT_MAX: u32 = 200;

/// The name of the Lease of an instance: names of Kubernetes are shorter than ids may be,
/// and in lower case.
pub(super) fn name(service: &str, id: &str) -> String {
    format!("cordial-{:032x}", hash(&[service, "/", id]))
}

/// What the Leases of a service are found by.
pub(super) fn selector(service: &str) -> String {
    format!("{SERVICE_LABEL}={}", label(service))
}

/// The service itself, if a label can hold it. No service has a `-`.
fn label(service: &str) -> String {
    let ends = service.starts_with('_') || service.ends_with('_');
    match ends || service.len() > LABEL_BYTES_MAX {
        false => service.to_owned(),
        true => format!("x-{:032x}", hash(&[service])),
    }
}

/// FNV-1a of 128 bits, which is the same in all versions of all programs.
fn hash(parts: &[&str]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = parts.iter().flat_map(|part| part.bytes());
    bytes.fold(BASIS, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

/// The Lease of `instance`, renewed at `now`.
pub(super) fn written(name: &str, instance: &Instance, lasts: Duration, now: SystemTime) -> Lease {
    let seconds = lasts.as_secs() + u64::from(lasts.subsec_nanos() > 0);
    let seconds = i32::try_from(seconds.max(1)).unwrap_or(i32::MAX);
    let record = String::from_utf8_lossy(&record::write(instance)).into_owned();
    let now = Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH);
    let labels = [
        (SERVICE_LABEL.to_owned(), label(&instance.service)),
        (MANAGER_LABEL.0.to_owned(), MANAGER_LABEL.1.to_owned()),
    ];
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.into()),
            annotations: Some([(RECORD.to_owned(), record)].into()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(format!("{}/{}", instance.service, instance.id)),
            lease_duration_seconds: Some(seconds),
            renew_time: Some(MicroTime(now)),
            ..LeaseSpec::default()
        }),
    }
}

/// How long a Lease lasts, and when it was renewed.
#[derive(Clone, Copy, PartialEq)]
struct Term {
    lasts: Duration,
    renewed: SystemTime,
}

impl Term {
    fn of(lease: &Lease) -> Option<Self> {
        let spec = lease.spec.as_ref()?;
        let seconds = u64::try_from(spec.lease_duration_seconds?).ok()?;
        let renewed = spec.renew_time.as_ref()?.0;
        (seconds > 0).then(|| Self {
            lasts: Duration::from_secs(seconds),
            renewed: renewed.into(),
        })
    }

    /// How long ago that was, by the clock here.
    fn age(&self) -> Duration {
        let age = SystemTime::now().duration_since(self.renewed);
        age.unwrap_or_default()
    }

    /// When it ends, if it has not ended; `is_news` if it was renewed just now.
    fn ends(&self, is_news: bool) -> Option<Instant> {
        let left = match is_news {
            true => self.lasts,
            false => (self.lasts + CLOCKS_APART_MAX).saturating_sub(self.age()),
        };
        let now = Instant::now();
        // A time that no clock reaches does not come.
        (!left.is_zero()).then(|| now.checked_add(left.min(self.lasts)).unwrap_or(now + FAR))
    }
}

/// Removes what ended long ago: no reader lists it.
pub(super) async fn sweep(leases: Api<Lease>) {
    let (label, manager) = MANAGER_LABEL;
    let ours = ListParams::default()
        .labels(&format!("{label}={manager}"))
        .limit(SWEPT_MAX);
    let listed = leases.list(&ours).await;
    let listed = listed.map_or_else(
        |error| {
            tracing::debug!(%error, "Leases that ended are not removed");
            Vec::new()
        },
        |listed| listed.items,
    );
    for lease in listed {
        let has_ended = |term: Term| term.age() >= term.lasts + REMOVED_AFTER;
        if !Term::of(&lease).is_some_and(has_ended) {
            continue;
        }
        let name = lease.metadata.name.unwrap_or_default();
        // Not one that has been renewed meanwhile.
        let parameters = DeleteParams::default().preconditions(Preconditions {
            resource_version: lease.metadata.resource_version,
            uid: None,
        });
        if let Err(error) = leases.delete(&name, &parameters).await {
            tracing::debug!(%error, name, "a Lease that ended is not removed");
        }
    }
}

/// The Leases of one service, as one watch has read them so far, by name.
///
/// The registry ends none of them, so this does: one that has not been renewed for as long
/// as it lasts since this watch saw it renewed. No clocks are compared for that. Those of one
/// that was never seen before are, or a list would begin with all who ever died.
#[derive(Default)]
pub(super) struct Leases {
    known: BTreeMap<String, Known>,
    /// When one may end; none does before.
    due: Option<Instant>,
}

struct Known {
    record: String,
    term: Option<Term>,
    read: Result<Arc<Instance>, String>,
    /// None if it has ended.
    ends: Option<Instant>,
}

impl Known {
    fn is_listed(&self) -> bool {
        self.ends.is_some() || self.read.is_err()
    }
}

/// The instance that the Lease `name` is of.
fn read(name: &str, record: &str, term: Option<Term>) -> Result<Arc<Instance>, String> {
    if term.is_none() {
        return Err("it does not say how long it lasts".to_owned());
    }
    let instance = record::read(record.as_bytes())?;
    match self::name(&instance.service, &instance.id) == name {
        true => Ok(Arc::new(instance)),
        false => Err("its name is not that of its service and id".to_owned()),
    }
}

impl Book<Lease> for Leases {
    fn put(&mut self, name: String, mut lease: Lease, is_news: bool) -> bool {
        let term = Term::of(&lease);
        let annotations = lease.metadata.annotations.as_mut();
        let record = annotations.and_then(|annotations| annotations.remove(RECORD));
        let record = record.unwrap_or_default();
        if let Some(known) = self.known.get_mut(&name) {
            if known.term == term && known.record == record {
                return false;
            }
            let was_listed = known.is_listed();
            let mut changed = false;
            if known.record != record || known.term.is_some() != term.is_some() {
                let read = read(&name, &record, term);
                changed = known.read != read;
                if changed {
                    known.read = read;
                }
                known.record = record;
            }
            known.term = term;
            known.ends = term.and_then(|term| term.ends(true));
            self.due = self.due.into_iter().chain(known.ends).min();
            return changed || was_listed != known.is_listed();
        }
        let known = Known {
            read: read(&name, &record, term),
            record,
            term,
            ends: term.and_then(|term| term.ends(is_news)),
        };
        let is_listed = known.is_listed();
        self.due = self.due.into_iter().chain(known.ends).min();
        self.known.insert(name, known);
        if self.known.len() > OBJECTS_MAX {
            self.known.pop_last();
        }
        is_listed
    }

    fn remove(&mut self, name: &str) -> bool {
        self.known
            .remove(name)
            .is_some_and(|known| known.is_listed())
    }

    fn settle(&mut self, seen: &BTreeSet<String>, asked: Instant) -> bool {
        let mut changed = false;
        self.known.retain(|name, known| {
            let stays = seen.contains(name);
            changed |= !stays && known.is_listed();
            stays
        });
        for known in self.known.values_mut() {
            if known.ends.is_some_and(|ends| ends <= asked) {
                let was_listed = known.is_listed();
                known.ends = None;
                changed |= was_listed != known.is_listed();
            }
        }
        self.due = self.known.values().filter_map(|known| known.ends).min();
        changed
    }

    fn due(&mut self) -> Option<Instant> {
        if self.due? <= Instant::now() {
            // Most have been renewed since.
            self.due = self.known.values().filter_map(|known| known.ends).min();
        }
        self.due
    }

    fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        for (name, known) in &self.known {
            match &known.read {
                Ok(instance) if known.ends.is_some() => listing.add(instance.clone()),
                Ok(_) => {}
                Err(why) => listing.skip(format_args!("Lease `{name}`: {why}")),
            }
        }
        listing
    }
}
