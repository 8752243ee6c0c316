//! TLS: whom each end trusts, whom it refuses, and what they agree to speak.

mod certificates;
#[path = "../common/mod.rs"]
mod common;
mod hello;
mod identity;
mod names;
mod refused;
mod registered;
mod reload;
mod rotation;

use certificates::{Authority, Pem};
use common::*;
use cordial_runtime::{Channel, ClientTls, Code, ErrorKind, Server, ServerTls, Status};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpStream;

fn echo(tls: ServerTls) -> Server {
    Server::new().tls(tls).add(Probe::echo().routes())
}

fn proves(pem: &Pem) -> ServerTls {
    ServerTls::new(pem.chain.as_bytes(), pem.key.as_bytes()).unwrap()
}

fn trusts(authority: &Authority) -> ClientTls {
    ClientTls::new()
        .with_roots(authority.pem().as_bytes())
        .unwrap()
}

/// Trusts `authority`, and is who `pem` says.
fn trusts_as(authority: &Authority, pem: &Pem) -> ClientTls {
    trusts(authority)
        .with_identity(&pem.chain, &pem.key)
        .unwrap()
}

/// A server that wants its clients signed by `clients`.
fn mutual(pem: &Pem, clients: &Authority) -> ServerTls {
    ServerTls::mutual(&pem.chain, &pem.key, clients.pem()).unwrap()
}

/// A channel by name, as the certificate wants it.
fn by_name(serving: &Serving, tls: ClientTls) -> Channel {
    let port = serving.uri.rsplit(':').next().unwrap();
    Channel::to(format!("https://localhost:{port}"))
        .unwrap()
        .with_tls(tls)
}

async fn call(channel: &Channel) -> Result<String, Status> {
    let reply = within(channel.unary(UNARY, note("safe")).into_future()).await?;
    Ok(reply.into_inner().text)
}

async fn is_refused(channel: &Channel, words: &str) {
    let status = call(channel).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(
        status.message().contains(words),
        "{status:?} should say {words:?}"
    );
}

#[tokio::test]
async fn a_trusted_server_is_called() {
    let authority = Authority::new();
    let serving = Serving::start(echo(proves(&authority.server("localhost")))).await;
    assert!(
        serving.uri.starts_with("https://127.0.0.1:"),
        "{}",
        serving.uri
    );
    assert_eq!(
        call(&by_name(&serving, trusts(&authority))).await.unwrap(),
        "safe"
    );
    // By address, with the name it should prove.
    let named = trusts(&authority).with_server_name("localhost").unwrap();
    assert_eq!(
        call(&serving.channel().with_tls(named)).await.unwrap(),
        "safe"
    );
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let serving = Serving::start(echo(proves(&Authority::new().server("localhost")))).await;
    is_refused(
        &by_name(&serving, trusts(&Authority::new())),
        "no TLS with `localhost`",
    )
    .await;
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    let authority = Authority::new();
    let serving = Serving::start(echo(proves(&authority.server("elsewhere.test")))).await;
    is_refused(&by_name(&serving, trusts(&authority)), "not valid for name").await;
}

#[tokio::test]
async fn both_ends_can_be_asked_to_prove_themselves() {
    let servers = Authority::new();
    let clients = Authority::new();
    let server = servers.server("localhost");
    let tls = ServerTls::mutual(
        server.chain.as_bytes(),
        server.key.as_bytes(),
        clients.pem().as_bytes(),
    );
    let serving = Serving::start(echo(tls.unwrap())).await;
    let known = trusts_as(&servers, &clients.client("known"));
    let known = by_name(&serving, known);
    assert_eq!(call(&known).await.unwrap(), "safe");
}

#[tokio::test]
async fn plain_text_and_tls_do_not_mix() {
    let authority = Authority::new();
    let safe = Serving::start(echo(proves(&authority.server("localhost")))).await;
    let plain = Channel::to(safe.uri.replace("https", "http")).unwrap();
    assert_eq!(call(&plain).await.unwrap_err().code(), Code::Unavailable);
    let open = Serving::start(Server::new().add(Probe::echo().routes())).await;
    is_refused(
        &by_name(&open, trusts(&authority)),
        "no TLS with `localhost`",
    )
    .await;
}

/// What a client that offers `alpn` agrees on with our server.
async fn agreed(serving: &Serving, authority: &Authority, alpn: &[&[u8]]) -> Option<Vec<u8>> {
    let mut config = certificates::client(authority);
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let tcp = TcpStream::connect(serving.address()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = "localhost".try_into().unwrap();
    let tls = within(connector.connect(name, tcp)).await.ok()?;
    Some(tls.get_ref().1.alpn_protocol().unwrap_or_default().to_vec())
}

#[tokio::test]
async fn a_server_prefers_http_2() {
    let authority = Authority::new();
    let serving = Serving::start(echo(proves(&authority.server("localhost")))).await;
    for (offered, chosen) in [
        (&[&b"http/1.1"[..], b"h2"][..], Some(&b"h2"[..])),
        (&[b"h2"], Some(b"h2")),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], Some(b"")),
        (&[b"spdy/3"], None),
    ] {
        let agreed = agreed(&serving, &authority, offered).await;
        assert_eq!(agreed.as_deref(), chosen, "{offered:?}");
    }
}

/// A TLS server that speaks `alpn` and then as our own would in plain text.
async fn stock_server(authority: &Authority, alpn: &[&[u8]]) -> String {
    let mut config = certificates::server(&authority.server("localhost"));
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let inner = Serving::start(Server::new().add(Probe::echo().routes())).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut tls) = acceptor.accept(tcp).await else {
                continue;
            };
            let mut plain = TcpStream::connect(inner.address()).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut tls, &mut plain).await;
        }
    });
    format!("https://localhost:{port}")
}

#[tokio::test]
async fn a_channel_speaks_http_2_or_nothing() {
    let authority = Authority::new();
    for knows in [&[&b"h2"[..]][..], &[]] {
        let uri = stock_server(&authority, knows).await;
        let channel = Channel::to(uri).unwrap().with_tls(trusts(&authority));
        assert_eq!(call(&channel).await.unwrap(), "safe", "{knows:?}");
    }
    let uri = stock_server(&authority, &[b"http/1.1"]).await;
    let channel = Channel::to(uri).unwrap().with_tls(trusts(&authority));
    is_refused(&channel, "no TLS with `localhost`").await;
}

#[tokio::test]
async fn a_handshake_does_not_hold_a_server_that_stops() {
    let authority = Authority::new();
    let mut serving = Serving::start(echo(proves(&authority.server("localhost")))).await;
    let _silent = TcpStream::connect(serving.address()).await.unwrap();
    // A call that is answered says that the other was accepted before it.
    let channel = by_name(&serving, trusts(&authority));
    call(&channel).await.unwrap();
    let started = std::time::Instant::now();
    serving.ask_to_stop();
    serving.stopped().await;
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn what_does_not_read_says_what_it_is() {
    let authority = Authority::new();
    let (one, other) = (authority.server("one.test"), authority.server("other.test"));
    let junk = b"-----BEGIN NOTHING-----";
    let chain = one.chain.as_bytes();
    for (error, words) in [
        (
            ServerTls::new(junk, one.key.as_bytes()).err(),
            "certificate",
        ),
        (ServerTls::new(chain, junk).err(), "private key"),
        (
            ServerTls::new(chain, other.key.as_bytes()).err(),
            "do not fit",
        ),
        (
            ServerTls::mutual(chain, one.key.as_bytes(), junk).err(),
            "certificate",
        ),
        (ClientTls::new().with_roots(junk).err(), "certificate"),
        (
            ClientTls::new().with_identity(chain, junk).err(),
            "private key",
        ),
        (
            ClientTls::new().with_server_name("no name").err(),
            "server name",
        ),
    ] {
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
        assert!(
            error.to_string().contains(words),
            "{error} should say {words}"
        );
    }
}
