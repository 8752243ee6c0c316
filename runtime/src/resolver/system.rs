//! Names, as the operating system looks them up: for builds without the feature `dns`.

use super::{
    Refresh, Resolver,
    again::{Answer, LookUp, again},
};
use crate::{
    endpoint::Endpoint,
    reply::BoxStream,
    status::{Result, Status},
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::lookup_host, time::timeout};

/// The system tells no time to live, so an answer has this one.
const FRESH: Duration = Duration::from_secs(30);

/// For one look-up. The system's own may take longer; it goes on without us.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
struct System {
    name: String,
    port: u16,
}

pub(super) fn host(
    server: Option<SocketAddr>,
    name: String,
    port: u16,
) -> Result<Arc<dyn Resolver>, String> {
    match server {
        None => Ok(Arc::new(System { name, port })),
        Some(_) => Err(
            "this build asks no DNS server of one's choice: turn on the feature `dns`".to_owned(),
        ),
    }
}

pub(super) fn service(
    _server: Option<SocketAddr>,
    _name: String,
) -> Result<Arc<dyn Resolver>, String> {
    Err("this build asks for no SRV records: turn on the feature `dns`".to_owned())
}

impl Resolver for System {
    fn watch(&self, refresh: Refresh) -> BoxStream<Vec<Endpoint>> {
        again(self.clone(), refresh)
    }
}

impl LookUp for System {
    async fn look_up(&self) -> Result<Answer> {
        let Self { name, port } = self;
        let failed = |what: &dyn std::fmt::Display| {
            Status::unavailable(format!(
                "asked the system for the addresses of `{name}`: {what}"
            ))
        };
        let found = match timeout(LOOK_UP_TIMEOUT, lookup_host((name.as_str(), *port))).await {
            Err(_) => return Err(failed(&format!("no answer within {LOOK_UP_TIMEOUT:?}"))),
            Ok(Err(error)) => return Err(failed(&error)),
            Ok(Ok(found)) => found,
        };
        let endpoints: Vec<_> = found.map(Endpoint::from).collect();
        match endpoints.is_empty() {
            true => Err(failed(&"it has none")),
            false => Ok(Answer {
                endpoints,
                fresh: FRESH,
            }),
        }
    }
}
