//! HTTP/1.1, by hyper.

use super::{Answer, HttpBody, Io, Peer, activity::Activity, connection::on_the_clock};
use crate::limits::Limits;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, pin::pin};
use tokio::sync::watch;

/// Serves until the peer goes, stays idle too long, or the server has drained.
pub(super) async fn serve(
    io: impl Io + 'static,
    peer: Peer,
    answer: impl Answer,
    limits: &Limits,
    drain: &mut watch::Receiver<bool>,
) {
    let activity = Activity::new();
    let counted = activity.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let busy = counted.start();
        let mut request = request.map(HttpBody::hyper);
        request.extensions_mut().insert(peer.clone());
        let response = answer.answer(request);
        async move {
            let response = response.await;
            Ok::<_, Infallible>(response.map(|body| body.with_busy(busy)))
        }
    });
    let io = TokioIo::new(io);
    let mut connection = pin!(builder(limits).serve_connection(io, service));
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = leave(&activity, limits, drain) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                // It has been answered, and does not read the answer.
                () = activity.idle_for(limits.stalled_write_timeout) => return,
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

fn builder(limits: &Limits) -> hyper::server::conn::http1::Builder {
    const BUFFER_BYTES_MIN: usize = 8 << 10;
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(on_the_clock(limits.preface_timeout))
        .max_buf_size((limits.header_bytes_max as usize).max(BUFFER_BYTES_MIN));
    builder
}
