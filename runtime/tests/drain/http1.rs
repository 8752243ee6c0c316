//! Peers that speak HTTP/1.1.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn said(site: &Site, request: &[u8]) -> TcpStream {
    let mut tcp = site.tcp().await;
    tcp.write_all(request).await.unwrap();
    tcp
}

/// It was answered, and keeps its connection.
#[tokio::test]
async fn idle() {
    drains_beside(false, async |site: &Site| {
        let request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
        let mut tcp = said(site, request).await;
        let mut answer = [0; 9];
        within(tcp.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 ");
        tcp
    })
    .await;
}

#[tokio::test]
async fn half_the_headers() {
    drains_beside(false, async |site: &Site| {
        said(site, b"POST / HTTP/1.1\r\nhost: x\r\n").await
    })
    .await;
}

#[tokio::test]
async fn half_the_body() {
    drains_beside(false, async |site: &Site| {
        let path = CLIENT_STREAMING.path();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\n");
        let request = format!("{head}content-length: 1000\r\n\r\nhalf");
        said(site, request.as_bytes()).await
    })
    .await;
}
