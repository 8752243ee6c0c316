//! What a resolver and a balancer, which may be a user's own, say to a pool.

use crate::{
    backoff::backoff,
    contain::contain,
    endpoint::Endpoint,
    reply::BoxStream,
    resolver::{Refresh, Resolver},
    status::Result,
};
use std::{future::poll_fn, sync::Arc};
use tokio::time::{Instant, sleep_until};

/// The resolver's lists, one after another. It is asked anew, after a while, when it
/// panicked, or what was made of its list did.
pub(super) struct Lists {
    resolver: Arc<dyn Resolver>,
    refresh: Refresh,
    watch: Watch,
    /// Panics since the last list that served.
    panics: u32,
}

enum Watch {
    Open(BoxStream<Vec<Endpoint>>),
    Due(Instant),
    Ended,
}

impl Lists {
    pub(super) fn new(resolver: Arc<dyn Resolver>, refresh: Refresh) -> Self {
        Self {
            resolver,
            refresh,
            watch: Watch::Due(Instant::now()),
            panics: 0,
        }
    }

    /// The next list, or why there is none; `None` once, when nothing will change any
    /// more. Cancellation safe.
    pub(super) async fn next(&mut self) -> Option<Result<Vec<Endpoint>>> {
        loop {
            let next = match &mut self.watch {
                Watch::Open(lists) => {
                    poll_fn(|cx| {
                        let polled = contain("resolver", || lists.as_mut().poll_next(cx));
                        match polled {
                            Ok(polled) => polled.map(Ok),
                            Err(status) => std::task::Poll::Ready(Err(status)),
                        }
                    })
                    .await
                }
                Watch::Due(due) => {
                    sleep_until(*due).await;
                    let watch = || self.resolver.watch(self.refresh.clone());
                    match contain("resolver", watch) {
                        Ok(lists) => {
                            self.watch = Watch::Open(lists);
                            continue;
                        }
                        Err(status) => Err(status),
                    }
                }
                Watch::Ended => std::future::pending().await,
            };
            return match next {
                Ok(Some(list)) => Some(list),
                Ok(None) => {
                    self.watch = Watch::Ended;
                    None
                }
                Err(status) => {
                    self.again();
                    Some(Err(status))
                }
            };
        }
    }

    /// Asks the resolver anew, later each time.
    pub(super) fn again(&mut self) {
        self.watch = Watch::Due(Instant::now() + backoff(self.panics, fastrand::f64()));
        self.panics = self.panics.saturating_add(1);
    }

    /// What came of the last list serves calls.
    pub(super) fn served(&mut self) {
        self.panics = 0;
    }
}
