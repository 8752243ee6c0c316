//! Port: tells at which addresses a service can be reached.

use crate::{endpoint::Endpoint, reply::BoxStream};
use std::{fmt, sync::Arc};
use tokio::sync::Notify;

/// Tells where a service runs, and tells again when that changes.
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// Whole lists of endpoints, the first as soon as there is one. An error says
    /// why there is none now; whoever watches keeps the last good list and goes on
    /// watching, so the stream goes on too. It may end when nothing will change
    /// any more. Dropping it ends the watch.
    ///
    /// `refresh` says when the list is suspected to be stale; a resolver that
    /// is told of changes need not listen to it.
    fn watch(&self, refresh: Refresh) -> BoxStream<Vec<Endpoint>>;
}

/// Says that endpoints failed, so that a resolver looks again before it would.
#[derive(Clone, Debug, Default)]
pub struct Refresh(Arc<Notify>);

impl Refresh {
    /// Asks for a new list soon.
    pub fn ask(&self) {
        self.0.notify_one();
    }

    /// Ends when a new list is asked for, or was since the last time. Cancellation safe.
    pub async fn asked(&self) {
        self.0.notified().await;
    }
}
// TEMP
#[derive(Debug)]
pub(crate) struct Destination {
    pub(crate) scheme: http::uri::Scheme,
    pub(crate) authority: http::uri::Authority,
    pub(crate) resolver: Arc<dyn Resolver>,
}
#[derive(Debug)]
struct Fixed(Vec<Endpoint>, Option<String>);
impl Resolver for Fixed {
    fn watch(&self, _: Refresh) -> BoxStream<Vec<Endpoint>> {
        let l = self.0.clone();
        let h = self.1.clone();
        Box::pin(async_once(async move {
            if let Some(h) = h {
                let mut v = Vec::new();
                for h in h.split(',') {
                    match tokio::net::lookup_host(h.to_owned()).await {
                        Ok(x) => v.extend(x.map(Endpoint::from)),
                        Err(e) => {
                            return Err(crate::status::Status::unavailable(format!("{h}: {e}")));
                        }
                    }
                }
                Ok(v)
            } else {
                Ok(l)
            }
        }))
    }
}
fn async_once<T: Send + 'static>(
    f: impl Future<Output = T> + Send + 'static,
) -> impl tokio_stream::Stream<Item = T> + Send {
    let (tx, rx) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let _ = tx.send(f.await).await;
    });
    tokio_stream::wrappers::ReceiverStream::new(rx)
}
impl Destination {
    pub(crate) fn parse(t: &str) -> Result<Self, crate::engine::Error> {
        use crate::engine::{Error, ErrorKind};
        if let Some(p) = t.strip_prefix("unix:") {
            let p = p.strip_prefix("//").unwrap_or(p);
            return Ok(Self {
                scheme: http::uri::Scheme::HTTP,
                authority: http::uri::Authority::from_static("localhost"),
                resolver: Arc::new(Fixed(
                    vec![Endpoint::new(crate::endpoint::Address::Unix(p.into()))],
                    None,
                )),
            });
        }
        if let Some(p) = t.strip_prefix("static:///") {
            return Ok(Self {
                scheme: http::uri::Scheme::HTTP,
                authority: http::uri::Authority::from_static("localhost"),
                resolver: Arc::new(Fixed(vec![], Some(p.into()))),
            });
        }
        let bad = || {
            Error::new(
                ErrorKind::Address,
                format!(
                    "no channel to `{t}`: write `http://host:port`, `https://host:port` or `unix:/path`"
                ),
            )
        };
        let u: http::Uri = t.parse().map_err(|_| bad())?;
        let (Some(s), Some(a)) = (u.scheme(), u.authority()) else {
            return Err(bad());
        };
        let port = a
            .port_u16()
            .unwrap_or(if s.as_str() == "https" { 443 } else { 80 });
        Ok(Self {
            scheme: s.clone(),
            authority: a.clone(),
            resolver: Arc::new(Fixed(vec![], Some(format!("{}:{port}", a.host())))),
        })
    }
}
