//! HTTP/1.1, by hyper, within the limits of the server.

mod awake;
mod linger;
mod unstalled;

use super::{
    Answer, HttpBody, Io, Peer, Settings,
    activity::Activity,
    connection::{jittered, nudges_apart, on_the_clock},
};
use crate::limits::{Limit, Limits};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, pin::pin, time::Duration};
use tokio::{sync::watch, time::sleep};
use unstalled::Unstalled;

pub(super) use awake::Awake;

/// Serves until the peer goes, stays idle too long or does not read, until the
/// connection is old, or the server has drained.
pub(super) async fn serve(
    io: impl Io + 'static,
    peer: Peer,
    answer: impl Answer,
    settings: &Settings,
    drain: &mut watch::Receiver<bool>,
) {
    let limits = &settings.limits;
    let activity = Activity::new();
    let counted = activity.clone();
    let nudges_apart = nudges_apart(limits);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let busy = counted.start();
        let response = answer.answer(read(request, &peer, nudges_apart));
        async move {
            let response = response.await;
            Ok::<_, Infallible>(response.map(|body| body.with_busy(busy)))
        }
    });
    let io = Unstalled::new(io, limits.stalled_write_timeout, settings.metrics.clone());
    let mut connection = pin!(builder(limits).serve_connection(TokioIo::new(io), service));
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = leave(&activity, settings, drain) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                // It has been answered, and does not read the answer.
                () = activity.idle_for(limits.stalled_write_timeout) => return,
                () = sleep(on_the_clock(limits.connection_age_grace)) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

fn read(
    request: http::Request<Incoming>,
    peer: &Peer,
    nudges_apart: Duration,
) -> http::Request<HttpBody> {
    let mut request = request.map(|body| HttpBody::hyper(Awake::new(body, nudges_apart)));
    request.extensions_mut().insert(peer.clone());
    request
}

/// Ends when the connection should be given up: idle or old, or the server drains.
async fn leave(activity: &Activity, settings: &Settings, drain: &mut watch::Receiver<bool>) {
    let limits = &settings.limits;
    tokio::select! {
        () = activity.idle_for(limits.idle_timeout) => {
            settings.metrics.reached(Limit::IdleTimeout);
        }
        () = sleep(on_the_clock(jittered(limits.connection_age_max))) => {
            settings.metrics.reached(Limit::ConnectionAgeMax);
        }
        _ = drain.wait_for(|draining| *draining) => {}
    }
}

fn builder(limits: &Limits) -> hyper::server::conn::http1::Builder {
    const BUFFER_BYTES_MIN: usize = 8 << 10;
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(on_the_clock(limits.preface_timeout))
        .max_buf_size((limits.header_bytes_max as usize).max(BUFFER_BYTES_MIN));
    builder
}
