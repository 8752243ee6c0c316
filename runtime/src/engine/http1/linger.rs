//! The rest of a request that was answered before it had come. A peer that is cut off
//! while it writes may never read the answer.

use http_body::Body;
use hyper::body::Incoming;
use std::{future::poll_fn, pin::Pin, time::Duration};
use tokio::{runtime::Handle, time::timeout};

/// What is read of it, and thrown away, before the connection is closed all the same.
const LINGER_BYTES_MAX: usize = 1 << 20;
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads on for a while in a task of its own.
pub(super) fn linger(body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(timeout(LINGER_TIMEOUT, discard(body)));
    }
}

async fn discard(mut body: Incoming) {
    let mut bytes = 0;
    while bytes < LINGER_BYTES_MAX {
        let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        match frame {
            Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, bytes::Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}
