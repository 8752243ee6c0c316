//! Peers that never said what they speak.

use super::*;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn no_preface() {
    drains_beside(false, async |site: &Site| site.tcp().await).await;
}

#[tokio::test]
async fn half_a_preface() {
    drains_beside(false, async |site: &Site| {
        let mut tcp = site.tcp().await;
        tcp.write_all(&PREFACE[..PREFACE.len() / 2]).await.unwrap();
        tcp
    })
    .await;
}

/// The preface, and then not the SETTINGS that must follow it.
#[tokio::test]
async fn a_preface_alone() {
    drains_beside(false, async |site: &Site| {
        let mut tcp = site.tcp().await;
        tcp.write_all(PREFACE).await.unwrap();
        tcp
    })
    .await;
}
