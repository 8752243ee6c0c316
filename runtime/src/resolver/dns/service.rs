//! Who offers a service, and where (RFC 2782).

use super::{
    super::again::Answer,
    ask::{Asked, Found, Unknown, read_name},
};
use crate::endpoint::Endpoint;
use hickory_resolver::proto::rr::{RData, RecordType, rdata::SRV};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::{sync::Semaphore, task::JoinSet};

/// Hosts that one answer may name; each is a question of its own.
pub(super) const TARGETS_MAX: usize = 100;

/// How many of them are asked for at a time.
const TARGETS_AT_A_TIME: usize = 8;

/// The endpoints of the lowest priority that has any.
pub(super) async fn endpoints(asked: &Arc<Asked>, service: &str) -> Result<Answer, Unknown> {
    let mut name = read_name(service)?;
    name.set_fqdn(true);
    let service = |data: &RData| match data {
        RData::SRV(target) => Some(target.clone()),
        _ => None,
    };
    let found = asked.ask(&name, RecordType::SRV, service).await?;
    let mut unknown = Unknown::none("they say that nobody offers the service");
    for targets in by_priority(found.records).into_values() {
        let hosts = match hosts(asked, targets).await {
            Ok(hosts) => hosts,
            Err(why) => {
                unknown = why;
                continue;
            }
        };
        let fresh = hosts.iter().map(|(_, host)| host.fresh).min();
        return Ok(Answer {
            fresh: fresh.map_or(found.fresh, |fresh| fresh.min(found.fresh)),
            endpoints: weighted(&hosts),
        });
    }
    Err(unknown)
}

/// The targets that can be asked for, the lowest priority first. The target `.`
/// says that there is none, and nothing listens at port 0.
fn by_priority(mut targets: Vec<SRV>) -> BTreeMap<u16, Vec<SRV>> {
    targets.retain(|target| !target.target.is_root() && target.port != 0);
    // Of every answer the same ones, in whatever order they come.
    targets.sort_by(|one, other| {
        let key = |srv: &SRV| (srv.priority, srv.target.clone(), srv.port);
        key(one).cmp(&key(other))
    });
    let count = targets.len();
    if count > TARGETS_MAX {
        tracing::warn!(count, used = TARGETS_MAX, "more SRV records than are used");
        targets.truncate(TARGETS_MAX);
    }
    let mut by_priority = BTreeMap::<_, Vec<_>>::new();
    for target in targets {
        by_priority.entry(target.priority).or_default().push(target);
    }
    by_priority
}

/// The addresses of those targets that have some, in their order.
async fn hosts(
    asked: &Arc<Asked>,
    targets: Vec<SRV>,
) -> Result<Vec<(SRV, Found<IpAddr>)>, Unknown> {
    let turns = Arc::new(Semaphore::new(TARGETS_AT_A_TIME));
    let mut asking = JoinSet::new();
    for (nth, target) in targets.into_iter().enumerate() {
        let (asked, turns) = (asked.clone(), turns.clone());
        asking.spawn(async move {
            let _turn = turns.acquire().await;
            let found = asked.addresses(&target.target.to_ascii()).await;
            (nth, target, found)
        });
    }
    let mut hosts = BTreeMap::new();
    let mut unknown = Unknown::none("the runtime is shutting down");
    while let Some(asked) = asking.join_next().await {
        match asked {
            Ok((nth, target, Ok(found))) => {
                hosts.insert(nth, (target, found));
            }
            Ok((_, target, Err(why))) => {
                tracing::debug!(target = %target.target, %why, "a target of SRV records is left out");
                unknown = why.at(&target.target);
            }
            // It was cancelled with its runtime.
            Err(_) => {}
        }
    }
    match hosts.is_empty() {
        true => Err(unknown),
        false => Ok(hosts.into_values().collect()),
    }
}

/// A target's weight is that of all its addresses together.
fn weighted(hosts: &[(SRV, Found<IpAddr>)]) -> Vec<Endpoint> {
    let counts = hosts.iter().map(|(_, host)| host.records.len() as u64);
    let shares = counts.fold(1, least_common_multiple);
    let mut endpoints = Vec::new();
    for (target, host) in hosts {
        let weight = u64::from(target.weight) * shares / host.records.len() as u64;
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        for ip in &host.records {
            let address = SocketAddr::new(*ip, target.port);
            endpoints.push(Endpoint::from(address).with_weight(weight));
        }
    }
    endpoints
}

/// Or something near the largest number, where that is larger.
fn least_common_multiple(one: u64, other: u64) -> u64 {
    let (mut divisor, mut rest) = (one, other);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    // Times a weight of 16 bits it still is a number of 64.
    (one / divisor).saturating_mul(other).min(1 << 48)
}
