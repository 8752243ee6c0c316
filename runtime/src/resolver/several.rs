//! One service behind several names.

use super::{Refresh, Resolver, news::News};
use crate::{
    endpoint::Endpoint,
    reply::BoxStream,
    status::{Result, Status},
    unfold::unfold,
};
use std::sync::Arc;
use tokio_stream::{StreamExt, StreamMap};

/// All that any of the resolvers tells. One that fails is missed only if all do.
#[derive(Debug)]
pub(super) struct Several(pub(super) Vec<Arc<dyn Resolver>>);

impl Resolver for Several {
    fn watch(&self, refresh: Refresh) -> BoxStream<Vec<Endpoint>> {
        let mut watched = Watched {
            refresh,
            news: News::default(),
            each: Vec::new(),
            streams: StreamMap::new(),
        };
        for (nth, resolver) in self.0.iter().enumerate() {
            let refresh = Refresh::default();
            watched.streams.insert(nth, resolver.watch(refresh.clone()));
            watched.each.push(Each {
                refresh,
                last: Last::Nothing,
            });
        }
        unfold(watched, Watched::next)
    }
}

struct Watched {
    refresh: Refresh,
    news: News,
    each: Vec<Each>,
    streams: StreamMap<usize, BoxStream<Vec<Endpoint>>>,
}

/// What came of one resolver.
struct Each {
    refresh: Refresh,
    last: Last,
}

enum Last {
    Nothing,
    Endpoints(Vec<Endpoint>),
    Error(Status),
}

impl Watched {
    async fn next(mut self) -> (Result<Vec<Endpoint>>, Self) {
        loop {
            let (nth, said) = tokio::select! {
                Some(said) = self.streams.next() => said,
                () = self.refresh.asked() => {
                    self.each.iter().for_each(|each| each.refresh.ask());
                    continue;
                }
            };
            let each = &mut self.each[nth];
            match (said, &each.last) {
                (Ok(endpoints), _) => each.last = Last::Endpoints(endpoints),
                (Err(status), Last::Endpoints(_)) => {
                    tracing::warn!(%status, "one of several names failed; what it was stays");
                    continue;
                }
                (Err(status), _) => each.last = Last::Error(status),
            }
            match self.all() {
                Some(Ok(all)) => {
                    if let Some(news) = self.news.of(all) {
                        return (Ok(news), self);
                    }
                }
                Some(Err(status)) => {
                    self.news.forget();
                    return (Err(status), self);
                }
                None => {}
            }
        }
    }

    /// What all of them tell, as far as that is known; none while some may still
    /// tell what others could not.
    fn all(&self) -> Option<Result<Vec<Endpoint>>> {
        let mut all = Vec::new();
        let mut known = false;
        let mut failed = None;
        let mut waiting = false;
        for each in &self.each {
            match &each.last {
                Last::Nothing => waiting = true,
                Last::Error(status) => failed = Some(status),
                Last::Endpoints(endpoints) => {
                    known = true;
                    all.extend_from_slice(endpoints);
                }
            }
        }
        match (known, waiting, failed) {
            (true, _, _) => Some(Ok(all)),
            (false, false, Some(status)) => Some(Err(status.clone())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
