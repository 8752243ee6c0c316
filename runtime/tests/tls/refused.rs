//! Who is not let in, and what each end says of it.

use crate::{
    Authority, Pem, by_name, call, common::*, echo, is_refused, mutual, proves, trusts, trusts_as,
};
use cordial_runtime::{ClientTls, Metrics};
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn a_server_whose_certificate_has_expired_is_refused() {
    let authority = Authority::new();
    let serving = Serving::start(echo(proves(&authority.expired(ServerAuth)))).await;
    is_refused(
        &by_name(&serving, trusts(&authority)),
        "certificate expired",
    )
    .await;
}

#[tokio::test]
async fn a_server_of_another_kind_of_certificate_is_refused() {
    let authority = Authority::new();
    let serving = Serving::start(echo(proves(&authority.client("localhost")))).await;
    is_refused(&by_name(&serving, trusts(&authority)), "extended key").await;
}

/// Both ends of a handshake that fails: the caller's status and the server's log.
async fn both_say(
    client: impl FnOnce(&Authority, &Authority) -> ClientTls,
    caller: &str,
    server: &str,
) {
    log::keep();
    let (servers, clients) = (Authority::new(), Authority::new());
    let tls = mutual(&servers.server("localhost"), &clients);
    let serving = Serving::start(echo(tls)).await;
    // The port tells this test's lines from those of others.
    let line = log::says(&[serving.address(), "=serving"]).await;
    assert!(line.contains("security=\"mutual TLS\""), "{line}");
    is_refused(&by_name(&serving, client(&servers, &clients)), caller).await;
    let line = log::says(&["TLS handshake failed", server]).await;
    assert!(line.contains("peer=127.0.0.1:"), "{line}");
    // And the next one is served.
    let known = trusts_as(&servers, &clients.client("known"));
    call(&by_name(&serving, known)).await.unwrap();
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    both_say(
        |servers, _| trusts(servers),
        "CertificateRequired",
        "peer sent no certificates",
    )
    .await;
}

#[tokio::test]
async fn a_client_whose_certificate_has_expired_is_refused() {
    both_say(
        |servers, clients| trusts_as(servers, &clients.expired(ClientAuth)),
        "CertificateExpired",
        "certificate expired",
    )
    .await;
}

#[tokio::test]
async fn a_client_of_another_authority_is_refused() {
    both_say(
        |servers, _| trusts_as(servers, &Authority::new().client("stranger")),
        "closed the connection before it served: received fatal alert",
        "invalid peer certificate",
    )
    .await;
}

#[tokio::test]
async fn a_client_of_another_kind_of_certificate_is_refused() {
    both_say(
        |servers, clients| trusts_as(servers, &clients.server("localhost")),
        "closed the connection before it served: received fatal alert",
        "extended key",
    )
    .await;
}

/// A hello of a client that knows nothing better than `version`.
fn old_hello(version: [u8; 2], extensions: &[&[u8]]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    // No session; two cipher suites of that time; no compression.
    body.extend([0, 0, 4, 0xc0, 0x13, 0x00, 0x2f, 1, 0]);
    let extensions = extensions.concat();
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let length = (body.len() as u32).to_be_bytes();
    let handshake = [&[1], &length[1..], &body].concat();
    let length = (handshake.len() as u16).to_be_bytes();
    [&[22, 3, 1][..], &length, &handshake].concat()
}

#[tokio::test]
async fn what_is_older_than_tls_1_2_is_refused() {
    // RFC 4492: groups and point formats. RFC 5246: signature algorithms.
    const CURVES: &[u8] = &[0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0];
    const SIGNATURES: &[u8] = &[0, 13, 0, 6, 0, 4, 4, 3, 8, 4];
    // RFC 8446, section 6.2.
    const HANDSHAKE_FAILURE: u8 = 40;
    const PROTOCOL_VERSION: u8 = 70;
    log::keep();
    let authority = Authority::new();
    let serving = Serving::start(echo(proves(&authority.server("localhost")))).await;
    // SSL 3.0, TLS 1.0 and TLS 1.1. Real clients of that age name no signatures.
    for version in [[3, 0], [3, 1], [3, 2]] {
        for (extensions, reason) in [
            (&[CURVES][..], HANDSHAKE_FAILURE),
            (&[CURVES, SIGNATURES], PROTOCOL_VERSION),
        ] {
            let mut tcp = TcpStream::connect(serving.address()).await.unwrap();
            tcp.write_all(&old_hello(version, extensions))
                .await
                .unwrap();
            let mut said = Vec::new();
            within(tcp.read_to_end(&mut said)).await.unwrap();
            let [21, 3, _, 0, 2, 2, alert] = said[..] else {
                panic!("{version:?}: {said:?} is no fatal alert");
            };
            assert_eq!(alert, reason, "{version:?}");
        }
    }
    log::says(&["TLS handshake failed", "peer is incompatible"]).await;
    call(&by_name(&serving, trusts(&authority))).await.unwrap();
}

#[tokio::test]
async fn tls_1_2_is_served() {
    let authority = Authority::new();
    let serving = Serving::start(echo(proves(&authority.server("localhost")))).await;
    let config = rustls::ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS12]);
    let roots = crate::certificates::roots(&authority);
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let tcp = TcpStream::connect(serving.address()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let name = "localhost".try_into().unwrap();
    let tls = within(connector.connect(name, tcp)).await.unwrap();
    let version = tls.get_ref().1.protocol_version();
    assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_2));
}

/// Thousands that fail are a few lines in the log.
#[tokio::test]
async fn a_flood_of_failures_is_logged_now_and_then() {
    log::keep();
    let pem: Pem = Authority::new().server("localhost");
    let server = echo(proves(&pem));
    let metrics: Metrics = server.metrics();
    let serving = Serving::start(server).await;
    for _ in 0..100 {
        let mut tcp = TcpStream::connect(serving.address()).await.unwrap();
        tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let _ = within(tcp.read_to_end(&mut Vec::new())).await;
    }
    within(async {
        while metrics.connections_open() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    let warnings = log::count(&["WARN", "TLS handshake failed", "corrupt message"]);
    assert!((1..20).contains(&warnings), "{warnings} lines");
}
