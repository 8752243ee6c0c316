//! Peers that do not read, and what they may keep.

use super::*;
use cordial_runtime::Limit;

const TIMEOUT: Duration = Duration::from_millis(100);

/// Each stream has a window of its own that never shuts; the connection's does,
/// and is never grown.
#[tokio::test]
async fn a_connection_window_that_never_grows_ends_calls() {
    let limits = limits()
        .with_unsent_bytes_per_connection_max(100_000)
        .with_stalled_reply_timeout(TIMEOUT);
    let server = Server::new().limits(limits).add(sized().routes());
    let metrics = server.metrics();
    let serving = Serving::start(server).await;
    let mut frames = connect(&serving, WINDOW_MAX, 0).await;
    frames.write(&asking(1, UNARY.path(), 400_000)).await;
    let reset = within(frames.next_of(RST_STREAM)).await.unwrap();
    assert_eq!((reset.stream, &reset.payload[..]), (1, &CALM[..]));
    assert_eq!(metrics.times_reached(Limit::StalledReplyTimeout), 1);
    // The connection goes on once there is room.
    frames.write(&window_update(0, WINDOW_DEFAULT)).await;
    frames.write(&asking(3, UNARY.path(), 1_000)).await;
    assert_eq!(whole(&mut frames, 3).await, reply_bytes(1_000));
}

/// The same with streams whose own windows are shut.
#[tokio::test]
async fn stream_windows_that_never_grow_end_calls() {
    let limits = limits()
        .with_unsent_bytes_per_connection_max(100_000)
        .with_stalled_reply_timeout(TIMEOUT);
    let serving = serve(limits, sized()).await;
    let mut frames = connect(&serving, 0, WINDOW_MAX).await;
    frames.write(&asking(1, UNARY.path(), 80_000)).await;
    frames.write(&asking(3, UNARY.path(), 80_000)).await;
    let reset = within(frames.next_of(RST_STREAM)).await.unwrap();
    assert_eq!(&reset.payload[..], &CALM);
    // The other is within its bytes now, and may wait for ever.
    let other = 4 - reset.stream;
    let more = tokio::time::timeout(3 * TIMEOUT, frames.next_of(RST_STREAM)).await;
    assert!(more.is_err(), "{more:?}");
    frames.write(&window_update(other, 100_000)).await;
    assert_eq!(whole(&mut frames, other).await, reply_bytes(80_000));
}

/// Who keeps no more than may be kept is waited for.
#[tokio::test]
async fn a_patient_peer_within_its_bytes_is_waited_for() {
    let limits = limits().with_stalled_reply_timeout(SHORT);
    let serving = serve(limits, sized()).await;
    let mut frames = connect(&serving, WINDOW_MAX, 0).await;
    frames.write(&asking(1, UNARY.path(), 400_000)).await;
    let mut bytes = 0;
    while bytes < WINDOW_DEFAULT as usize {
        bytes += within(frames.next_of(DATA)).await.unwrap().payload.len();
    }
    let more = tokio::time::timeout(3 * SHORT, frames.next()).await;
    assert!(more.is_err(), "{more:?}");
    frames.write(&window_update(0, 400_000)).await;
    let rest = whole(&mut frames, 1).await;
    assert_eq!(bytes + rest, reply_bytes(400_000));
}
