//! Peers that speak HTTP/2, and leave it at that.

use super::*;

const WINDOW_UPDATE: u8 = 8;
const INITIAL_WINDOW_SIZE: u8 = 4;
const WINDOW_MAX: [u8; 4] = [0x7f, 0xff, 0xff, 0xff];

/// A connection on which the server has said hello; nothing of it is read again.
async fn greeted(site: &Site) -> Frames {
    let mut frames = Frames::connect(site.serving.address()).await;
    within(frames.next_of(SETTINGS)).await.unwrap();
    frames
}

/// The same, with windows of `window` for each stream.
async fn greeted_with(site: &Site, window: [u8; 4]) -> Frames {
    let mut frames = greeted(site).await;
    let setting = [&[0, INITIAL_WINDOW_SIZE][..], &window].concat();
    frames.send(SETTINGS, 0, 0, &setting).await;
    frames
}

/// It answers neither PING nor GOAWAY.
#[tokio::test]
async fn idle() {
    drains_beside(false, async |site: &Site| greeted(site).await).await;
}

#[tokio::test]
async fn an_open_client_stream() {
    drains_beside(false, async |site: &Site| {
        let mut frames = greeted(site).await;
        frames.begin(1, CLIENT_STREAMING.path()).await;
        frames.send(0, 0, 1, &frame(0, b"")).await;
        site.began("ClientStreaming").await;
        frames
    })
    .await;
}

/// Its windows have room, its socket has none.
#[tokio::test]
async fn a_reader_that_stopped() {
    drains_beside(false, async |site: &Site| {
        let mut frames = greeted_with(site, WINDOW_MAX).await;
        let room = (u32::from_be_bytes(WINDOW_MAX) - 65_535).to_be_bytes();
        frames.send(WINDOW_UPDATE, 0, 0, &room).await;
        frames.begin(1, SERVER_STREAMING.path()).await;
        frames.send(0, END_STREAM, 1, &frame(0, b"")).await;
        site.began("ServerStreaming").await;
        within(frames.next_of(HEADERS)).await.unwrap();
        frames
    })
    .await;
}

#[tokio::test]
async fn a_reply_without_a_window() {
    drains_beside(false, async |site: &Site| {
        let mut frames = greeted_with(site, [0; 4]).await;
        frames.begin(1, UNARY.path()).await;
        frames.send(0, END_STREAM, 1, &frame(0, b"")).await;
        site.began("Unary").await;
        within(frames.next_of(HEADERS)).await.unwrap();
        frames
    })
    .await;
}

/// A message that says it has a hundred bytes, and has ten.
#[tokio::test]
async fn half_a_request() {
    drains_beside(false, async |site: &Site| {
        let mut frames = greeted(site).await;
        frames.begin(1, CLIENT_STREAMING.path()).await;
        frames.send(0, 0, 1, &frame_of(0, 100, &[0; 10])).await;
        site.began("ClientStreaming").await;
        frames
    })
    .await;
}

/// HEADERS whose CONTINUATION does not come.
#[tokio::test]
async fn half_the_headers() {
    drains_beside(false, async |site: &Site| {
        let mut frames = greeted(site).await;
        let mut opening = Frames::opening(1, UNARY.path());
        // Without END_HEADERS.
        opening[4] = 0;
        frames.write(&opening).await;
        frames
    })
    .await;
}
