//! What a handler is told of a caller that proved itself.

use crate::{Authority, by_name, call, common::*, mutual, proves, trusts, trusts_as};
use cordial_runtime::{Server, ServerTls};
use rcgen::SanType;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex},
};

pub fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

pub fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

/// A handler's view, kept for the test.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Option<cordial_runtime::PeerIdentity>>>);

impl Seen {
    fn server(&self, tls: ServerTls) -> Server {
        let seen = self.0.clone();
        let probe = Probe::echo().unary(move |request| {
            *seen.lock().unwrap() = request.peer_identity().cloned();
            assert_eq!(request.peer().unwrap().identity(), request.peer_identity());
            async move { Ok(request.into_inner().into()) }
        });
        Server::new().tls(tls).add(probe.routes())
    }

    fn take(&self) -> Option<cordial_runtime::PeerIdentity> {
        self.0.lock().unwrap().take()
    }
}

#[tokio::test]
async fn a_handler_sees_every_name_of_its_caller() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let server = servers.server("localhost");
    let seen = Seen::default();
    let serving = Serving::start(seen.server(mutual(&server, &clients))).await;
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let client = clients.client_with(vec![
        dns("billing.example.org"),
        dns("*.example.org"),
        SanType::IpAddress([10, 1, 2, 3].into()),
        SanType::IpAddress(v6),
        SanType::Rfc822Name("ada@example.org".try_into().unwrap()),
        uri("spiffe://example.org/ns/prod/sa/billing"),
    ]);
    call(&by_name(&serving, trusts_as(&servers, &client)))
        .await
        .unwrap();
    let identity = seen.take().unwrap();
    assert_eq!(
        identity.chain().collect::<Vec<_>>(),
        [client.der().as_ref()]
    );
    assert_eq!(
        identity.dns_names(),
        ["billing.example.org", "*.example.org"]
    );
    assert_eq!(identity.ip_addresses(), [IpAddr::from([10, 1, 2, 3]), v6]);
    assert_eq!(identity.emails(), ["ada@example.org"]);
    let id = "spiffe://example.org/ns/prod/sa/billing";
    assert_eq!(identity.uris(), [id]);
    assert_eq!(identity.spiffe_id(), Some(id));
}

#[tokio::test]
async fn who_proved_nothing_has_no_identity() {
    let servers = Authority::new();
    let seen = Seen::default();
    let tls = proves(&servers.server("localhost"));
    let serving = Serving::start(seen.server(tls)).await;
    call(&by_name(&serving, trusts(&servers))).await.unwrap();
    assert_eq!(seen.take(), None);
}

/// The rules of X509-SVID, beyond those of the id itself.
#[tokio::test]
async fn a_spiffe_id_is_only_what_the_standard_allows() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let server = servers.server("localhost");
    let seen = Seen::default();
    let serving = Serving::start(seen.server(mutual(&server, &clients))).await;
    let id = "spiffe://example.org/workload";
    for (names, expected) in [
        (vec![uri(id), dns("and.a.host")], Some(id)),
        (vec![uri(id), uri("spiffe://example.org/other")], None),
        (vec![uri(id), uri("https://example.org")], None),
        (vec![uri("spiffe://example.org")], None),
        (vec![uri("https://example.org/workload")], None),
        (vec![dns("workload.example.org")], None),
    ] {
        let client = clients.client_with(names);
        call(&by_name(&serving, trusts_as(&servers, &client)))
            .await
            .unwrap();
        let identity = seen.take().unwrap();
        assert_eq!(identity.spiffe_id(), expected, "{identity:?}");
    }
    // A key that may sign anything, which this one's certificate leaves open.
    let client = clients.client(id);
    call(&by_name(&serving, trusts_as(&servers, &client)))
        .await
        .unwrap();
    assert_eq!(seen.take().unwrap().spiffe_id(), None);
}

/// The identity is the connection's: it is there on each of its calls, and not
/// on those of another.
#[tokio::test]
async fn callers_are_told_apart() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let server = servers.server("localhost");
    let seen = Seen::default();
    let serving = Serving::start(seen.server(mutual(&server, &clients))).await;
    let channels = ["ada", "bob"].map(|name| {
        let client = clients.client(name);
        (name, by_name(&serving, trusts_as(&servers, &client)))
    });
    for _ in 0..3 {
        for (name, channel) in &channels {
            call(channel).await.unwrap();
            assert_eq!(seen.take().unwrap().dns_names(), [*name]);
        }
    }
}
