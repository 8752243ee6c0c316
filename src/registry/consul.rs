//! Adapter: Consul, services of its agents with a check that must be renewed.

mod agents;
mod catalog;
mod follow;

use super::{
    http::{Http, Turn},
    place::token_and_hosts,
    record,
};
use crate::{BoxStream, Instance, Listing, Registry, RegistryFuture, Result, check_service};
use agents::{Agents, Chance};
use catalog::{check_id, registration, service_id, status};
use follow::Stage;
use http::HeaderValue;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

pub(super) const FORM: &str = "`consul://host:8500/package.Service` (Consul)";

const PORT: u16 = 8500;

/// The token of a URL that has none, as in Consul's own tools.
const TOKEN_VARIABLE: &str = "CONSUL_HTTP_TOKEN";

/// For what is asked as a whole,
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// and for a list.
const LIST_TIMEOUT: Duration = Duration::from_secs(12);

/// What an agent knows is told again after so long, in case it was told something else by
/// others, or by what was given up too late.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// One service of an agent for each instance, `package.Service:id`, whose check expires
/// when it is not renewed and has the record as its notes.
#[derive(Clone)]
struct ConsulRegistry(Arc<Consul>);

struct Consul {
    agents: Agents,
    scheme: &'static str,
    /// The agents' own, if there is none.
    datacenter: Option<String>,
    /// What was registered here, by the id of its service.
    registered: Mutex<HashMap<String, Registered>>,
}

#[derive(Default)]
struct Registered {
    /// What was told last, with success, and when.
    told: Option<(Told, Instant)>,
    /// Agents that may list it, and until when.
    agents: Vec<(Turn, Instant)>,
}

/// The record and the lease that the agent of a host was told.
#[derive(PartialEq)]
struct Told {
    host: usize,
    record: Vec<u8>,
    lease: Duration,
}

/// `consul://token@host:8500,host:8500/datacenter`.
pub(super) fn open(authority: &str, path: &str) -> Result<Arc<dyn Registry>, String> {
    open_as(authority, path, "consul")
}

/// The same over TLS, for certificates that this machine trusts.
#[cfg(feature = "tls")]
pub(super) mod tls {
    use crate::Registry;
    use std::sync::Arc;

    pub(in crate::registry) const FORM: &str =
        "`consuls://host:8501/package.Service` (Consul, over TLS)";

    pub(in crate::registry) fn open(
        authority: &str,
        path: &str,
    ) -> Result<Arc<dyn Registry>, String> {
        super::open_as(authority, path, "consuls")
    }
}

fn open_as(authority: &str, path: &str, scheme: &'static str) -> Result<Arc<dyn Registry>, String> {
    let is_tls = scheme == "consuls";
    let (token, hosts) = token_and_hosts(authority, PORT + u16::from(is_tls))?;
    let token = token.or_else(|| std::env::var(TOKEN_VARIABLE).ok());
    let token = token.filter(|token| !token.is_empty()).map(header);
    let datacenter = path.trim_matches('/');
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !datacenter.bytes().all(known) {
        let datacenter = datacenter.escape_debug();
        return Err(format!(
            "`{datacenter}` is no datacenter of Consul: write letters, digits, `-` and `_`"
        ));
    }
    Ok(Arc::new(ConsulRegistry(Arc::new(Consul {
        agents: Agents::new(Http::new(hosts, is_tls), token.transpose()?),
        scheme,
        datacenter: (!datacenter.is_empty()).then(|| datacenter.to_owned()),
        registered: Mutex::default(),
    }))))
}

fn header(token: String) -> Result<HeaderValue, String> {
    let header = HeaderValue::try_from(token);
    let mut header = header.map_err(|_| "its token cannot be sent: write letters and digits")?;
    header.set_sensitive(true);
    Ok(header)
}

impl Consul {
    fn registered(&self) -> MutexGuard<'_, HashMap<String, Registered>> {
        self.registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that the agent lists `instance` for `lease`.
    async fn put(&self, chance: Chance, instance: &Instance, lease: Duration) -> Result<()> {
        let id = service_id(instance);
        let tell = Told {
            host: chance.turn.host,
            record: record::write(instance),
            lease,
        };
        let is_told = {
            let mut registered = self.registered();
            let known = registered.entry(id.clone()).or_default();
            let now = Instant::now();
            known.may_be_at(chance.turn, now + CALL_TIMEOUT + lease);
            known.is_told(&tell, now)
        };
        if is_told && self.renew(chance, &id, instance).await? {
            return Ok(());
        }
        // Checks that are gone from it are removed, and so is what an earlier one was.
        let path = "/v1/agent/service/register?replace-existing-checks=true";
        let service = registration(instance, &tell.record, lease);
        let is_done = self.agents.put(chance, path, service).await?;
        // A check that was there keeps the status that it had.
        if !is_done || !self.renew(chance, &id, instance).await? {
            let why = "what was registered is not there";
            return Err(self.agents.failed(chance, &why));
        }
        self.check_datacenter(chance, &id).await?;
        if let Some(known) = self.registered().get_mut(&id) {
            known.told = Some((tell, Instant::now()));
        }
        Ok(())
    }

    /// Begins its lease anew; whether the agent has such a service.
    async fn renew(&self, chance: Chance, id: &str, instance: &Instance) -> Result<bool> {
        let path = format!("/v1/agent/check/update/{}", check_id(id));
        let update = json!({ "Status": status(instance) }).to_string();
        self.agents.put(chance, &path, update.into()).await
    }

    /// Agents register in their own datacenter, so it must be that of the URL.
    async fn check_datacenter(&self, chance: Chance, id: &str) -> Result<()> {
        let Some(wanted) = &self.datacenter else {
            return Ok(());
        };
        let path = format!("/v1/agent/service/{id}");
        let answer = self.agents.get(chance, &path).await?;
        let service: Option<Value> = serde_json::from_slice(&answer).ok();
        let is = service.as_ref().and_then(|it| it["Datacenter"].as_str());
        if is == Some(wanted) {
            return Ok(());
        }
        self.remove(chance, id).await?;
        let is = is.unwrap_or_default().escape_debug();
        Err(self.agents.failed(
            chance,
            &format_args!(
                "it is an agent of datacenter `{is}`, and not of `{wanted}`: servers register \
                 with an agent of their own datacenter"
            ),
        ))
    }

    async fn remove(&self, chance: Chance, id: &str) -> Result<()> {
        let path = format!("/v1/agent/service/deregister/{id}");
        let removed = self.agents.put(chance, &path, Vec::new());
        removed.await.map(drop)
    }

    /// Takes it from each agent that may list it.
    async fn remove_all(&self, chance: Chance, instance: &Instance) -> Result<()> {
        let id = service_id(instance);
        self.remove(chance, &id).await?;
        let others = match self.registered().get_mut(&id) {
            Some(known) => {
                known.told = None;
                known.agents_but(chance.turn)
            }
            None => Vec::new(),
        };
        for turn in others {
            self.remove(Chance { turn, ..chance }, &id).await?;
        }
        self.registered().remove(&id);
        Ok(())
    }
}

impl Registered {
    /// That agent may list it until then.
    fn may_be_at(&mut self, turn: Turn, until: Instant) {
        let others = |(known, _): &(Turn, Instant)| known.host != turn.host;
        self.agents.retain(others);
        self.agents.push((turn, until));
    }

    /// Whether an agent knows that, and need not be told again. If not, then until it has
    /// been told, since nobody knows what it may have heard of that.
    fn is_told(&mut self, tell: &Told, now: Instant) -> bool {
        let is_told = |(told, at): &(Told, Instant)| told == tell && now - *at < TOLD_AGAIN_AFTER;
        self.told.take_if(|told| !is_told(told));
        self.told.is_some()
    }

    fn agents_but(&self, but: Turn) -> Vec<Turn> {
        let now = Instant::now();
        let may = self.agents.iter().filter(|(_, until)| *until > now);
        let turns = may.map(|(turn, _)| *turn);
        turns.filter(|turn| turn.host != but.host).collect()
    }
}

impl Registry for ConsulRegistry {
    fn register<'a>(&'a self, instance: &'a Instance, lease: Duration) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let put = |chance| self.0.put(chance, instance, lease);
            self.0.agents.in_turn(CALL_TIMEOUT, put).await
        })
    }

    fn deregister<'a>(&'a self, instance: &'a Instance) -> RegistryFuture<'a> {
        Box::pin(async move {
            instance.check()?;
            let remove = |chance| self.0.remove_all(chance, instance);
            self.0.agents.in_turn(CALL_TIMEOUT, remove).await
        })
    }

    fn watch(&self, service: &str) -> BoxStream<Listing> {
        if let Err(status) = check_service(service) {
            return Box::pin(tokio_stream::once(Err(status)));
        }
        let begun = (self.0.clone(), Stage::Begun(service.to_owned()));
        Box::pin(futures_util::stream::unfold(
            begun,
            |(consul, stage)| async {
                let (listed, stage) = stage.next(&consul).await?;
                Some((listed, (consul, stage)))
            },
        ))
    }
}

impl fmt::Debug for ConsulRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.0.agents.hosts();
        write!(f, "{}://{hosts}", self.0.scheme)?;
        match &self.0.datacenter {
            Some(datacenter) => write!(f, "/{datacenter}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_holds_for_a_minute_unless_it_changes() {
        let told = |host, record: &[u8], seconds| Told {
            host,
            record: record.into(),
            lease: Duration::from_secs(seconds),
        };
        let now = Instant::now();
        let mut known = Registered::default();
        let mut is_told = |told_before: Option<Told>, tell, after| {
            if let Some(before) = told_before {
                known.told = Some((before, now));
            }
            known.is_told(&tell, now + Duration::from_secs(after))
        };
        assert!(!is_told(None, told(0, b"a", 1), 0));
        assert!(is_told(Some(told(0, b"a", 1)), told(0, b"a", 1), 59));
        assert!(!is_told(None, told(0, b"a", 1), 60));
        for other in [told(1, b"a", 1), told(0, b"b", 1), told(0, b"a", 2)] {
            assert!(!is_told(Some(told(0, b"a", 1)), other, 0));
            // It was not told that, and may have been.
            assert!(!is_told(None, told(0, b"a", 1), 0));
        }
    }
}
