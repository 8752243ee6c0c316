//! Adapter: etcd, of version 3.

use super::{place::Place, record, records::Records, waiting::Waiting};
use crate::{
    BoxStream, Instance, Listing, Registry, RegistryFuture, Result, Status, check_service,
};
use etcd_client::{
    Client, Compare, CompareOp, ConnectOptions, Error, EventType, GetOptions, PutOptions, Txn,
    TxnOp, WatchOptions, WatchResponse, WatchStream,
};
use futures_util::FutureExt;
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    runtime,
    time::{Instant, timeout, timeout_at},
};

pub(super) const FORM: &str = "`etcd://host:2379,host:2379/package.Service` (etcd)";

const PORT: u16 = 2379;

/// What the keys of a URL without a path begin with.
const PREFIX: &str = "cordial";

/// For what is asked as a whole,
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// for a list of many pages,
const LIST_TIMEOUT: Duration = Duration::from_secs(12);

/// and for one connection, so that there is time to ask something over it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A server that says nothing for so long is asked whether it is there,
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// and is not if it says nothing to that.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Records in one page of a list, and bytes of it, which so many of the largest fit in.
const PAGE_RECORDS: i64 = 200;
const PAGE_BYTES_MAX: usize = 64 << 20;

/// Pages of a list that are read.
const PAGES_MAX: usize = 500;

/// One lease and one key for each instance: `prefix/package.Service/id`, a record of
/// JSON. A renewal writes nothing as long as the key is as it was written.
#[derive(Clone)]
struct EtcdRegistry(Arc<Etcd>);

struct Etcd {
    place: Place,
    is_tls: bool,
    prefix: String,
    link: tokio::sync::Mutex<Link>,
    /// The number of the last connection that was given up.
    left: AtomicU64,
    /// What was registered here, by key.
    leases: Mutex<HashMap<String, Lease>>,
}

/// The connection that all share.
#[derive(Default)]
struct Link {
    /// Tasks of the runtime it was made on are part of it.
    client: Option<(runtime::Id, Client)>,
    /// How many connections there were.
    number: u64,
    /// Hosts that were given up: whose turn it is.
    given_up: usize,
}

#[derive(Clone)]
struct Lease {
    id: i64,
    seconds: i64,
    record: Vec<u8>,
    /// The one that wrote the record; 0 if none is known to have.
    revision: i64,
}

/// `etcd://user:password@host:2379,host:2379/prefix`.
pub(super) fn open(authority: &str, path: &str) -> Result<Arc<dyn Registry>, String> {
    open_as(authority, path, false)
}

/// The same over TLS, for certificates that this machine trusts.
#[cfg(feature = "tls")]
pub(super) mod tls {
    use crate::Registry;
    use std::sync::Arc;

    pub(in crate::registry) const FORM: &str =
        "`etcds://host:2379,host:2379/package.Service` (etcd, over TLS)";

    pub(in crate::registry) fn open(
        authority: &str,
        path: &str,
    ) -> Result<Arc<dyn Registry>, String> {
        super::open_as(authority, path, true)
    }
}

fn open_as(authority: &str, path: &str, is_tls: bool) -> Result<Arc<dyn Registry>, String> {
    let prefix = match path.trim_matches('/') {
        "" => PREFIX,
        path => path,
    };
    Ok(Arc::new(EtcdRegistry(Arc::new(Etcd {
        place: Place::parse(authority, PORT)?,
        is_tls,
        prefix: prefix.to_owned(),
        link: Default::default(),
        left: AtomicU64::new(0),
        leases: Mutex::default(),
    }))))
}

impl Etcd {
    fn options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_timeout(CALL_TIMEOUT)
            .with_keep_alive(KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT)
            .with_keep_alive_while_idle(true)
            // A server that lost the others says so, rather than nothing.
            .with_require_leader(true);
        if let Some((name, password)) = &self.place.user {
            options = options.with_user(name, password);
        }
        #[cfg(feature = "tls")]
        if self.is_tls {
            options = options.with_tls(etcd_client::TlsOptions::new().with_native_roots());
        }
        options
    }

    /// The client, its number, and the host it is connected to.
    async fn client(&self) -> Result<(Client, u64, &str)> {
        let here = runtime::Handle::current().id();
        let mut link = self.link.lock().await;
        let link = &mut *link;
        let hosts = &self.place.hosts;
        if self.left.load(Relaxed) >= link.number && link.client.take().is_some() {
            link.given_up += 1;
        }
        let host = &*hosts[link.given_up % hosts.len()];
        if let Some((runtime, client)) = &link.client
            && *runtime == here
        {
            return Ok((client.clone(), link.number, host));
        }
        let scheme = if self.is_tls { "https" } else { "http" };
        let waiting = Waiting::new(|| link.given_up += 1);
        let connected = Client::connect([format!("{scheme}://{host}")], Some(self.options()));
        let connected = timeout(CONNECT_TIMEOUT, connected).await;
        let failed = |why: &dyn fmt::Display| Status::unavailable(format!("`{host}`: {why}"));
        match connected {
            Ok(Ok(client)) => {
                waiting.answered();
                link.client = Some((here, client.clone()));
                link.number += 1;
                Ok((client, link.number, host))
            }
            Ok(Err(error)) => {
                waiting.failed();
                Err(failed(&shown(&error)))
            }
            Err(_) => {
                waiting.failed();
                Err(failed(&format_args!(
                    "no answer within {CONNECT_TIMEOUT:?}"
                )))
            }
        }
    }

    /// Leaves the connection of this number, and tries the next host next.
    fn give_up(&self, number: u64) {
        self.left.fetch_max(number, Relaxed);
    }

    /// Asks whichever host it is the turn of.
    async fn ask<T, F: Future<Output = Result<T, Error>>>(
        &self,
        limit: Duration,
        ask: impl FnOnce(Client) -> F,
    ) -> Result<(T, u64)> {
        let due = Instant::now() + limit;
        let (client, number, host) = match timeout_at(due, self.client()).await {
            Ok(client) => client?,
            Err(_) => return Err(Status::unavailable(format!("no connection in {limit:?}"))),
        };
        let waiting = Waiting::new(|| self.give_up(number));
        let why = match timeout_at(due, ask(client)).await {
            Ok(Ok(answer)) => {
                waiting.answered();
                return Ok((answer, number));
            }
            Ok(Err(error)) => shown(&error),
            Err(_) => format!("no answer within {limit:?}"),
        };
        waiting.failed();
        Err(Status::unavailable(format!("`{host}`: {why}")))
    }

    fn key(&self, instance: &Instance) -> String {
        format!("{}/{}/{}", self.prefix, instance.service, instance.id)
    }

    fn leases(&self) -> std::sync::MutexGuard<'_, HashMap<String, Lease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that `key` is `record`, for `seconds`.
    async fn put(
        &self,
        mut client: Client,
        key: String,
        record: Vec<u8>,
        seconds: i64,
    ) -> Result<(), Error> {
        let known = self.leases().get(&key).cloned();
        let mut lease = match known {
            Some(lease) if lease.seconds == seconds && renew(&mut client, lease.id).await? => lease,
            _ => {
                let id = client.lease_grant(seconds, None).await?.id();
                let record = Vec::new();
                let lease = Lease {
                    id,
                    seconds,
                    record,
                    revision: 0,
                };
                // Known before anything is written, so that it can be revoked.
                self.leases().insert(key.clone(), lease.clone());
                lease
            }
        };
        let as_written = match lease.record == record {
            true => Compare::mod_revision(&*key, CompareOp::Equal, lease.revision),
            // No key was written at it.
            false => Compare::mod_revision(&*key, CompareOp::Less, 0),
        };
        let options = PutOptions::new().with_lease(lease.id);
        let put = TxnOp::put(&*key, &*record, Some(options));
        let done = client
            .txn(Txn::new().when([as_written]).or_else([put]))
            .await?;
        if !done.succeeded() {
            lease.revision = done.header().map_or(0, |header| header.revision());
            lease.record = record;
            self.leases().insert(key, lease);
        }
        Ok(())
    }

    /// Reads the list, and follows it from there.
    async fn follow(&self, client: Client, prefix: String) -> Result<Follow, Error> {
        let mut records = Records::default();
        let end = end_of(&prefix);
        let (mut from, mut revision) = (prefix.clone().into_bytes(), 0);
        let mut reader = client.kv_client().max_decoding_message_size(PAGE_BYTES_MAX);
        for _ in 0..PAGES_MAX {
            let options = GetOptions::new()
                .with_range(&*end)
                .with_limit(PAGE_RECORDS)
                .with_revision(revision);
            let page = reader.get(from.clone(), Some(options)).await?;
            if revision == 0 {
                revision = page.header().map_or(0, |header| header.revision());
            }
            for pair in page.kvs() {
                records.put(&id_of(pair.key(), &prefix), pair.value());
            }
            match page.kvs().last() {
                Some(last) if page.more() => {
                    from = last.key().to_vec();
                    from.push(0);
                }
                _ => break,
            }
        }
        let options = WatchOptions::new()
            .with_range(end)
            .with_start_revision(revision + 1);
        let mut watcher = client
            .watch_client()
            .max_decoding_message_size(PAGE_BYTES_MAX);
        let events = watcher.watch(&*prefix, Some(options)).await?;
        Ok(Follow {
            prefix,
            records,
            events,
        })
    }
}

/// Renews a lease; whether there was one.
async fn renew(client: &mut Client, lease: i64) -> Result<bool, Error> {
    match client.lease_keep_alive(lease).await {
        Ok(_) => Ok(true),
        // The one thing that is not heard of elsewhere: it has ended.
        Err(Error::LeaseKeepAliveError(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What the id in a key is, whoever wrote it.
fn id_of(key: &[u8], prefix: &str) -> String {
    String::from_utf8_lossy(key.get(prefix.len()..).unwrap_or_default()).into_owned()
}

/// The first key after all that begin with `prefix`, which ends with `/`.
fn end_of(prefix: &str) -> String {
    let mut end = prefix.trim_end_matches('/').to_owned();
    end.push('0');
    end
}

fn shown(error: &Error) -> String {
    match error {
        Error::GRpcStatus(status) => format!("{:?}: {}", status.code(), status.message()),
        error => error.to_string(),
    }
}

/// A list that is followed.
struct Follow {
    prefix: String,
    records: Records,
    events: WatchStream,
}

impl Follow {
    /// The next list, of all that has arrived.
    async fn next(&mut self) -> Result<Listing, String> {
        let mut changed = false;
        while !changed {
            let arrived = self.events.message().await;
            changed = self.take(arrived)?;
            while let Some(arrived) = self.events.message().now_or_never() {
                changed |= self.take(arrived)?;
            }
        }
        Ok(self.records.listing())
    }

    fn take(&mut self, arrived: Result<Option<WatchResponse>, Error>) -> Result<bool, String> {
        let arrived = arrived.map_err(|error| shown(&error))?;
        let arrived = arrived.ok_or_else(|| "it ended the watch".to_owned())?;
        if arrived.compact_revision() > 0 {
            return Err("what was not read yet has been compacted".to_owned());
        }
        if arrived.canceled() {
            return Err(format!("it ended the watch: {}", arrived.cancel_reason()));
        }
        let mut changed = false;
        for event in arrived.events() {
            let Some(pair) = event.kv() else { continue };
            let id = id_of(pair.key(), &self.prefix);
            changed |= match event.event_type() {
                EventType::Put => self.records.put(&id, pair.value()),
                EventType::Delete => self.records.remove(&id),
            };
        }
        Ok(changed)
    }
}

impl Registry for EtcdRegistry {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let (key, record) = (self.0.key(instance), record::write(instance));
            let seconds = lease.as_secs() + u64::from(lease.subsec_nanos() > 0);
            let seconds = i64::try_from(seconds.max(1)).unwrap_or(i64::MAX);
            let put = |client| self.0.put(client, key, record, seconds);
            self.0.ask(CALL_TIMEOUT, put).await.map(drop)
        })
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let key = self.0.key(instance);
            let lease = self.0.leases().get(&key).map(|lease| lease.id);
            let delete = async |mut client: Client| {
                client.delete(&*key, None).await?;
                if let Some(lease) = lease {
                    // It takes along what a call that was dropped may yet write.
                    let _ended_already = client.lease_revoke(lease).await;
                }
                Ok(())
            };
            self.0.ask(CALL_TIMEOUT, delete).await?;
            self.0.leases().remove(&key);
            Ok(())
        })
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        if let Err(status) = check_service(service) {
            return Box::pin(tokio_stream::once(Err(status)));
        }
        let prefix = format!("{}/{service}/", self.0.prefix);
        let begun = (self.0.clone(), Stage::Begun(prefix));
        Box::pin(futures_util::stream::unfold(begun, |(etcd, stage)| async {
            let (listed, stage) = stage.next(&etcd).await?;
            Some((listed, (etcd, stage)))
        }))
    }
}

/// How far a watch has come.
enum Stage {
    Begun(String),
    /// Over the connection of this number.
    Follows(Box<Follow>, u64),
    Failed,
}

impl Stage {
    async fn next(self, etcd: &Etcd) -> Option<(Result<Listing>, Self)> {
        match self {
            Self::Begun(prefix) => {
                let follow = |client| etcd.follow(client, prefix);
                match etcd.ask(LIST_TIMEOUT, follow).await {
                    Ok((follow, number)) => {
                        let listing = follow.records.listing();
                        Some((Ok(listing), Self::Follows(Box::new(follow), number)))
                    }
                    Err(status) => Some((Err(status), Self::Failed)),
                }
            }
            Self::Follows(mut follow, number) => match follow.next().await {
                Ok(listing) => Some((Ok(listing), Self::Follows(follow, number))),
                Err(why) => {
                    etcd.give_up(number);
                    Some((Err(Status::unavailable(why)), Self::Failed))
                }
            },
            Self::Failed => None,
        }
    }
}

impl fmt::Debug for EtcdRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.0.is_tls { "etcds" } else { "etcd" };
        write!(
            f,
            "{scheme}://{}/{}",
            self.0.place.hosts.join(","),
            self.0.prefix
        )
    }
}
