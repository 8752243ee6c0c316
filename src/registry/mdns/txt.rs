//! An instance as the TXT record of a DNS service.

use super::super::record;
use crate::{Instance, Result, Status};
use serde_json::{Map, Value};
use std::time::Duration;

/// Bytes of what an instance says beside its service and id: with these, the other records
/// of it and the addresses of its host, it fits in one packet.
const SAID_BYTES_MAX: usize = 850;

/// A string of a TXT record has 255 bytes; this many are of what is said.
const PART_BYTES_MAX: usize = 250;
const PARTS_MAX: usize = SAID_BYTES_MAX.div_ceil(PART_BYTES_MAX);

/// Shorter leases would end between two announcements that were lost.
pub(super) const LEASE_MIN: Duration = Duration::from_secs(2);
/// Others may not ask to be remembered for longer.
const LEASE_MAX: Duration = Duration::from_secs(2 * 3600);

/// Where a record belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) service: String,
    pub(super) id: String,
}

/// What one TXT record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Txt {
    pub(super) key: Key,
    /// Of several of one key that of the highest stamp counts.
    pub(super) stamp: u64,
    /// Grows with each announcement.
    pub(super) beat: u64,
    pub(super) lease: Duration,
    /// The JSON of an instance, without its service and id; `None` if it was taken out.
    pub(super) said: Option<Vec<u8>>,
}

impl Key {
    pub(super) fn of(instance: &Instance) -> Self {
        Self {
            service: instance.service.clone(),
            id: instance.id.clone(),
        }
    }
}

impl Txt {
    /// Those of all TXT records: `service` and the like are for people who look.
    pub(super) fn strings(&self) -> Vec<(String, Vec<u8>)> {
        let lease = self.lease.as_millis().to_string();
        let mut strings = vec![
            ("service".to_owned(), self.key.service.clone().into_bytes()),
            ("id".to_owned(), self.key.id.clone().into_bytes()),
            ("stamp".to_owned(), self.stamp.to_string().into_bytes()),
            ("beat".to_owned(), self.beat.to_string().into_bytes()),
            ("lease".to_owned(), lease.into_bytes()),
        ];
        let parts = self
            .said
            .iter()
            .flat_map(|said| said.chunks(PART_BYTES_MAX));
        let parts = parts.enumerate();
        strings.extend(parts.map(|(nth, part)| (format!("r{nth}"), part.to_vec())));
        strings
    }

    /// Reads what `string` finds by its name; `None` if that is nothing of ours.
    pub(super) fn read<'a>(string: impl Fn(&str) -> Option<&'a [u8]>) -> Option<Self> {
        let text = |name| std::str::from_utf8(string(name)?).ok();
        let number = |name| text(name)?.parse::<u64>().ok();
        let mut said = None;
        for nth in 0..PARTS_MAX {
            let Some(part) = string(&format!("r{nth}")) else {
                break;
            };
            said.get_or_insert_with(Vec::new).extend(part);
        }
        let lease = Duration::from_millis(number("lease")?);
        Some(Self {
            key: Key {
                service: text("service")?.to_owned(),
                id: text("id")?.to_owned(),
            },
            stamp: number("stamp")?,
            beat: number("beat")?,
            lease: lease.clamp(LEASE_MIN, LEASE_MAX),
            said,
        })
    }

    /// The instance that it says.
    pub(super) fn instance(&self) -> Result<Instance, String> {
        let said = self.said.as_deref().unwrap_or_default();
        let said: Value = serde_json::from_slice(said).map_err(|error| error.to_string())?;
        let Value::Object(mut fields) = said else {
            return Err("it is no JSON object".to_owned());
        };
        fields.insert("service".to_owned(), self.key.service.clone().into());
        fields.insert("id".to_owned(), self.key.id.clone().into());
        record::read(Value::Object(fields).to_string().as_bytes())
    }
}

/// As much of `instance` as fits: its methods are left out if they do not.
pub(super) fn said(instance: &Instance) -> Result<Vec<u8>> {
    let written = write(instance);
    if written.len() <= SAID_BYTES_MAX {
        return Ok(written);
    }
    let mut shorter = instance.clone();
    shorter.methods.clear();
    let written = write(&shorter);
    match written.len() {
        ..=SAID_BYTES_MAX => Ok(written),
        bytes => Err(Status::invalid_argument(format!(
            "instance `{}` of `{}` says {bytes} bytes of itself, and one packet of mDNS has room \
             for {SAID_BYTES_MAX}: give it less metadata",
            instance.id, instance.service
        ))),
    }
}

fn write(instance: &Instance) -> Vec<u8> {
    let fields = serde_json::from_slice(&record::write(instance));
    let mut fields: Map<String, Value> = fields.unwrap_or_default();
    fields.remove("service");
    fields.remove("id");
    // What nothing is said of is as it is read anyway.
    fields.retain(|_, value| {
        !(value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(Map::is_empty))
    });
    Value::Object(fields).to_string().into_bytes()
}

pub(super) fn lease(asked: Duration) -> Duration {
    asked.clamp(LEASE_MIN, LEASE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> Instance {
        let address = "10.0.0.7:50051".parse().unwrap();
        let mut instance = Instance::new("a.v1.B", "one", address);
        instance.methods = ["Get", "Put"].map(str::to_owned).into();
        instance.descriptor_hash = Some(7);
        instance.metadata.insert("k".to_owned(), "v".to_owned());
        instance
    }

    fn txt(instance: &Instance) -> Txt {
        Txt {
            key: Key::of(instance),
            stamp: u64::MAX,
            beat: 1,
            lease: Duration::from_secs(3),
            said: Some(said(instance).unwrap()),
        }
    }

    fn read(strings: &[(String, Vec<u8>)]) -> Option<Txt> {
        Txt::read(|name| {
            let found = strings.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| &**value)
        })
    }

    #[test]
    fn a_record_reads_as_what_was_written() {
        let written = txt(&instance());
        assert_eq!(read(&written.strings()).as_ref(), Some(&written));
        assert_eq!(written.instance(), Ok(instance()));
        let gone = Txt {
            said: None,
            ..written
        };
        assert_eq!(read(&gone.strings()), Some(gone));
    }

    #[test]
    fn methods_that_do_not_fit_are_left_out_and_metadata_is_not() {
        let mut large = instance();
        large.methods = (0..100).map(|nth| format!("Method{nth}")).collect();
        let written = txt(&large);
        let strings = written.strings();
        assert!(
            strings
                .iter()
                .all(|(name, value)| name.len() + 1 + value.len() <= 255)
        );
        let told = read(&strings).unwrap().instance().unwrap();
        assert!(told.methods.is_empty() && told.serves("Method1"));
        assert_eq!(told.descriptor_hash, Some(7));
        assert_eq!(told.metadata, large.metadata);
        large
            .metadata
            .insert("k".to_owned(), "v".repeat(SAID_BYTES_MAX));
        let refused = said(&large).unwrap_err();
        assert_eq!(refused.code(), crate::Code::InvalidArgument);
    }

    #[test]
    fn the_longest_names_leave_room() {
        let mut long = instance();
        long.service = "s".repeat(200);
        long.id = "i".repeat(128);
        long.metadata.insert("m".to_owned(), "v".repeat(600));
        let strings = txt(&long).strings();
        let bytes = strings
            .iter()
            .map(|(name, value)| name.len() + 2 + value.len());
        assert!(bytes.sum::<usize>() <= 1_300);
    }

    #[test]
    fn what_is_nothing_of_ours_is_none() {
        let strings = txt(&instance()).strings();
        for (name, _) in strings.iter().filter(|(name, _)| !name.starts_with('r')) {
            let others = strings.iter().filter(|(known, _)| known != name);
            assert_eq!(read(&others.cloned().collect::<Vec<_>>()), None);
        }
    }
}
