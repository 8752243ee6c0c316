//! Names, as DNS knows them.

mod ask;
mod service;

use super::{
    Refresh, Resolver,
    again::{Answer, LookUp, again},
};
use crate::{
    endpoint::Endpoint,
    reply::BoxStream,
    status::{Result, Status},
};
use ask::{Asked, Found};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// What is asked, and of whom if not of the servers the system asks.
#[derive(Clone, Debug)]
struct Dns {
    server: Option<SocketAddr>,
    question: Question,
}

#[derive(Clone, Debug)]
enum Question {
    /// The addresses of a name, to be reached at a port.
    Host { name: String, port: u16 },
    /// Who offers a service, and where.
    Service { name: String },
}

/// The hosts of one name, at one port.
pub(super) fn host(
    server: Option<SocketAddr>,
    name: String,
    port: u16,
) -> std::result::Result<Arc<dyn Resolver>, String> {
    let question = Question::Host { name, port };
    Ok(Arc::new(Dns { server, question }))
}

/// Whoever offers the service of this name.
pub(super) fn service(
    server: Option<SocketAddr>,
    name: String,
) -> std::result::Result<Arc<dyn Resolver>, String> {
    let question = Question::Service { name };
    Ok(Arc::new(Dns { server, question }))
}

impl Resolver for Dns {
    fn watch(&self, refresh: Refresh) -> BoxStream<Vec<Endpoint>> {
        again(self.clone(), refresh)
    }
}

impl LookUp for Dns {
    async fn look_up(&self) -> Result<Answer> {
        // Read anew each time: what the system asks changes with its network.
        let asked = match self.server {
            Some(server) => Asked::server(server),
            None => Asked::system().await,
        };
        let asked = asked.map_err(|why| self.unknown(&"nobody", &why))?;
        let asked = Arc::new(asked);
        let answer = match &self.question {
            Question::Host { name, port } => match asked.addresses(name).await {
                Ok(found) => Ok(at_port(found, *port)),
                Err(unknown) => Err(unknown),
            },
            Question::Service { name } => service::endpoints(&asked, name).await,
        };
        answer.map_err(|why| self.unknown(&*asked, &why))
    }
}

impl Dns {
    fn unknown(&self, whom: &dyn fmt::Display, why: &dyn fmt::Display) -> Status {
        let what = match &self.question {
            Question::Host { name, .. } => format!("A and AAAA records of `{name}`"),
            Question::Service { name } => format!("SRV records of `{name}`"),
        };
        Status::unavailable(format!("DNS: asked {whom} for {what}: {why}"))
    }
}

fn at_port(found: Found<IpAddr>, port: u16) -> Answer {
    let at = |ip: IpAddr| Endpoint::from(SocketAddr::new(ip, port));
    Answer {
        endpoints: found.records.into_iter().map(at).collect(),
        fresh: found.fresh,
    }
}

#[cfg(test)]
mod tests;
