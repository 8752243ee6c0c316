//! `grpc.health.v1`, as a caller sees it.

use cordial::{
    Code, Server,
    health::{
        Health, ServingStatus,
        v1::{HealthCheckRequest, HealthCheckResponse, HealthClient, HealthListRequest},
    },
};

fn serving(health: &Health) -> HealthClient {
    HealthClient::new(Server::new().add(health.routes()).in_process().unwrap())
}

fn of(service: &str) -> HealthCheckRequest {
    let service = service.to_owned();
    HealthCheckRequest { service }
}

fn says(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tokio::test]
async fn check_tells_what_was_set() {
    let health = Health::new();
    let client = serving(&health);
    let server = client.check(of("")).await.unwrap().into_inner();
    assert_eq!(server, says(ServingStatus::Serving));

    let unknown = client.check(of("shop.Carts")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    assert!(unknown.message().contains("`shop.Carts`"));

    health.set("shop.Carts", ServingStatus::NotServing);
    let carts = client.check(of("shop.Carts")).await.unwrap().into_inner();
    assert_eq!(carts, says(ServingStatus::NotServing));
}

#[tokio::test]
async fn watch_tells_each_change_once() {
    let health = Health::new();
    let client = serving(&health);
    let mut watch = client.watch(of("shop.Carts")).await.unwrap().into_inner();
    let first = watch.message().await.unwrap();
    assert_eq!(first, Some(says(ServingStatus::ServiceUnknown)));

    health.set("shop.Orders", ServingStatus::Serving); // another's: not told
    health.set("shop.Carts", ServingStatus::Serving);
    let second = watch.message().await.unwrap();
    assert_eq!(second, Some(says(ServingStatus::Serving)));

    health.set("shop.Carts", ServingStatus::Serving); // no change: not told
    health.shut_down();
    let third = watch.message().await.unwrap();
    assert_eq!(third, Some(says(ServingStatus::NotServing)));
}

#[tokio::test]
async fn list_tells_all_and_no_more_than_a_hundred() {
    let health = Health::new();
    let client = serving(&health);
    for number in 1..100 {
        health.set(format!("shop.Number{number}"), ServingStatus::Serving);
    }
    let listed = client
        .list(HealthListRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.statuses.len(), 100);
    assert_eq!(listed.statuses[""], says(ServingStatus::Serving));

    health.set("shop.OneTooMany", ServingStatus::Serving);
    let refused = client.list(HealthListRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
}
