//! What is said of who gets calls in code and in a service config.

use crate::common::*;
use cordial_runtime::{Channel, PickFirst, RoundRobin, Server, ServiceConfig};
use std::collections::HashSet;

const ROUND_ROBIN: &str = r#"{ "loadBalancingConfig": [{ "round_robin": {} }] }"#;
const PICK_FIRST: &str = r#"{ "loadBalancingConfig": [{ "pick_first": {} }] }"#;
const TIMEOUT: &str = r#"{ "methodConfig": [{ "name": [{}], "timeout": "9s" }] }"#;

fn config(json: &str) -> ServiceConfig {
    ServiceConfig::parse(json).unwrap()
}

async fn two() -> [Serving; 2] {
    let start = async |name: &'static str| {
        let probe = Probe::echo().unary(move |_| async move { Ok(note(name).into()) });
        Serving::start(Server::new().add(probe.routes())).await
    };
    [start("one").await, start("two").await]
}

/// Calls until `servers` have answered, and some calls more.
async fn reaches(channel: Channel, servers: usize) {
    let mut answered = HashSet::new();
    let mut more = 50;
    while more > 0 {
        let reply = within(channel.unary(UNARY, note("")).into_future()).await;
        answered.insert(reply.unwrap().into_inner().text);
        more -= u32::from(answered.len() >= servers);
    }
    assert_eq!(answered.len(), servers);
}

#[tokio::test]
async fn code_wins_in_whatever_order_it_speaks() {
    let servers = two().await;
    let addresses = servers.each_ref().map(Serving::address).join(",");
    let channel = || Channel::to(format!("static:///{addresses}")).unwrap();
    let (first, round) = (PickFirst::new, RoundRobin::new);
    for (channel, servers) in [
        (channel().with_service_config(config(PICK_FIRST)), 1),
        (channel().with_service_config(config(ROUND_ROBIN)), 2),
        (
            channel()
                .with_service_config(config(ROUND_ROBIN))
                .with_balancer(first()),
            1,
        ),
        (
            channel()
                .with_balancer(first())
                .with_service_config(config(ROUND_ROBIN)),
            1,
        ),
        (
            channel()
                .with_balancer(round())
                .with_service_config(config(PICK_FIRST)),
            2,
        ),
        // The later config stands for the earlier one, all of it.
        (
            channel()
                .with_service_config(config(PICK_FIRST))
                .with_service_config(config(TIMEOUT)),
            2,
        ),
    ] {
        within(reaches(channel, servers)).await;
    }
}
