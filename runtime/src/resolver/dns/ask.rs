//! One question, and what came of it.

use hickory_resolver::{
    Hosts, TokioResolver,
    config::{
        ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
        ServerOrderingStrategy,
    },
    net::{DnsError, NetError, NoRecords, runtime::TokioRuntimeProvider},
    proto::{
        op::{Query, ResponseCode},
        rr::{Name, RData, Record, RecordType},
    },
    system_conf::read_system_conf,
};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::pin,
    time::Duration,
};
use tokio::time::timeout;

/// For one question, however often it is asked: twice the 5 s that `resolv.conf`
/// gives a server.
pub(super) const QUESTION_TIMEOUT: Duration = Duration::from_secs(10);

/// For the addresses of the other family, once there are some of one: some servers
/// never answer for AAAA.
const FAMILY_GRACE: Duration = Duration::from_secs(1);

/// How long what the hosts file says is taken for true.
const HOSTS_FRESH: Duration = Duration::from_secs(30);

/// Steps from a name to what it stands for.
const ALIASES_MAX: usize = 16;

/// Whom to ask, and how.
pub(super) struct Asked {
    resolver: TokioResolver,
    servers: String,
    /// What the system knows without asking.
    hosts: Option<Hosts>,
    search: Vec<Name>,
    dots_min: usize,
}

/// Records, and how long they may be taken for true.
#[derive(Debug)]
pub(super) struct Found<T> {
    pub(super) records: Vec<T>,
    pub(super) fresh: Duration,
}

/// Why there are no records.
#[derive(Clone, Debug)]
pub(super) struct Unknown {
    pub(super) why: String,
    kind: UnknownKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnknownKind {
    /// There are none.
    None,
    /// A server failed, another name may do better.
    Failed,
    /// Nobody answered, or nothing that makes sense.
    Silent,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.servers)
    }
}

impl Unknown {
    pub(super) fn none(why: impl Into<String>) -> Self {
        let why = why.into();
        let kind = UnknownKind::None;
        Self { why, kind }
    }

    /// The same, of another name than the one that was asked for first.
    pub(super) fn at(mut self, name: &Name) -> Self {
        self.why = format!("`{name}`: {}", self.why);
        self
    }

    fn of(error: &NetError, kind: RecordType) -> Self {
        let (why, kind) = match error {
            NetError::Dns(DnsError::NoRecordsFound(NoRecords { response_code, .. })) => {
                let why = match *response_code {
                    ResponseCode::NXDomain => "there is no such name (NXDOMAIN)".to_owned(),
                    ResponseCode::NoError => format!("it has no {kind} records"),
                    code => format!("no {kind} records ({})", short(code)),
                };
                (why, UnknownKind::None)
            }
            NetError::Dns(DnsError::ResponseCode(code)) => {
                let why = format!("the server failed ({})", short(*code));
                (why, UnknownKind::Failed)
            }
            NetError::Timeout => ("no answer".to_owned(), UnknownKind::Silent),
            error => (error.to_string(), UnknownKind::Silent),
        };
        Self { why, kind }
    }
}

/// The names that everybody knows, and ours for the rest.
fn short(code: ResponseCode) -> String {
    match code {
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        code => code.to_string(),
    }
}

impl Asked {
    /// This server, and nobody and nothing else.
    pub(super) fn server(address: SocketAddr) -> Result<Self, Unknown> {
        let at_port = |mut connection: ConnectionConfig| {
            connection.port = address.port();
            connection
        };
        let connections = vec![
            at_port(ConnectionConfig::udp()),
            at_port(ConnectionConfig::tcp()),
        ];
        let server = NameServerConfig::new(address.ip(), true, connections);
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut asked = Self::new(config, ResolverOpts::default())?;
        asked.servers = address.to_string();
        Ok(asked)
    }

    /// Whatever the system would: its hosts file, then the servers of `resolv.conf`.
    pub(super) async fn system() -> Result<Self, Unknown> {
        let read = || (read_system_conf(), Hosts::from_system());
        let (conf, hosts) = tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| Unknown::none("the runtime is shutting down"))?;
        let (config, options) = conf.unwrap_or_else(|error| {
            tracing::debug!(%error, "no resolv.conf: asking 127.0.0.1, as the C library does");
            let server = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
            let config = ResolverConfig::from_name_servers(vec![server]);
            (config, ResolverOpts::default())
        });
        let mut asked = Self::new(config, options)?;
        asked.hosts = hosts.ok();
        Ok(asked)
    }

    fn new(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, Unknown> {
        let servers: Vec<_> = config
            .name_servers()
            .iter()
            .map(|server| server.ip)
            .collect();
        let servers = servers
            .iter()
            .map(IpAddr::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let search = match (config.search(), config.domain()) {
            ([], Some(domain)) => vec![domain.clone()],
            (search, _) => search.to_vec(),
        };
        let dots_min = options.ndots;
        // The hosts file is asked here, for both families at once.
        options.use_hosts_file = ResolveHosts::Never;
        options.cache_size = 0;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        *builder.options_mut() = options;
        let resolver = builder
            .build()
            .map_err(|error| Unknown::of(&error, RecordType::A))?;
        Ok(Self {
            resolver,
            servers,
            hosts: None,
            search,
            dots_min,
        })
    }

    /// The addresses of `name`, or of the first of the names that it is short for.
    pub(super) async fn addresses(&self, name: &str) -> Result<Found<IpAddr>, Unknown> {
        let name = read_name(name)?;
        if let Some(found) = self.known(&name) {
            return Ok(found);
        }
        let mut failed = None;
        let mut none = None;
        for name in self.full_names(name) {
            let unknown = match self.both_families(&name).await {
                Ok(found) => return Ok(found),
                Err(unknown) => unknown,
            };
            match unknown.kind {
                UnknownKind::None => none = Some(unknown),
                UnknownKind::Failed => failed = Some(unknown),
                UnknownKind::Silent => return Err(unknown),
            }
        }
        let unknown = failed.or(none);
        Err(unknown.unwrap_or_else(|| Unknown::none("there is no such name")))
    }

    /// What the hosts file says, and that `localhost` is here (RFC 6761).
    fn known(&self, name: &Name) -> Option<Found<IpAddr>> {
        let hosts = self.hosts.as_ref()?;
        let kinds = [RecordType::AAAA, RecordType::A];
        let found = kinds.map(|kind| hosts.lookup_static_host(&Query::query(name.clone(), kind)));
        let answers = found.iter().flatten().flat_map(|found| found.answers());
        let mut records: Vec<_> = answers.filter_map(|record| record.data.ip_addr()).collect();
        if records.is_empty() && name.is_localhost() {
            records = vec![Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()];
        }
        let fresh = HOSTS_FRESH;
        (!records.is_empty()).then_some(Found { records, fresh })
    }

    /// What `name` may be short for, in the order of `resolv.conf`.
    fn full_names(&self, name: Name) -> Vec<Name> {
        let mut full = name.clone();
        full.set_fqdn(true);
        if name.is_fqdn() || self.search.is_empty() {
            return vec![full];
        }
        let searched = self.search.iter().filter_map(|domain| {
            let mut name = name.clone().append_domain(domain).ok()?;
            name.set_fqdn(true);
            Some(name)
        });
        let dots = usize::from(name.num_labels()).saturating_sub(1);
        let mut names: Vec<_> = searched.collect();
        match dots >= self.dots_min {
            true => names.insert(0, full),
            false => names.push(full),
        }
        names
    }

    /// The addresses of a full name, of both families.
    async fn both_families(&self, name: &Name) -> Result<Found<IpAddr>, Unknown> {
        let mut six = pin!(self.ask(name, RecordType::AAAA, usable));
        let mut four = pin!(self.ask(name, RecordType::A, usable));
        let (six, four) = tokio::select! {
            six = &mut six => {
                let four = other_family(&six, four).await;
                (six, four)
            }
            four = &mut four => {
                let six = other_family(&four, six).await;
                (six, four)
            }
        };
        match (six, four) {
            (Ok(mut six), Ok(four)) => {
                six.records.extend(four.records);
                six.fresh = six.fresh.min(four.fresh);
                Ok(six)
            }
            (Ok(found), Err(unknown)) | (Err(unknown), Ok(found)) => {
                if unknown.kind != UnknownKind::None {
                    tracing::debug!(%name, %unknown, "addresses of one family only");
                }
                Ok(found)
            }
            // A family without records tells less than one that could not be asked for.
            (Err(six), Err(four)) => Err(match six.kind {
                UnknownKind::None if four.kind == UnknownKind::None && six.why != four.why => {
                    Unknown::none("it has neither A nor AAAA records of use")
                }
                UnknownKind::None => four,
                _ => six,
            }),
        }
    }

    /// The records of one kind that `read` can make use of.
    pub(super) async fn ask<T>(
        &self,
        name: &Name,
        kind: RecordType,
        read: impl Fn(&RData) -> Option<T>,
    ) -> Result<Found<T>, Unknown> {
        let silent = || Unknown {
            why: format!("no answer within {QUESTION_TIMEOUT:?}"),
            kind: UnknownKind::Silent,
        };
        let lookup = self.resolver.lookup(name.clone(), kind);
        let lookup = match timeout(QUESTION_TIMEOUT, lookup).await {
            Err(_) | Ok(Err(NetError::Timeout)) => return Err(silent()),
            Ok(Err(error)) => return Err(Unknown::of(&error, kind)),
            Ok(Ok(lookup)) => lookup,
        };
        let mut fresh = u32::MAX;
        let mut records = Vec::new();
        for record in about(name, lookup.answers()) {
            fresh = fresh.min(record.ttl);
            records.extend(read(&record.data));
        }
        if records.is_empty() {
            return Err(Unknown::none(format!("it has no {kind} records of use")));
        }
        let fresh = Duration::from_secs(fresh.into());
        Ok(Found { records, fresh })
    }
}

/// What the other family says, and no longer than it is worth.
async fn other_family(
    one: &Result<Found<IpAddr>, Unknown>,
    other: impl Future<Output = Result<Found<IpAddr>, Unknown>>,
) -> Result<Found<IpAddr>, Unknown> {
    if one.is_err() {
        return other.await;
    }
    timeout(FAMILY_GRACE, other).await.unwrap_or_else(|_| {
        Err(Unknown {
            why: format!("no answer within {FAMILY_GRACE:?} of that for the other family"),
            kind: UnknownKind::Silent,
        })
    })
}

pub(super) fn read_name(name: &str) -> Result<Name, Unknown> {
    Name::from_ascii(name).map_err(|error| Unknown::none(error.to_string()))
}

/// An address that one can connect to. 0.0.0.0 and its like stand for this very
/// machine, and in an answer for a name that is blocked.
fn usable(data: &RData) -> Option<IpAddr> {
    let ip = data.ip_addr()?.to_canonical();
    let broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    let usable = !(ip.is_unspecified() || ip.is_multicast() || broadcast);
    if !usable {
        tracing::warn!(%ip, "nobody can be reached at an address that DNS told");
    }
    usable.then_some(ip)
}

/// The records of `name` and of what it is an alias of; an answer may hold others.
fn about<'a>(name: &Name, answers: &'a [Record]) -> Vec<&'a Record> {
    let mut about = Vec::new();
    let mut name = name.clone();
    for _ in 0..ALIASES_MAX {
        let own = answers.iter().filter(|record| record.name == name);
        about.extend(own.clone());
        let alias = own.clone().find_map(|record| match &record.data {
            RData::CNAME(alias) => Some(alias.0.clone()),
            _ => None,
        });
        match alias {
            Some(alias) => name = alias,
            None => break,
        }
    }
    about
}

#[cfg(test)]
mod tests;
