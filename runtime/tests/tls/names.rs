//! Several certificates, and which one a client is shown.

use crate::{Authority, certificates, common::*, echo};
use cordial_runtime::ServerTls;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use tokio::net::TcpStream;

/// The certificate a client sees that asks for `name`, and checks it.
pub async fn shown(
    serving: &Serving,
    authority: &Authority,
    name: &str,
) -> Result<CertificateDer<'static>, std::io::Error> {
    let tcp = TcpStream::connect(serving.address()).await?;
    let config = Arc::new(certificates::client(authority));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connector = tokio_rustls::TlsConnector::from(config);
    let tls = within(connector.connect(name, tcp)).await?;
    Ok(tls.get_ref().1.peer_certificates().unwrap()[0].clone())
}

#[tokio::test]
async fn the_name_a_client_asks_for_picks_the_certificate() {
    let authority = Authority::new();
    let [first, exact, wild] =
        ["localhost", "exact.example.org", "*.example.org"].map(|name| authority.server(name));
    let tls = ServerTls::new(&first.chain, &first.key)
        .and_then(|tls| tls.with_certificate(&exact.chain, &exact.key))
        .and_then(|tls| tls.with_certificate(&wild.chain, &wild.key))
        .unwrap();
    let serving = Serving::start(echo(tls)).await;
    for (name, pem) in [
        ("localhost", &first),
        ("exact.example.org", &exact),
        ("EXACT.example.ORG", &exact),
        ("other.example.org", &wild),
    ] {
        let shown = shown(&serving, &authority, name).await.unwrap();
        assert!(shown == pem.der(), "another was shown for {name}");
    }
    // Neither is covered by a star, so they are shown the first, and refuse it.
    for name in ["example.org", "a.b.example.org", "127.0.0.1"] {
        let error = shown(&serving, &authority, name).await.unwrap_err();
        assert!(error.to_string().contains("localhost"), "{name}: {error}");
    }
}

#[test]
fn another_certificate_must_fit_its_key() {
    let authority = Authority::new();
    let [one, other] = ["one.test", "other.test"].map(|name| authority.server(name));
    let tls = ServerTls::new(&one.chain, &one.key).unwrap();
    let error = tls.with_certificate(&other.chain, &one.key).unwrap_err();
    assert!(error.to_string().contains("do not fit"), "{error}");
}
