//! One accepted connection: HTTP/2, or HTTP/1.1 for those who speak no better.

use super::{HttpBody, Io, Peer, activity::Activity, prefixed};
use crate::{limits::Limits, metrics::Metrics};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{convert::Infallible, pin::pin, time::Duration};
use tokio::sync::watch;

/// Whoever answers the requests of connections.
pub(crate) trait Answer: Clone + Send + Sync + 'static {
    fn answer(
        &self,
        request: http::Request<HttpBody>,
    ) -> impl Future<Output = http::Response<HttpBody>> + Send + use<Self>;
}

/// What every connection of a server has in common.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<super::ServerTls>,
}

/// Serves until the peer goes, stays idle too long, or the server has drained.
pub(super) async fn serve(
    io: impl Io + 'static,
    peer: Peer,
    answer: impl Answer,
    limits: &Limits,
    mut drain: watch::Receiver<bool>,
) {
    let preface = tokio::time::timeout(limits.preface_timeout, prefixed::speaks_http2(io));
    let (http2, io) = tokio::select! {
        preface = preface => match preface {
            Ok(Ok(read)) => read,
            Ok(Err(_)) | Err(_) => return tracing::debug!(?peer, "no request in time"),
        },
        // Nobody is served on it yet, so nothing is lost.
        _ = drain.wait_for(|draining| *draining) => return,
    };

    let activity = Activity::new();
    let counted = activity.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let busy = counted.start();
        let mut request = request.map(HttpBody::hyper);
        request.extensions_mut().insert(peer.clone());
        // In a box: hyper moves the future several times before it first polls it.
        let response = Box::pin(answer.answer(request));
        async move {
            let response = response.await;
            Ok::<_, Infallible>(response.map(|body| body.with_busy(busy)))
        }
    });

    let ended = if http2 {
        let io = TokioIo::new(io);
        let mut connection = pin!(http2_builder(limits).serve_connection(io, service));
        tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = leave(&activity, limits, &mut drain) => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    // GOAWAY was said and nothing is in flight: a silent peer has no more to say.
                    () = activity.idle_for(limits.keepalive_timeout) => Ok(()),
                }
            }
        }
    } else {
        let io = TokioIo::new(io);
        let mut connection = pin!(http1_builder(limits).serve_connection(io, service));
        tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = leave(&activity, limits, &mut drain) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// Ends when the connection should be given up: idle, or the server drains.
async fn leave(activity: &Activity, limits: &Limits, drain: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = activity.idle_for(limits.idle_timeout) => {}
        _ = drain.wait_for(|draining| *draining) => {}
    }
}

/// hyper adds a span to the clock's time and panics where that is out of range.
pub(super) fn on_the_clock(span: Duration) -> Duration {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    span.min(CENTURY)
}

/// HTTP/2 has no larger windows (RFC 9113, section 6.9.1).
pub(super) fn window(bytes: u32) -> u32 {
    bytes.min(i32::MAX as u32)
}

fn http2_builder(limits: &Limits) -> hyper::server::conn::http2::Builder<TokioExecutor> {
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(limits.streams_per_connection_max)
        .initial_stream_window_size(window(limits.unread_bytes_per_stream_max))
        .initial_connection_window_size(window(limits.unread_bytes_per_connection_max))
        .max_header_list_size(limits.header_bytes_max)
        .max_local_error_reset_streams(limits.local_resets_max)
        .max_pending_accept_reset_streams(limits.pending_resets_max)
        .keep_alive_interval(on_the_clock(limits.keepalive_interval))
        .keep_alive_timeout(on_the_clock(limits.keepalive_timeout));
    builder
}

fn http1_builder(limits: &Limits) -> hyper::server::conn::http1::Builder {
    const BUFFER_BYTES_MIN: usize = 8 << 10;
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(on_the_clock(limits.preface_timeout))
        .max_buf_size((limits.header_bytes_max as usize).max(BUFFER_BYTES_MIN));
    builder
}
