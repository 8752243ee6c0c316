//! The contract over multicast DNS on the loopback interface, and what only that does.

use crate::{
    port::free_port,
    support::{LONG, SERVICE, instance, until},
};
use cordial::{
    Channel, ClientTls, Code, Instance, Listing, MdnsRegistry, Method, Registry, RegistryResolver,
    Request, Response, Result, Routes, Server, ServerTls, Watch, open_registry,
};
use mdns_sd::{IfKind, ServiceDaemon, ServiceEvent, ServiceInfo};
use registry_contract::{Cuttable, Harness, Line};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_stream::StreamExt;

const TYPE: &str = "_cordial._tcp.local.";

/// A port of its own on the loopback interface: a network of its own.
struct Mdns {
    port: u16,
    /// There is no server that could be away, and no host can know that others do not hear it.
    line: Line,
}

impl Mdns {
    fn new() -> Self {
        Self {
            port: free_port(),
            line: Line::new(),
        }
    }

    fn closed(&self) -> MdnsRegistry {
        MdnsRegistry::new().on_interface("lo").at_port(self.port)
    }

    /// Another host.
    fn host(&self) -> MdnsRegistry {
        self.closed().allow_plain_text()
    }

    /// Somebody who asks and answers by himself.
    fn stranger(&self) -> ServiceDaemon {
        let daemon = ServiceDaemon::new_with_port(self.port).unwrap();
        daemon.disable_interface(IfKind::All).unwrap();
        daemon.enable_interface("lo").unwrap();
        daemon
    }
}

impl Harness for Mdns {
    const LEASE: Duration = Duration::from_secs(2);
    const SLACK: Duration = Duration::from_secs(1);
    /// A thousand hosts are in no network that multicast is for.
    const MANY: usize = 50;

    async fn start() -> Self {
        Self::new()
    }

    fn client(&self) -> Arc<dyn Registry> {
        let host = Arc::new(self.host());
        Arc::new(Cuttable::new(host, self.line.clone()))
    }

    async fn wipe(&self) {
        let host = self.host();
        let mut lists = host.watch("contract.v1.Echo");
        let listing = lists.next().await.unwrap().unwrap();
        for instance in listing.instances() {
            host.deregister(instance).await.unwrap();
        }
    }

    async fn cut(&self) {
        self.line.set_cut(true);
    }

    async fn mend(&self) {
        self.line.set_cut(false);
    }

    /// What is nowhere is not restarted: all that was announced is taken back.
    async fn restart_empty(&self) {
        self.wipe().await;
    }

    async fn write_rubbish(&self, service: &str) -> bool {
        let stranger = self.stranger();
        announce(&stranger, "rubbish", &strings(service, "rubbish", "{nope"));
        // It lives for as long as the runtime of the test.
        tokio::spawn(async move {
            let _lives = stranger;
            std::future::pending::<()>().await
        });
        true
    }
}

/// What a host says of an instance.
fn strings(service: &str, id: &str, said: &str) -> HashMap<String, String> {
    [
        ("service", service),
        ("id", id),
        ("stamp", "1"),
        ("beat", "1"),
        ("lease", "60000"),
        ("r0", said),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn announce(by: &ServiceDaemon, name: &str, strings: &HashMap<String, String>) {
    let host = format!("{name}.local.");
    let info = ServiceInfo::new(TYPE, name, &host, (), 7, strings.clone()).unwrap();
    let mut info = info.enable_addr_auto();
    info.set_requires_probe(false);
    by.register(info).unwrap();
}

/// Every test of the contract but two: that of the largest record, for which a packet has
/// no room, and that of what flickers, since no host knows when others have heard it.
/// What holds of that is below.
mod contract {
    use super::Mdns;

    registry_contract::tests! { Mdns;
        leases: an_instance_is_listed_for_its_lease_and_no_longer;
        leases: a_renewed_instance_is_in_every_list;
        leases: a_renewal_changes_nothing;
        leases: an_expired_instance_is_registered_again;
        leases: the_leases_of_two_instances_are_apart;
        lists: the_first_list_comes_though_nothing_is_registered;
        lists: what_comes_and_goes_is_told;
        lists: a_list_is_never_older_than_the_one_before;
        lists: a_slow_watcher_has_the_last_list_soon;
        lists: every_watcher_is_told;
        lists: two_clients_see_the_same;
        lists: services_whose_names_begin_alike_are_apart;
        lists: many_instances_are_in_one_list;
        lists: a_watch_that_is_dropped_is_over;
        records: every_field_comes_back;
        records: every_character_comes_back;
        records: the_longest_names_fit;
        records: a_change_takes_the_place_of_what_was;
        records: the_later_of_two_with_one_id_counts;
        records: names_that_lead_elsewhere_are_refused;
        records: rubbish_is_skipped_and_the_rest_serve;
        records: deregistering_what_is_not_there_is_no_error;
        records: a_dropped_registration_does_no_harm;
        outages: a_wiped_registry_is_filled_again;
        outages: a_registry_that_restarts_empty_is_filled_again;
        outages: an_outage_is_told_to_all_and_passes;
        outages: what_happened_in_an_outage_is_known_after_it;
        outages: a_long_outage_passes;
        outages: outages_one_after_another_pass;
        servers: a_server_that_stops_is_gone_before_it_drains;
        servers: a_server_that_dies_is_gone_with_its_lease;
        servers: a_server_is_registered_once_it_is_healthy;
        servers: calls_go_on_when_one_of_three_dies;
        servers: calls_go_on_while_the_registry_is_away_and_comes_back_empty;
    }
}

fn ids(listing: &Listing) -> Vec<&str> {
    listing.instances().iter().map(|one| &*one.id).collect()
}

#[tokio::test]
async fn others_find_what_is_announced_and_hear_a_goodbye() {
    let mdns = Mdns::new();
    let registry = mdns.host();
    let mut known = instance("one");
    known.weight = 7;
    registry.register(&known, LONG).await.unwrap();
    let stranger = mdns.stranger();
    let events = stranger.browse(TYPE).unwrap();
    let next = |wanted: fn(&ServiceEvent) -> bool| {
        let end = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            let event = events.recv_deadline(end).expect("such an event comes");
            if wanted(&event) {
                return event;
            }
        }
    };
    let event = next(|event| matches!(event, ServiceEvent::ServiceResolved(_)));
    let ServiceEvent::ServiceResolved(found) = event else {
        unreachable!("it was looked for");
    };
    assert_eq!(found.get_property_val_str("service"), Some(SERVICE));
    assert_eq!(found.get_property_val_str("id"), Some("one"));
    assert_eq!(found.get_port(), 50051);
    registry.deregister(&known).await.unwrap();
    next(|event| matches!(event, ServiceEvent::ServiceRemoved(..)));
}

#[tokio::test]
async fn what_is_deregistered_is_gone_before_the_goodbye_is_believed() {
    let mdns = Mdns::new();
    let registry = mdns.host();
    registry.register(&instance("one"), LONG).await.unwrap();
    let mut watch = Watch::new(mdns.host(), SERVICE);
    until(&mut watch, |listing| ids(listing) == ["one"]).await;
    let begun = Instant::now();
    registry.deregister(&instance("one")).await.unwrap();
    until(&mut watch, |listing| ids(listing).is_empty()).await;
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn what_flickers_ends_as_it_was_left() {
    let mdns = Mdns::new();
    let registry = mdns.host();
    let mut watch = Watch::new(mdns.host(), SERVICE);
    until(&mut watch, |listing| ids(listing).is_empty()).await;
    for _ in 0..15 {
        registry.register(&instance("one"), LONG).await.unwrap();
        registry.deregister(&instance("one")).await.unwrap();
    }
    // What one host says is heard in the order that it was said in.
    registry.register(&instance("end"), LONG).await.unwrap();
    until(&mut watch, |listing| ids(listing).contains(&"end")).await;
    let end = Instant::now() + Duration::from_secs(2);
    let mut lists = mdns.host().watch(SERVICE);
    let first = lists.next().await.unwrap().unwrap();
    assert_eq!(ids(&first), ["end"]);
    while let Ok(listed) = tokio::time::timeout_at(end, watch.next()).await {
        assert_eq!(ids(&listed.unwrap()), ["end"]);
    }
}

#[tokio::test]
async fn of_hosts_with_one_id_the_later_counts_and_the_other_is_silent() {
    let mdns = Mdns::new();
    let (first, second) = (mdns.host(), mdns.host());
    let at = |address: &str| Instance::new(SERVICE, "one", address.parse().unwrap());
    first.register(&at("10.0.0.1:1"), LONG).await.unwrap();
    let mut watch = Watch::new(mdns.host(), SERVICE);
    until(&mut watch, |listing| ids(listing) == ["one"]).await;
    second.register(&at("10.0.0.2:2"), LONG).await.unwrap();
    let is_second =
        |listing: &Listing| ids(listing) == ["one"] && *listing.instances()[0] == at("10.0.0.2:2");
    until(&mut watch, is_second).await;
    // Whoever comes then hears of one only.
    let stranger = mdns.stranger();
    let events = stranger.browse(TYPE).unwrap();
    let mut ports = Vec::new();
    let end = std::time::Instant::now() + Duration::from_millis(1_500);
    while let Ok(event) = events.recv_deadline(end) {
        if let ServiceEvent::ServiceResolved(found) = event {
            ports.push(found.get_port());
        }
    }
    assert!(
        !ports.is_empty() && ports.iter().all(|port| *port == 2),
        "{ports:?}"
    );
}

#[tokio::test]
async fn what_has_no_room_in_a_packet_is_left_out_or_refused() {
    let mdns = Mdns::new();
    let registry = mdns.host();
    let mut large = instance("one");
    large.methods = (0..200).map(|nth| format!("Method{nth}")).collect();
    large.descriptor_hash = Some(7);
    registry.register(&large, LONG).await.unwrap();
    let mut watch = Watch::new(mdns.host(), SERVICE);
    let listing = until(&mut watch, |listing| ids(listing) == ["one"]).await;
    let told = &listing.instances()[0];
    assert!(told.methods.is_empty() && told.serves("Method1"));
    assert_eq!(told.descriptor_hash, Some(7));
    large.metadata.insert("note".to_owned(), "x".repeat(1_000));
    let refused = registry.register(&large, LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("less metadata"), "{refused}");
}

#[tokio::test]
async fn strangers_of_the_same_type_are_passed_over() {
    let mdns = Mdns::new();
    let stranger = mdns.stranger();
    announce(&stranger, "printer", &HashMap::new());
    let nobody = strings("no service/..", "one", "{}");
    announce(&stranger, "nobody", &nobody);
    let forged = r#"{"address":"10.0.0.1:1","service":"x.v1.Y","id":"forged"}"#;
    announce(&stranger, "forged", &strings(SERVICE, "two", forged));
    let registry = mdns.host();
    registry.register(&instance("one"), LONG).await.unwrap();
    let mut watch = Watch::new(registry, SERVICE);
    // What it says of its service and id elsewhere does not count.
    let listing = until(&mut watch, |listing| ids(listing) == ["one", "two"]).await;
    assert_eq!(listing.skipped(), 0);
}

#[tokio::test]
async fn an_interface_that_is_not_there_is_said() {
    let registry = MdnsRegistry::new()
        .on_interface("none0")
        .at_port(free_port());
    let refused = registry.register(&instance("one"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("multicast"), "{refused}");
}

const SAY: Method<String, String> = Method::unary("/orders.v1.Orders/Say");

async fn say(_: &(), _: Request<String>) -> Result<Response<String>> {
    Ok("said".to_owned().into())
}

fn routes() -> Routes<()> {
    Routes::new(SERVICE, ()).unary(SAY, say)
}

#[tokio::test]
async fn nobody_is_called_in_plain_text_unless_that_is_allowed() {
    let mdns = Mdns::new();
    let server = Server::new().add(routes()).register(mdns.closed());
    let bound = server.bind("127.0.0.1:0").await.unwrap();
    tokio::spawn(bound.serve());
    let mut watch = Watch::new(mdns.host(), SERVICE);
    until(&mut watch, |listing| !listing.instances().is_empty()).await;
    let channel = Channel::registered_in(SERVICE, mdns.closed()).unwrap();
    let refused = channel.unary(SAY, String::new()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(
        refused.message().contains("`Channel::with_tls`"),
        "{refused}"
    );
    let resolver = RegistryResolver::new(SERVICE, mdns.closed());
    let channel = Channel::resolved_by(SERVICE, resolver).unwrap();
    let refused = channel.unary(SAY, String::new()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let channel = Channel::registered_in(SERVICE, mdns.host()).unwrap();
    let said = channel.unary(SAY, String::new()).await.unwrap();
    assert_eq!(said.into_inner(), "said");
}

#[tokio::test]
async fn a_certificate_shows_who_is_believed() {
    let mdns = Mdns::new();
    let serve = async |name: &str, id: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap().pem();
        let tls = ServerTls::new(certificate.as_bytes(), key.serialize_pem().as_bytes());
        let registration = cordial::Registration::new(mdns.closed()).with_id(id);
        let server = Server::new()
            .add(routes())
            .tls(tls.unwrap())
            .register(registration);
        let bound = server.bind("127.0.0.1:0").await.unwrap();
        tokio::spawn(bound.serve());
        certificate
    };
    let certificate = serve(SERVICE, "true").await;
    let channel = Channel::registered_in(SERVICE, mdns.closed())
        .unwrap()
        .with_tls(ClientTls::new().with_roots(certificate.as_bytes()).unwrap());
    let said = channel
        .unary(SAY, String::new())
        .wait_for_ready()
        .await
        .unwrap();
    assert_eq!(said.into_inner(), "said");
    // Somebody else says that he serves it, too.
    serve("other.v1.Other", "false").await;
    let mut watch = Watch::new(mdns.closed(), SERVICE);
    until(&mut watch, |listing| ids(listing) == ["false", "true"]).await;
    for _ in 0..20 {
        let said = channel.unary(SAY, String::new()).wait_for_ready().await;
        assert_eq!(said.unwrap().into_inner(), "said");
    }
}

#[test]
fn urls_lead_to_this_network_or_say_why_not() {
    assert!(Channel::to("mdns://local/orders.v1.Orders").is_ok());
    let open = |url: &str| open_registry(url).unwrap();
    assert!(open("mdns://local").needs_tls());
    assert!(!open("mdns://local/allow-plain-text").needs_tls());
    for url in ["mdns://", "mdns://example.org", "mdns://local/plain"] {
        let error = open_registry(url).unwrap_err();
        assert!(error.to_string().contains("write "), "{error}");
    }
}
