//! Instances as services of Consul's catalogue.

use crate::{Address, Instance, Listing, registry::record};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, btree_map::Entry as Place},
    sync::Arc,
    time::Duration,
};

/// What the ids of the checks begin with that hold a record, and its lease.
const CHECK: &str = "cordial:";

/// How long Consul keeps what has expired. It knows no shorter time.
const KEPT_EXPIRED: &str = "1m";

/// What Consul takes as `Meta`, beside keys of `[A-Za-z0-9_-]`.
const META_KEYS_MAX: usize = 64;
const META_KEY_BYTES_MAX: usize = 128;
const META_VALUE_BYTES_MAX: usize = 512;
const META_RESERVED: &str = "consul-";

/// Of Consul's services, the id of an instance: `package.Service:id`. Consul takes
/// capital letters for small ones, so they are told apart by a `~`.
pub(super) fn service_id(instance: &Instance) -> String {
    let plain = format!("{}:{}", instance.service, instance.id);
    let mut id = String::with_capacity(plain.len() + 8);
    for character in plain.chars() {
        if character.is_ascii_uppercase() {
            id.push('~');
        }
        id.push(character);
    }
    id
}

/// The id of the check that is its lease.
pub(super) fn check_id(service_id: &str) -> String {
    format!("{CHECK}{service_id}")
}

/// What its check is as long as it is renewed: others are preferred to a `warning`.
pub(super) fn status(instance: &Instance) -> &'static str {
    match instance.healthy {
        true => "passing",
        false => "warning",
    }
}

/// What Consul is told to list: as a service of its own, for those who know nothing
/// of this library, and whole in the notes of its check.
pub(super) fn registration(instance: &Instance, record: &[u8], lease: Duration) -> Vec<u8> {
    let id = service_id(instance);
    let millis = lease.as_nanos().div_ceil(1_000_000).max(1);
    let mut service = json!({
        "ID": id,
        "Name": instance.service,
        "Weights": { "Passing": instance.weight, "Warning": 1 },
        "Meta": meta(instance),
        "Check": {
            "CheckID": check_id(&id),
            "Name": "renewed in time",
            "Notes": String::from_utf8_lossy(record),
            "TTL": format!("{millis}ms"),
            "Status": status(instance),
            "DeregisterCriticalServiceAfter": KEPT_EXPIRED,
        },
    });
    match &instance.address {
        Address::Tcp(address) => {
            service["Address"] = json!(address.ip().to_string());
            service["Port"] = json!(address.port());
        }
        Address::Unix(path) => service["SocketPath"] = json!(path.to_string_lossy()),
    }
    service.to_string().into_bytes()
}

/// Zone and metadata, as far as Consul takes them.
fn meta(instance: &Instance) -> BTreeMap<&str, &str> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let zone = instance.zone.iter().map(|zone| ("zone", zone));
    let metadata = instance.metadata.iter();
    zone.chain(metadata.map(|(key, value)| (&**key, value)))
        .filter(|(key, value)| {
            (1..=META_KEY_BYTES_MAX).contains(&key.len())
                && key.bytes().all(known)
                && !key.starts_with(META_RESERVED)
                && value.len() <= META_VALUE_BYTES_MAX
        })
        .map(|(key, value)| (key, &**value))
        .take(META_KEYS_MAX)
        .collect()
}

/// What Consul lists of one service, as one watch has read it so far: by the id and
/// the node of each.
#[derive(Default)]
pub(super) struct Services(BTreeMap<(String, String), Known>);

struct Known {
    stamp: Stamp,
    read: Result<Arc<Instance>, String>,
}

/// The indexes at which Consul was told of its node, of itself and of its checks.
type Stamp = [u64; 3];

impl Services {
    /// Takes a whole answer, of `/v1/health/service`; whether that changes the list.
    pub(super) fn take(&mut self, service: &str, answer: &[u8]) -> Result<bool, String> {
        let answer = serde_json::from_slice(answer);
        let answer = answer.map_err(|error| format!("its answer does not read: {error}"))?;
        let Value::Array(entries) = answer else {
            return Err("its answer is no list".to_owned());
        };
        let mut known = std::mem::take(&mut self.0);
        let mut changed = false;
        for entry in &entries {
            let entry = Entry::new(entry).ok_or("its answer is no list of services")?;
            // Consul does not tell names apart that differ in capital letters.
            if entry.text("Service") != service || entry.is("critical") {
                continue;
            }
            let key = (entry.text("ID").to_owned(), entry.node("Node").to_owned());
            let stamp = entry.stamp();
            let now = match known.remove(&key) {
                Some(known) if known.stamp == stamp => known,
                known => {
                    let read = entry.read().map(Arc::new);
                    match known {
                        // What has changed is nothing that is read here.
                        Some(known) if known.read == read => Known { stamp, ..known },
                        _ => {
                            changed = true;
                            Known { stamp, read }
                        }
                    }
                }
            };
            self.0.insert(key, now);
        }
        Ok(changed || !known.is_empty())
    }

    /// Of two with one id, registered with two agents, the later one.
    pub(super) fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        let mut instances: BTreeMap<&str, (u64, Stamp, &Arc<Instance>)> = BTreeMap::new();
        for ((id, node), known) in &self.0 {
            let instance = match &known.read {
                Ok(instance) => instance,
                Err(why) => {
                    let (id, node) = (id.escape_debug(), node.escape_debug());
                    listing.skip(format_args!("service `{id}` of node `{node}`: {why}"));
                    continue;
                }
            };
            let this = (instance.started_millis, known.stamp, instance);
            match instances.entry(&instance.id) {
                Place::Vacant(place) => drop(place.insert(this)),
                Place::Occupied(mut other) => {
                    let [_, at, _] = this.1;
                    let [_, other_at, _] = other.get().1;
                    if (this.0, at) > (other.get().0, other_at) {
                        other.insert(this);
                    }
                }
            }
        }
        for (_, _, instance) in instances.into_values() {
            listing.add(instance.clone());
        }
        listing
    }
}

/// One service of a list.
struct Entry<'a> {
    node: &'a Map<String, Value>,
    service: &'a Map<String, Value>,
    checks: &'a [Value],
}

impl<'a> Entry<'a> {
    fn new(entry: &'a Value) -> Option<Self> {
        Some(Self {
            node: entry.get("Node")?.as_object()?,
            service: entry.get("Service")?.as_object()?,
            checks: entry.get("Checks")?.as_array()?,
        })
    }

    fn text(&self, field: &str) -> &'a str {
        text(self.service, field)
    }

    fn node(&self, field: &str) -> &'a str {
        text(self.node, field)
    }

    /// Whether one of its checks, or of its node's, is that.
    fn is(&self, status: &str) -> bool {
        let mut checks = self.checks.iter();
        checks.any(|check| check.get("Status").and_then(Value::as_str) == Some(status))
    }

    fn stamp(&self) -> Stamp {
        let index = |of: Option<&Value>| of.and_then(Value::as_u64).unwrap_or_default();
        let checks = self.checks.iter();
        [
            index(self.node.get("ModifyIndex")),
            index(self.service.get("ModifyIndex")),
            checks
                .map(|check| index(check.get("ModifyIndex")))
                .fold(0, u64::max),
        ]
    }

    /// The instance that it is the record of; what nobody of this library has
    /// registered is one, too.
    fn read(&self) -> Result<Instance, String> {
        let id = self.text("ID");
        let mut checks = self.checks.iter().filter_map(Value::as_object);
        let check = checks.find(|check| text(check, "CheckID").starts_with(CHECK));
        let mut instance = match check {
            Some(check) => record::read(text(check, "Notes").as_bytes())?,
            None => self.of_others()?,
        };
        if check.is_some() && service_id(&instance) != id {
            return Err("its record is that of another".to_owned());
        }
        instance.healthy &= !self.is("warning");
        Ok(instance)
    }

    fn of_others(&self) -> Result<Instance, String> {
        let host = match self.text("Address") {
            "" => self.node("Address"),
            host => host,
        };
        let port = self.service.get("Port").and_then(Value::as_u64);
        let address = match (self.text("SocketPath"), port) {
            ("", Some(port)) if host.contains(':') => format!("[{host}]:{port}"),
            ("", Some(port)) => format!("{host}:{port}"),
            ("", None) => return Err("it has no port".to_owned()),
            (path, _) => format!("unix:{path}"),
        };
        let wrong = |_| format!("`{}` is no address", address.escape_debug());
        let address = address.parse().map_err(wrong)?;
        // The same id may be there once for each node.
        let id = format!("{}.{}", self.node("Node"), self.text("ID"));
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let id = id.replace(|c: char| !known(c), "_");
        let mut instance = Instance::new(self.text("Service"), id, address);
        let weights = self.service.get("Weights").and_then(Value::as_object);
        let weight = weights.and_then(|weights| weights.get("Passing")?.as_u64());
        instance.weight = u32::try_from(weight.unwrap_or(1))
            .unwrap_or(u32::MAX)
            .max(1);
        let meta = self.service.get("Meta").and_then(Value::as_object);
        for (key, value) in meta.into_iter().flatten() {
            if let Some(value) = value.as_str() {
                instance.metadata.insert(key.clone(), value.to_owned());
            }
        }
        instance.zone = instance.metadata.remove("zone");
        Ok(instance)
    }
}

fn text<'a>(fields: &'a Map<String, Value>, field: &str) -> &'a str {
    fields
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "a.v1.B";

    fn instance(id: &str) -> Instance {
        Instance::new(SERVICE, id, "10.0.0.7:80".parse().unwrap())
    }

    /// What Consul lists of `instance`, registered with the agent of `node`.
    fn entry(node: &str, instance: &Instance, index: u64) -> Value {
        let lease = Duration::from_secs(1);
        let registered = registration(instance, &record::write(instance), lease);
        let registered: Value = serde_json::from_slice(&registered).unwrap();
        let mut check = registered["Check"].clone();
        check["ModifyIndex"] = json!(index);
        let mut service = registered;
        service["Service"] = service["Name"].take();
        service["ModifyIndex"] = json!(index);
        json!({ "Node": { "Node": node }, "Service": service, "Checks": [check] })
    }

    fn take(services: &mut Services, entries: &[Value]) -> bool {
        let answer = serde_json::to_vec(entries).unwrap();
        services.take(SERVICE, &answer).unwrap()
    }

    #[test]
    fn ids_that_differ_differ_to_consul() {
        let ids = ["a", "A", "a.b", "aB", "AB", "ab"];
        let mut spelled: Vec<_> = ids
            .iter()
            .map(|id| service_id(&instance(id)).to_ascii_lowercase())
            .collect();
        assert_eq!(spelled[1], "a.v1.~b:~a");
        spelled.sort();
        spelled.dedup();
        assert_eq!(spelled.len(), ids.len());
    }

    #[test]
    fn consul_is_told_what_it_takes() {
        let mut one = instance("one");
        one.zone = Some("z".to_owned());
        let long = "x".repeat(513);
        for (key, value) in [
            ("good", "ä b"),
            ("", "no key"),
            ("no key", ""),
            ("consul-reserved", ""),
            ("large", &long),
        ] {
            one.metadata.insert(key.to_owned(), value.to_owned());
        }
        assert_eq!(meta(&one), [("good", "ä b"), ("zone", "z")].into());
        for nth in 0..64 {
            one.metadata.insert(format!("n{nth}"), String::new());
        }
        assert_eq!(meta(&one).len(), META_KEYS_MAX);
        let lease = |lease| {
            let registered = registration(&one, b"", lease);
            let registered: Value = serde_json::from_slice(&registered).unwrap();
            registered["Check"]["TTL"].as_str().unwrap().to_owned()
        };
        assert_eq!(lease(Duration::from_micros(1_500_001)), "1501ms");
        assert_eq!(lease(Duration::ZERO), "1ms");
    }

    #[test]
    fn only_changes_change_the_list() {
        let mut services = Services::default();
        let (mut one, two) = (instance("one"), instance("two"));
        let both = [entry("n", &one, 1), entry("n", &two, 2)];
        assert!(take(&mut services, &both));
        assert!(!take(&mut services, &both));
        let first = services.listing().instances()[1].clone();
        assert_eq!(*first, two);
        // Told to Consul again, or changed, or gone.
        assert!(!take(
            &mut services,
            &[entry("n", &one, 3), entry("n", &two, 2)]
        ));
        one.weight = 2;
        assert!(take(
            &mut services,
            &[entry("n", &one, 4), entry("n", &two, 2)]
        ));
        assert_eq!(services.listing().instances()[0].weight, 2);
        assert!(take(&mut services, &[entry("n", &two, 2)]));
        assert!(Arc::ptr_eq(&services.listing().instances()[0], &first));
        let mut down = entry("n", &two, 5);
        down["Checks"][0]["Status"] = json!("critical");
        assert!(take(&mut services, &[down]));
        assert!(services.listing().instances().is_empty());
    }

    #[test]
    fn of_two_agents_the_one_that_was_told_later_is_believed() {
        let (mut older, mut newer) = (instance("one"), instance("one"));
        (older.weight, newer.weight) = (1, 2);
        let mut services = Services::default();
        let mut weight = |entries: &[Value]| {
            take(&mut services, entries);
            let listing = services.listing();
            assert_eq!(listing.instances().len(), 1);
            listing.instances()[0].weight
        };
        assert_eq!(weight(&[entry("m", &newer, 8), entry("n", &older, 7)]), 2);
        assert_eq!(weight(&[entry("m", &older, 7), entry("n", &newer, 8)]), 2);
        newer.started_millis = 1;
        assert_eq!(weight(&[entry("m", &newer, 7), entry("n", &older, 8)]), 2);
    }

    #[test]
    fn a_record_of_another_is_none() {
        let mut lies = entry("n", &instance("one"), 1);
        lies["Service"]["ID"] = json!("a.v1.~B:two");
        let mut services = Services::default();
        assert!(take(&mut services, &[lies]));
        assert_eq!(services.listing().skipped(), 1);
    }
}
