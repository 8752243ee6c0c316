//! What an API server of Kubernetes keeps: objects, each at a revision, and what changed.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The kind of objects and their namespace: `leases` and `shop`.
pub type Collection = (String, String);

/// An HTTP status, its reason, and a message.
pub type Refusal = (u16, &'static str, String);

/// All annotations of an object.
const ANNOTATION_BYTES_MAX: usize = 256 << 10;

#[derive(Default)]
pub struct Store {
    revision: u64,
    /// Nothing before is known any more.
    compacted: u64,
    objects: BTreeMap<(Collection, String), Value>,
    events: Vec<Event>,
    /// What is left of lists that are read by pages, by the token that continues them.
    pages: HashMap<String, (u64, Vec<Value>)>,
}

struct Event {
    revision: u64,
    collection: Collection,
    kind: &'static str,
    object: Value,
}

impl Store {
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Forgets what changed until now, and one more that nobody was told of.
    pub fn compact(&mut self) {
        self.revision += 1;
        self.compacted = self.revision;
        self.events.clear();
    }

    pub fn create(&mut self, of: &Collection, object: Value) -> Result<Value, Refusal> {
        let name = name_of(&object)?;
        if self.objects.contains_key(&(of.clone(), name.clone())) {
            return Err((409, "AlreadyExists", format!("\"{name}\" already exists")));
        }
        self.write(of, name, object)
    }

    /// Writes over what is there, unless that is of another revision than `object` says.
    pub fn replace(&mut self, of: &Collection, object: Value) -> Result<Value, Refusal> {
        let name = name_of(&object)?;
        let known = self.get(of, &name)?;
        let revision = &object["metadata"]["resourceVersion"];
        if !revision.is_null() && *revision != known["metadata"]["resourceVersion"] {
            return Err(conflict(&name));
        }
        self.write(of, name, object)
    }

    /// Writes the fields that `object` has, whether there was one or not.
    pub fn apply(&mut self, of: &Collection, object: Value) -> Result<Value, Refusal> {
        let name = name_of(&object)?;
        let mut applied = self.get(of, &name).unwrap_or_else(|_| json!({}));
        merge(&mut applied, object);
        self.write(of, name, applied)
    }

    pub fn delete(
        &mut self,
        of: &Collection,
        name: &str,
        revision: Option<&str>,
    ) -> Result<Value, Refusal> {
        let mut object = self.get(of, name)?;
        if revision.is_some_and(|revision| object["metadata"]["resourceVersion"] != *revision) {
            return Err(conflict(name));
        }
        self.revision += 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        self.objects.remove(&(of.clone(), name.to_owned()));
        self.tell(of, "DELETED", object.clone());
        Ok(object)
    }

    pub fn delete_all(&mut self, of: &Collection) {
        for object in self.listed(of, "") {
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            self.delete(of, &name, None).unwrap();
        }
    }

    /// A list as it was when its first page was read.
    pub fn list(
        &mut self,
        of: &Collection,
        selector: &str,
        limit: usize,
        token: Option<&str>,
    ) -> Result<Value, Refusal> {
        let (revision, mut items) = match token {
            None => (self.revision, self.listed(of, selector)),
            Some(token) => {
                self.pages
                    .remove(token)
                    .ok_or((410, "Expired", "no such list".to_owned()))?
            }
        };
        let rest = items.split_off(limit.min(items.len()));
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if !rest.is_empty() {
            let token = format!("{}-{}", self.revision, self.pages.len());
            metadata["continue"] = json!(token);
            self.pages.insert(token, (revision, rest));
        }
        Ok(json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items}))
    }

    /// What changed after `revision`.
    pub fn events(
        &self,
        of: &Collection,
        selector: &str,
        revision: u64,
    ) -> Result<Vec<Value>, Refusal> {
        if revision < self.compacted {
            let why = format!("too old resource version: {revision} ({})", self.compacted);
            return Err((410, "Expired", why));
        }
        let new = self.events.iter().filter(|event| {
            event.revision > revision
                && event.collection == *of
                && is_selected(&event.object, selector)
        });
        Ok(new
            .map(|event| json!({"type": event.kind, "object": event.object}))
            .collect())
    }

    pub fn get(&self, of: &Collection, name: &str) -> Result<Value, Refusal> {
        let known = self.objects.get(&(of.clone(), name.to_owned()));
        known
            .cloned()
            .ok_or_else(|| (404, "NotFound", format!("\"{name}\" not found")))
    }

    fn listed(&self, of: &Collection, selector: &str) -> Vec<Value> {
        let of = self.objects.iter().filter(|((its, _), _)| its == of);
        of.map(|(_, object)| object)
            .filter(|object| is_selected(object, selector))
            .cloned()
            .collect()
    }

    fn write(&mut self, of: &Collection, name: String, object: Value) -> Result<Value, Refusal> {
        check(&object)?;
        let key = (of.clone(), name);
        let known = self.objects.get(&key);
        let without = |object: &Value| {
            let mut object = object.clone();
            object["metadata"]["resourceVersion"] = Value::Null;
            object
        };
        // What is written again as it was is not written.
        if let Some(known) = known.filter(|known| without(known) == without(&object)) {
            return Ok(known.clone());
        }
        let kind = known.map_or("ADDED", |_| "MODIFIED");
        self.revision += 1;
        let mut written = object;
        written["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        written["metadata"]["namespace"] = json!(of.1);
        self.objects.insert(key, written.clone());
        self.tell(of, kind, written.clone());
        Ok(written)
    }

    fn tell(&mut self, of: &Collection, kind: &'static str, object: Value) {
        self.events.push(Event {
            revision: self.revision,
            collection: of.clone(),
            kind,
            object,
        });
    }
}

fn conflict(name: &str) -> Refusal {
    let why = format!("\"{name}\": the object has been modified");
    (409, "Conflict", why)
}

fn invalid(why: String) -> Refusal {
    (422, "Invalid", why)
}

fn name_of(object: &Value) -> Result<String, Refusal> {
    let name = object["metadata"]["name"].as_str();
    name.map(str::to_owned)
        .ok_or_else(|| invalid("metadata.name: Required value".to_owned()))
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn is_selected(object: &Value, selector: &str) -> bool {
    let wanted = selector.split(',').filter(|wanted| !wanted.is_empty());
    wanted.into_iter().all(|wanted| {
        let (key, value) = wanted.split_once('=').expect("`key=value`");
        object["metadata"]["labels"][key] == *value
    })
}

/// What the real one would refuse, of what an adapter could do wrong.
fn check(object: &Value) -> Result<(), Refusal> {
    let is_alphanumeric = |text: &str| {
        let ends = [text.chars().next(), text.chars().last()];
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        ends.into_iter()
            .flatten()
            .all(|end| end.is_ascii_alphanumeric())
            && text.chars().all(known)
    };
    let metadata = &object["metadata"];
    let name = name_of(object)?;
    let is_name = is_alphanumeric(&name) && !name.contains('_') && name == name.to_lowercase();
    if !is_name || !(1..=253).contains(&name.len()) {
        return Err(invalid(format!("metadata.name: Invalid value: {name:?}")));
    }
    let empty = Map::new();
    let labels = metadata["labels"].as_object().unwrap_or(&empty);
    for label in labels.values().map(|label| label.as_str().unwrap()) {
        if label.len() > 63 || !is_alphanumeric(label) {
            return Err(invalid(format!(
                "metadata.labels: Invalid value: {label:?}"
            )));
        }
    }
    let annotations = metadata["annotations"].as_object().unwrap_or(&empty);
    let bytes = annotations
        .iter()
        .map(|(key, value)| key.len() + value.as_str().unwrap().len());
    if bytes.sum::<usize>() > ANNOTATION_BYTES_MAX {
        let why = format!("metadata.annotations: Too long: {ANNOTATION_BYTES_MAX}");
        return Err(invalid(why));
    }
    let ports = object["ports"].as_array().into_iter().flatten();
    let mut names = HashSet::new();
    for name in ports.map(|port| port["name"].as_str().unwrap_or_default()) {
        if !names.insert(name) {
            return Err(invalid(format!("ports.name: Duplicate value: {name:?}")));
        }
    }
    let seconds = &object["spec"]["leaseDurationSeconds"];
    if seconds.as_i64().is_some_and(|seconds| seconds < 1) {
        let why = "spec.leaseDurationSeconds: Invalid value: must be greater than 0";
        return Err(invalid(why.to_owned()));
    }
    Ok(())
}
