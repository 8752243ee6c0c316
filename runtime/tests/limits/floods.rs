//! Peers that make the server work for nothing are told to calm down.

use crate::{
    common::{raw::*, *},
    limits, serve,
};

/// ENHANCE_YOUR_CALM, as GOAWAY spells it.
const CALM: [u8; 4] = [0, 0, 0, 11];

async fn is_told_to_calm_down(frames: &mut Frames) {
    let goaway = within(frames.next_of(GOAWAY)).await.unwrap();
    assert_eq!(goaway.payload[4..8], CALM, "{goaway:?}");
}

/// CVE-2023-44487: streams are opened and reset before anybody sees them.
#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let serving = serve(limits().with_pending_resets_max(3), Probe::echo()).await;
    let mut frames = Frames::connect(serving.address()).await;
    let mut flood = Vec::new();
    for stream in (1..200).step_by(2) {
        flood.extend(Frames::opening(stream, UNARY.path()));
        flood.extend(Frames::framed(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    frames.write(&flood).await;
    is_told_to_calm_down(&mut frames).await;
}

/// CVE-2025-8671: the peer's errors make the server reset its own streams.
#[tokio::test]
async fn made_resets_end_the_connection() {
    const WINDOW_UPDATE: u8 = 8;
    let probe = Probe::echo().client_streaming(|_| std::future::pending());
    let serving = serve(limits().with_local_resets_max(3), probe).await;
    let mut frames = Frames::connect(serving.address()).await;
    let mut flood = Vec::new();
    for stream in (1u32..40).step_by(2) {
        flood.extend(Frames::opening(stream, CLIENT_STREAMING.path()));
        // No window may grow above 2^31 - 1 bytes (RFC 9113, section 6.9.1).
        let most = i32::MAX.to_be_bytes();
        flood.extend(Frames::framed(WINDOW_UPDATE, 0, stream, &most));
    }
    frames.write(&flood).await;
    is_told_to_calm_down(&mut frames).await;
}

/// The next client is none the worse for either.
#[tokio::test]
async fn a_flood_is_its_own_connections_trouble() {
    let serving = serve(limits().with_pending_resets_max(3), Probe::echo()).await;
    let channel = serving.channel();
    channel.unary(UNARY, note("before")).await.unwrap();
    let mut frames = Frames::connect(serving.address()).await;
    let mut flood = Vec::new();
    for stream in (1..200).step_by(2) {
        flood.extend(Frames::opening(stream, UNARY.path()));
        flood.extend(Frames::framed(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    frames.write(&flood).await;
    is_told_to_calm_down(&mut frames).await;
    channel.unary(UNARY, note("after")).await.unwrap();
}
