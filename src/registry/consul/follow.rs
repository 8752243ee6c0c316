//! Lists that are followed, by questions that wait for a change.

use super::{Consul, LIST_TIMEOUT, agents::Chance, catalog::Services};
use crate::{
    Listing, Result,
    registry::http::{Connection, Turn},
};
use http::StatusCode;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long an agent is asked to wait for a change: it adds up to a sixteenth,
const CHANGE_WAIT: Duration = Duration::from_secs(20);

/// and is not there if it says nothing then.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(27);

/// From one list to the next question. Nobody follows lists faster.
const LISTS_APART: Duration = Duration::from_millis(200);

/// A list that is followed.
pub(super) struct Follow {
    service: String,
    turn: Turn,
    /// Its own: when that is lost, so may be what the index means.
    connection: Option<Connection>,
    services: Services,
    /// Of the list that came last; 0 before the first.
    index: u64,
    asked_at: Instant,
}

impl Follow {
    /// Asks for a list that is another than the last; whether one came.
    async fn ask(&mut self, consul: &Consul, due: Instant) -> Result<bool> {
        self.asked_at = Instant::now();
        let turn = self.turn;
        let path = format!("/v1/health/service/{}?{}", self.service, self.query(consul));
        let chance = Chance { turn, due };
        let own = &mut self.connection;
        let answer = consul.agents.get_over(own, chance, &path).await?;
        let header = |name| {
            answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        if header("x-consul-results-filtered-by-acls") == Some("true") {
            let why = "its list is not whole: the token must have `read` for the service and \
                       for all nodes";
            return Err(consul.agents.failed(chance, &why));
        }
        let index = header("x-consul-index").and_then(|index| index.parse::<u64>().ok());
        let before = self.index;
        let taken = match index {
            _ if answer.status != StatusCode::OK => Err("it is no Consul".to_owned()),
            None => Err("its answer has no index".to_owned()),
            // It was restored, or began anew: this list may be older than the last.
            Some(index) if index < before => {
                Err(format!("its index went back, from {before} to {index}"))
            }
            Some(index) => {
                // Asked with 0, Consul would not wait.
                self.index = index.max(1);
                self.services.take(&self.service, &answer.body)
            }
        };
        taken.map_err(|why| {
            consul.agents.give_up(chance);
            consul.agents.failed(chance, &why)
        })
    }

    fn query(&self, consul: &Consul) -> String {
        let mut query = format!("wait={}s", CHANGE_WAIT.as_secs());
        // Without an index it does not wait.
        if self.index > 0 {
            query.push_str(&format!("&index={}", self.index));
        }
        if let Some(datacenter) = &consul.datacenter {
            query.push_str("&dc=");
            query.push_str(datacenter);
        }
        query
    }

    async fn next(&mut self, consul: &Consul) -> Result<Listing> {
        loop {
            sleep_until(self.asked_at + LISTS_APART).await;
            if self.ask(consul, Instant::now() + CHANGE_TIMEOUT).await? {
                return Ok(self.services.listing());
            }
        }
    }
}

/// How far a watch has come.
pub(super) enum Stage {
    Begun(String),
    Follows(Box<Follow>),
    Failed,
}

impl Stage {
    pub(super) async fn next(self, consul: &Consul) -> Option<(Result<Listing>, Self)> {
        let mut follow = match self {
            Self::Begun(service) => {
                let begun = consul.agents.in_turn(LIST_TIMEOUT, async move |chance| {
                    let mut follow = Follow {
                        service,
                        turn: chance.turn,
                        connection: None,
                        services: Services::default(),
                        index: 0,
                        asked_at: Instant::now(),
                    };
                    follow.ask(consul, chance.due).await?;
                    Ok(Box::new(follow))
                });
                match begun.await {
                    Ok(follow) => {
                        let listing = follow.services.listing();
                        return Some((Ok(listing), Self::Follows(follow)));
                    }
                    Err(status) => return Some((Err(status), Self::Failed)),
                }
            }
            Self::Follows(follow) => follow,
            Self::Failed => return None,
        };
        match follow.next(consul).await {
            Ok(listing) => Some((Ok(listing), Self::Follows(follow))),
            Err(status) => Some((Err(status), Self::Failed)),
        }
    }
}
