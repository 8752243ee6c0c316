//! Peers of a TLS server.

use super::*;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;

/// A handshake record that says it has 512 bytes, and has ten.
#[tokio::test]
async fn half_a_hello() {
    drains_beside(true, async |site: &Site| {
        let mut tcp = site.tcp().await;
        let hello = [&[0x16, 3, 1, 2, 0][..], &[1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0]].concat();
        tcp.write_all(&hello).await.unwrap();
        tcp
    })
    .await;
}

#[tokio::test]
async fn a_handshake_and_no_more() {
    drains_beside(true, async |site: &Site| {
        let authority = site.authority.as_ref().unwrap();
        let mut client = certificates::client(authority);
        client.alpn_protocols = vec![b"h2".to_vec()];
        let name = "localhost".try_into().unwrap();
        let connector = TlsConnector::from(Arc::new(client));
        within(connector.connect(name, site.tcp().await))
            .await
            .unwrap()
    })
    .await;
}
