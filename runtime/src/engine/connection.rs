//! One accepted connection: HTTP/2, or HTTP/1.1 for those who speak no better.

use super::{HttpBody, Io, Peer, http1, http2, prefixed};
use crate::{
    limits::{Limit, Limits},
    metrics::Metrics,
};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;

/// Whoever answers the requests of connections.
pub(crate) trait Answer: Clone + Send + Sync + 'static {
    fn answer(
        &self,
        request: http::Request<HttpBody>,
    ) -> impl Future<Output = http::Response<HttpBody>> + Send + use<Self>;

    /// Given the first bytes of a body, how many of them its reader needs at
    /// least; 0 if any will do.
    fn announced(&self, first: &[u8]) -> usize;
}

/// What every connection of a server has in common.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    /// What peers do not read, over all connections.
    pub(crate) unsent: Arc<http2::Budget>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<super::ServerTls>,
}

/// Serves until the peer goes, stays idle too long, or the server has drained.
pub(super) async fn serve(
    io: impl Io + 'static,
    peer: Peer,
    answer: impl Answer,
    settings: &Settings,
    mut drain: watch::Receiver<bool>,
) {
    let timeout = settings.limits.preface_timeout;
    let preface = tokio::time::timeout(timeout, prefixed::speaks_http2(io));
    let (http2, io) = tokio::select! {
        preface = preface => match preface {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return tracing::debug!(?peer, %error, "no request came"),
            Err(_) => {
                settings.metrics.reached(Limit::PrefaceTimeout);
                return tracing::debug!(?peer, "no request in time");
            }
        },
        // Nobody is served on it yet, so nothing is lost.
        _ = drain.wait_for(|draining| *draining) => return,
    };
    // In boxes: a connection that waits for its preface needs no room for either.
    if http2 {
        Box::pin(http2::serve(
            io.into_rest(),
            peer,
            answer,
            settings,
            &mut drain,
        ))
        .await;
    } else {
        Box::pin(http1::serve(io, peer, answer, settings, &mut drain)).await;
    }
}

/// HTTP/2 has no larger windows (RFC 9113, section 6.9.1).
pub(super) fn window(bytes: u32) -> u32 {
    bytes.min(i32::MAX as u32)
}

/// A span added to the clock's time panics where that is out of range.
pub(crate) fn on_the_clock(span: Duration) -> Duration {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    span.min(CENTURY)
}

/// Often enough that who is too slow is noticed soon after the grace, and that
/// handlers hear soon that other connections hold less.
pub(super) fn nudges_apart(limits: &Limits) -> Duration {
    const LEAST: Duration = Duration::from_millis(10);
    const MOST: Duration = Duration::from_secs(1);
    (limits.request_rate_grace / 4).clamp(LEAST, MOST)
}

/// 10 % more or less (gRFC A9), so that connections made together do not end together.
pub(super) fn jittered(span: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let share = (random >> 11) as f64 / (1u64 << 53) as f64;
    Duration::try_from_secs_f64(span.as_secs_f64() * (0.9 + 0.2 * share)).unwrap_or(span)
}
