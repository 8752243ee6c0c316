//! An instance as the bytes that registries store: JSON that a person can read.

use crate::{Address, Instance};
use serde_json::{Map, Value, json};

/// Bytes of one record: more than the largest instance that passes the checks.
pub(super) const RECORD_BYTES_MAX: usize = 256 << 10;

/// The record of `instance`: the same bytes each time.
pub(super) fn write(instance: &Instance) -> Vec<u8> {
    let mut record = json!({
        "service": instance.service,
        "id": instance.id,
        "address": instance.address.to_string(),
        "weight": instance.weight,
        "healthy": instance.healthy,
        "methods": instance.methods,
        "started_millis": instance.started_millis,
        "metadata": instance.metadata,
    });
    if let Some(zone) = &instance.zone {
        record["zone"] = json!(zone);
    }
    if let Some(identity) = &instance.identity {
        record["identity"] = json!(identity);
    }
    if let Some(hash) = instance.descriptor_hash {
        // Others who read JSON have no integers of 64 bits.
        record["descriptor_hash"] = json!(format!("{hash:016x}"));
    }
    let mut written = record.to_string().into_bytes();
    written.push(b'\n');
    written
}

/// The instance that `bytes` are the record of, not yet checked. What it does not say
/// is as in [`Instance::new`]; what nobody knows here is passed over.
pub(super) fn read(bytes: &[u8]) -> Result<Instance, String> {
    if bytes.len() > RECORD_BYTES_MAX {
        let bytes = bytes.len();
        return Err(format!("{bytes} bytes are over {RECORD_BYTES_MAX}"));
    }
    let read: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Value::Object(fields) = read else {
        return Err("it is no JSON object".to_owned());
    };
    let address: Address = text(&fields, "address")?
        .ok_or_else(|| missing("address"))?
        .parse()
        .map_err(|_| wrong("address"))?;
    let service = text(&fields, "service")?.ok_or_else(|| missing("service"))?;
    let id = text(&fields, "id")?.ok_or_else(|| missing("id"))?;
    let mut instance = Instance::new(service, id, address);
    instance.zone = text(&fields, "zone")?.map(str::to_owned);
    instance.identity = text(&fields, "identity")?.map(str::to_owned);
    if let Some(weight) = number(&fields, "weight")? {
        instance.weight = u32::try_from(weight).map_err(|_| wrong("weight"))?;
    }
    instance.started_millis = number(&fields, "started_millis")?.unwrap_or_default();
    if let Some(healthy) = fields.get("healthy") {
        instance.healthy = healthy.as_bool().ok_or_else(|| wrong("healthy"))?;
    }
    if let Some(hash) = text(&fields, "descriptor_hash")? {
        let hash = u64::from_str_radix(hash, 16).map_err(|_| wrong("descriptor_hash"))?;
        instance.descriptor_hash = Some(hash);
    }
    if let Some(methods) = fields.get("methods") {
        let methods = methods.as_array().ok_or_else(|| wrong("methods"))?;
        let names = methods.iter().map(|name| name.as_str().map(str::to_owned));
        let names: Option<_> = names.collect();
        instance.methods = names.ok_or_else(|| wrong("methods"))?;
    }
    if let Some(metadata) = fields.get("metadata") {
        let metadata = metadata.as_object().ok_or_else(|| wrong("metadata"))?;
        let entry =
            |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        let entries: Option<_> = metadata.iter().map(entry).collect();
        instance.metadata = entries.ok_or_else(|| wrong("metadata"))?;
    }
    Ok(instance)
}

fn missing(field: &str) -> String {
    format!("it has no `{field}`")
}

fn wrong(field: &str) -> String {
    format!("its `{field}` is none")
}

fn text<'a>(fields: &'a Map<String, Value>, field: &str) -> Result<Option<&'a str>, String> {
    let value = fields.get(field);
    let text = value.map(|value| value.as_str().ok_or_else(|| wrong(field)));
    text.transpose()
}

fn number(fields: &Map<String, Value>, field: &str) -> Result<Option<u64>, String> {
    let value = fields.get(field);
    let number = value.map(|value| value.as_u64().ok_or_else(|| wrong(field)));
    number.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_as_what_was_written() {
        let address = "unix:/run/a b.sock".parse().unwrap();
        let bare = Instance::new("a.v1.B", "one", address);
        assert_eq!(read(&write(&bare)), Ok(bare.clone()));
        let mut full = bare;
        full.zone = Some("a \"b\"".to_owned());
        full.weight = 7;
        full.identity = Some("spiffe://prod/a".to_owned());
        full.healthy = false;
        full.methods = ["Get", "Put"].map(str::to_owned).into();
        full.descriptor_hash = Some(1);
        full.started_millis = u64::MAX;
        full.metadata
            .insert("k\0".to_owned(), "v\u{2028}".to_owned());
        assert_eq!(read(&write(&full)), Ok(full));
    }

    #[test]
    fn a_person_can_write_one() {
        let written = br#"{"service": "a.v1.B", "id": "one", "address": "10.0.0.7:80", "note": 1}"#;
        let address = "10.0.0.7:80".parse().unwrap();
        assert_eq!(read(written), Ok(Instance::new("a.v1.B", "one", address)));
    }

    #[test]
    fn what_is_no_record_says_why() {
        let with = |field: &str| {
            format!(r#"{{"service": "a.v1.B", "id": "one", "address": "10.0.0.7:80", {field}}}"#)
        };
        for (bytes, why) in [
            (String::new(), "EOF"),
            ("{nope".to_owned(), "key must be a string"),
            ("[]".to_owned(), "no JSON object"),
            ("{}".to_owned(), "no `address`"),
            (with(r#""weight": -1"#), "`weight`"),
            (with(r#""weight": 4294967296"#), "`weight`"),
            (with(r#""zone": 1"#), "`zone`"),
            (with(r#""identity": 1"#), "`identity`"),
            (with(r#""healthy": "yes""#), "`healthy`"),
            (with(r#""methods": [1]"#), "`methods`"),
            (with(r#""metadata": {"a": 1}"#), "`metadata`"),
            (with(r#""descriptor_hash": "xyz""#), "`descriptor_hash`"),
            (with(r#""address": "localhost:80""#), "`address`"),
            ("[".repeat(100_000), "recursion"),
            (" ".repeat(RECORD_BYTES_MAX + 1), "bytes are over"),
        ] {
            let said = read(bytes.as_bytes()).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }
}
