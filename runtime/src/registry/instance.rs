//! One running copy of one service, as a registry holds it.

use super::address;
use crate::{
    endpoint::Address,
    status::{Result, Status},
};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of the full name of a service.
const SERVICE_BYTES_MAX: usize = 200;
/// Bytes of an id.
const ID_BYTES_MAX: usize = 128;
/// Bytes of a zone, of the name of a method, and of a key of metadata.
const NAME_BYTES_MAX: usize = 256;
/// Methods of one service.
const METHODS_MAX: usize = 1_000;
/// Bytes of their names.
const METHOD_BYTES_MAX: usize = 64 << 10;
/// Bytes of a name that a certificate can have (SPIFFE-ID, section 2.3).
const IDENTITY_BYTES_MAX: usize = 2048;
/// Keys of metadata.
const METADATA_KEYS_MAX: usize = 64;
/// Bytes of all metadata of an instance.
const METADATA_BYTES_MAX: usize = 16 << 10;
/// What SRV records can say.
const WEIGHT_MAX: u32 = 65_535;

/// One running copy of one service, as a registry holds it. It is not believed
/// before it passed [`check`](Self::check).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instance {
    /// The full name of the service, `orders.v1.Orders`.
    pub service: String,
    /// Its own among the instances of the service: letters, digits, `-`, `_` and
    /// `.`, at most 128 of them, the first no `.`.
    pub id: String,
    /// Where it is called.
    pub address: Address,
    /// The zone it runs in: calls from the same zone prefer it.
    pub zone: Option<String>,
    /// Wants so many times the calls of an instance of weight 1, up to 65,535.
    pub weight: u32,
    /// Whether it can take calls. Others are preferred to one that cannot.
    pub healthy: bool,
    /// The names of the methods it serves; empty if it did not say. Calls of other
    /// methods do not go to it.
    pub methods: BTreeSet<String>,
    /// A hash of what the .proto says of those methods: the same in all instances
    /// that were built from one .proto.
    pub descriptor_hash: Option<u64>,
    /// When it was started, in milliseconds since 1970. Of two instances at one
    /// address, the later one is there.
    pub started_millis: u64,
    /// Who it proves to be over TLS: a URI, such as a SPIFFE ID, or a DNS name in its
    /// certificate. It is not called over TLS if it does not.
    pub identity: Option<String>,
    /// Whatever else others should know, at most 16 KiB.
    pub metadata: BTreeMap<String, String>,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is no record.
    Unreadable,
    /// Its service, id, zone or one of its methods is no name.
    Name,
    /// Nobody should call its address.
    Address,
    /// There is too much of something.
    Size,
    /// There is another of its id.
    Duplicate,
    /// There are too many records.
    Count,
}

impl Flaw {
    pub(crate) const ALL: [Self; 6] = [
        Self::Unreadable,
        Self::Name,
        Self::Address,
        Self::Size,
        Self::Duplicate,
        Self::Count,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Name => "name",
            Self::Address => "address",
            Self::Size => "size",
            Self::Duplicate => "duplicate",
            Self::Count => "count",
        }
    }
}

impl Instance {
    /// A healthy instance of weight 1 that says nothing else of itself.
    pub fn new(service: impl Into<String>, id: impl Into<String>, address: Address) -> Self {
        Self {
            service: service.into(),
            id: id.into(),
            address,
            zone: None,
            weight: 1,
            healthy: true,
            methods: BTreeSet::new(),
            descriptor_hash: None,
            started_millis: 0,
            identity: None,
            metadata: BTreeMap::new(),
        }
    }

    /// Whether a call of `method` may go to it.
    pub fn serves(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.contains(method)
    }

    /// Checks names, sizes, and that the address is one that a server can have. An
    /// adapter may make keys and paths of the service and the id of what passes.
    ///
    /// # Errors
    /// INVALID_ARGUMENT, and what is wrong.
    pub fn check(&self) -> Result<()> {
        // Link-local addresses are somebody's; who may be called is not said here.
        self.flaw(true)
            .map_or(Ok(()), |(_, why)| Err(Status::invalid_argument(why)))
    }

    /// What is wrong with it.
    pub(crate) fn flaw(&self, allows_link_local: bool) -> Option<(Flaw, String)> {
        if let Err(status) = check_service(&self.service) {
            return Some((Flaw::Name, status.message().to_owned()));
        }
        let service = &self.service;
        if !is_id(&self.id) {
            let why = format!(
                "`{}` is no id of an instance of `{service}`",
                shown(&self.id)
            );
            return Some((Flaw::Name, why));
        }
        let flawed = |(flaw, why)| {
            (
                flaw,
                format!("instance `{}` of `{service}`: {why}", self.id),
            )
        };
        let address = address::flaw(&self.address, allows_link_local);
        let flaw = address.map(|why| (Flaw::Address, why));
        flaw.or_else(|| self.flawed_labels()).map(flawed)
    }

    fn flawed_labels(&self) -> Option<(Flaw, String)> {
        let name = |why: String| Some((Flaw::Name, why));
        let size = |why: String| Some((Flaw::Size, why));
        if let Some(zone) = self.zone.as_ref().filter(|zone| !is_label(zone)) {
            return name(format!("`{}` is no name of a zone", shown(zone)));
        }
        if let Some(identity) = self.identity.as_ref().filter(|name| !is_identity(name)) {
            let why = "is no URI and no DNS name, which a certificate could have";
            return name(format!("its identity `{}` {why}", shown(identity)));
        }
        if !(1..=WEIGHT_MAX).contains(&self.weight) {
            let weight = self.weight;
            return size(format!("its weight {weight} is not in 1 to {WEIGHT_MAX}"));
        }
        if self.methods.len() > METHODS_MAX {
            return size(format!("it has more than {METHODS_MAX} methods"));
        }
        let lengths = self.methods.iter().map(String::len);
        if lengths.sum::<usize>() > METHOD_BYTES_MAX {
            return size(format!(
                "the names of its methods have more than {METHOD_BYTES_MAX} bytes"
            ));
        }
        if let Some(method) = self.methods.iter().find(|method| !is_identifier(method)) {
            return name(format!("`{}` is no name of a method", shown(method)));
        }
        if self.metadata.len() > METADATA_KEYS_MAX {
            return size(format!(
                "it has more than {METADATA_KEYS_MAX} keys of metadata"
            ));
        }
        if let Some(key) = self.metadata.keys().find(|key| !is_label(key)) {
            return name(format!("`{}` is no key of metadata", shown(key)));
        }
        let lengths = self
            .metadata
            .iter()
            .map(|(key, value)| key.len() + value.len());
        if lengths.sum::<usize>() > METADATA_BYTES_MAX {
            return size(format!(
                "its metadata has more than {METADATA_BYTES_MAX} bytes"
            ));
        }
        None
    }
}

/// Checks that `service` is the full name of a service, as .proto files spell it: an
/// adapter may make keys and paths of it.
///
/// # Errors
/// INVALID_ARGUMENT when it is not.
pub fn check_service(service: &str) -> Result<()> {
    let is_name = service.len() <= SERVICE_BYTES_MAX && service.split('.').all(is_identifier);
    match is_name {
        true => Ok(()),
        false => Err(Status::invalid_argument(format!(
            "`{}` is no full name of a service, such as `orders.v1.Orders`",
            shown(service)
        ))),
    }
}

fn is_identifier(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= NAME_BYTES_MAX
        && text.bytes().all(known)
        && text.starts_with(|first: char| !first.is_ascii_digit())
}

fn is_id(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(known) && !text.starts_with('.')
}

/// Whether a person could read it in one line.
fn is_label(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control)
}

fn is_identity(text: &str) -> bool {
    (1..=IDENTITY_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// As much of `text` as a log should have, nothing of which acts on a terminal.
fn shown(text: &str) -> String {
    text.escape_debug().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> Instance {
        let address = "10.0.0.7:50051".parse().unwrap();
        let mut instance = Instance::new("orders.v1.Orders", "a-1_b.c", address);
        instance.zone = Some("zürich 1/ä".to_owned());
        instance.identity = Some("spiffe://prod/orders".to_owned());
        instance.methods = ["Get", "Put_2"].map(str::to_owned).into();
        instance.metadata = BTreeMap::from([("版".to_owned(), "\n \"ü\"".to_owned())]);
        instance
    }

    fn flaw_of(change: impl FnOnce(&mut Instance)) -> Option<Flaw> {
        let mut instance = instance();
        change(&mut instance);
        instance.flaw(false).map(|(flaw, _)| flaw)
    }

    #[test]
    fn what_a_server_says_of_itself_passes() {
        assert_eq!(instance().flaw(false), None);
        assert!(instance().check().is_ok());
    }

    #[test]
    fn names_that_could_lead_elsewhere_do_not_pass() {
        for service in ["", ".", "a.", "../a", "a/b", "a b", "1a", "ä.B", "a.v1.B\n"] {
            let flaw = flaw_of(|instance| instance.service = service.to_owned());
            assert_eq!(flaw, Some(Flaw::Name), "{service:?}");
        }
        for id in [
            "", ".", "..", ".a", "a/b", "a\\b", "a b", "ä", "a\0", "a*", "a>",
        ] {
            let flaw = flaw_of(|instance| instance.id = id.to_owned());
            assert_eq!(flaw, Some(Flaw::Name), "{id:?}");
        }
        let name = Some(Flaw::Name);
        assert_eq!(flaw_of(|one| one.zone = Some("a\x1b[31m".to_owned())), name);
        assert_eq!(flaw_of(|one| one.zone = Some(String::new())), name);
        assert_eq!(flaw_of(|one| one.methods = ["a/b".to_owned()].into()), name);
        for identity in [
            "",
            "a b",
            "spiffe://a/\n",
            "ä",
            &"a".repeat(IDENTITY_BYTES_MAX + 1),
        ] {
            let flaw = flaw_of(|instance| instance.identity = Some(identity.to_owned()));
            assert_eq!(flaw, name, "{identity:?}");
        }
    }

    #[test]
    fn there_is_enough_of_everything() {
        let long = |bytes: usize| "a".repeat(bytes);
        let name = Some(Flaw::Name);
        assert_eq!(flaw_of(|one| one.id = long(ID_BYTES_MAX)), None);
        assert_eq!(flaw_of(|one| one.id = long(ID_BYTES_MAX + 1)), name);
        assert_eq!(flaw_of(|one| one.service = long(SERVICE_BYTES_MAX)), None);
        assert_eq!(
            flaw_of(|one| one.service = long(SERVICE_BYTES_MAX + 1)),
            name
        );
        let size = Some(Flaw::Size);
        assert_eq!(flaw_of(|one| one.weight = 0), size);
        assert_eq!(flaw_of(|one| one.weight = WEIGHT_MAX + 1), size);
        assert_eq!(flaw_of(|one| one.weight = WEIGHT_MAX), None);
        let methods = |count: usize| (0..count).map(|nth| format!("M{nth}")).collect();
        assert_eq!(flaw_of(|one| one.methods = methods(METHODS_MAX)), None);
        assert_eq!(flaw_of(|one| one.methods = methods(METHODS_MAX + 1)), size);
        let value = |bytes| BTreeMap::from([("k".to_owned(), long(bytes))]);
        assert_eq!(
            flaw_of(|one| one.metadata = value(METADATA_BYTES_MAX - 1)),
            None
        );
        assert_eq!(
            flaw_of(|one| one.metadata = value(METADATA_BYTES_MAX)),
            size
        );
    }

    #[test]
    fn an_instance_that_says_no_methods_may_serve_all() {
        assert!(instance().serves("Get") && !instance().serves("Other"));
        let mut silent = instance();
        silent.methods.clear();
        assert!(silent.serves("Other"));
    }
}
