//! Who offers a service, by SRV records.

use super::{
    super::service::TARGETS_MAX,
    server::{Reply, Server, a, aaaa, srv},
    *,
};

const SERVICE: &str = "_grpc._tcp.svc.test";
const RECORDS: &str = "_grpc._tcp.svc.test.";

/// The next list, with the weights.
async fn weighted(told: &mut BoxStream<Vec<Endpoint>>) -> Vec<(String, u32)> {
    let endpoints = told.next().await.expect("it goes on").expect("endpoints");
    let weighted = |endpoint: &Endpoint| (endpoint.address().to_string(), endpoint.weight());
    endpoints.iter().map(weighted).collect()
}

fn weights(list: &[(&str, u32)]) -> Vec<(String, u32)> {
    list.iter()
        .map(|(at, weight)| ((*at).to_owned(), *weight))
        .collect()
}

#[tokio::test]
async fn ports_weights_and_priorities_are_heeded() {
    let server = Server::start().await;
    let records = Reply::Records(vec![
        srv(RECORDS, 20, 1, 7003, "c.test."),
        srv(RECORDS, 10, 60, 7001, "a.test."),
        srv(RECORDS, 10, 20, 7002, "b.test."),
        srv(RECORDS, 10, 0, 7004, "d.test."),
        srv(RECORDS, 10, 5, 0, "e.test."),
    ]);
    server.says(RECORDS, RecordType::SRV, records);
    server.has("a.test.", 60, &[[10, 0, 0, 1]]);
    server.has("b.test.", 60, &[[10, 0, 0, 2]]);
    server.has("c.test.", 60, &[[10, 0, 0, 3]]);
    server.has("d.test.", 60, &[[10, 0, 0, 4]]);
    let mut told = watch(&server, SERVICE);
    let all = weights(&[
        ("10.0.0.1:7001", 60),
        ("10.0.0.2:7002", 20),
        ("10.0.0.4:7004", 1),
    ]);
    assert_eq!(weighted(&mut told).await, all);
    assert!(server.asked().iter().all(|asked| asked.name != "c.test."));

    // One target is gone, then all of its priority are.
    server.says_both("b.test.", Reply::Code(ResponseCode::NXDomain));
    server.says_both("d.test.", Reply::Code(ResponseCode::ServFail));
    pass(Duration::from_secs(60)).await;
    assert_eq!(weighted(&mut told).await, weights(&[("10.0.0.1:7001", 60)]));
    server.says_both("a.test.", Reply::Code(ResponseCode::NoError));
    pass(Duration::from_secs(60)).await;
    assert_eq!(weighted(&mut told).await, weights(&[("10.0.0.3:7003", 1)]));
    server.says_both("c.test.", Reply::Code(ResponseCode::NXDomain));
    pass(Duration::from_secs(60)).await;
    let text = next_error(&mut told, &server, SERVICE).await;
    assert!(
        text.ends_with("`c.test.`: there is no such name (NXDOMAIN)"),
        "{text}"
    );
}

#[tokio::test]
async fn the_weight_of_a_target_is_shared_by_its_addresses() {
    let server = Server::start().await;
    let records = Reply::Records(vec![
        srv(RECORDS, 0, 3, 1, "a.test."),
        srv(RECORDS, 0, 3, 2, "b.test."),
        srv(RECORDS, 0, 6, 3, "c.test."),
    ]);
    server.says(RECORDS, RecordType::SRV, records);
    server.has("a.test.", 60, &[[10, 0, 0, 1]]);
    server.says(
        "b.test.",
        RecordType::A,
        Reply::Records(vec![a("b.test.", 60, [10, 0, 0, 2])]),
    );
    let six = vec![aaaa("b.test.", 60, "2001:db8::2")];
    server.says("b.test.", RecordType::AAAA, Reply::Records(six));
    server.has(
        "c.test.",
        60,
        &[[10, 0, 0, 3], [10, 0, 0, 4], [10, 0, 0, 5]],
    );
    let told = weighted(&mut watch(&server, SERVICE)).await;
    let all = [
        ("10.0.0.1:1", 18),
        ("[2001:db8::2]:2", 9),
        ("10.0.0.2:2", 9),
        ("10.0.0.3:3", 12),
        ("10.0.0.4:3", 12),
        ("10.0.0.5:3", 12),
    ];
    assert_eq!(told, weights(&all));
}

#[tokio::test]
async fn the_shortest_life_of_all_answers_counts() {
    let server = Server::start().await;
    server.says(
        RECORDS,
        RecordType::SRV,
        Reply::Records(vec![srv(RECORDS, 0, 1, 1, "a.test.")]),
    );
    server.has("a.test.", 10, &[[10, 0, 0, 1]]);
    let mut told = watch(&server, SERVICE);
    assert_eq!(weighted(&mut told).await, weights(&[("10.0.0.1:1", 1)]));
    server.has("a.test.", 10, &[[10, 0, 0, 2]]);
    pass(Duration::from_secs(10)).await;
    assert_eq!(weighted(&mut told).await, weights(&[("10.0.0.2:1", 1)]));
}

#[tokio::test]
async fn errors_say_what_came() {
    let server = Server::start().await;
    let text = next_error(&mut watch(&server, SERVICE), &server, SERVICE).await;
    assert!(
        text.contains("SRV records of") && text.ends_with("(NXDOMAIN)"),
        "{text}"
    );
    let nobody = Reply::Records(vec![srv(RECORDS, 0, 0, 1, ".")]);
    server.says(RECORDS, RecordType::SRV, nobody);
    let text = next_error(&mut watch(&server, SERVICE), &server, SERVICE).await;
    assert!(
        text.ends_with("they say that nobody offers the service"),
        "{text}"
    );
    server.says(
        RECORDS,
        RecordType::SRV,
        Reply::Code(ResponseCode::ServFail),
    );
    let text = next_error(&mut watch(&server, SERVICE), &server, SERVICE).await;
    assert!(text.ends_with("the server failed (SERVFAIL)"), "{text}");
}

#[tokio::test]
async fn of_many_targets_some_are_asked_for() {
    let server = Server::start().await;
    let records = (0..2 * TARGETS_MAX).map(|nth| {
        let target = format!("t{nth:03}.test.");
        server.has(&target, 60, &[[10, 0, 1, nth as u8]]);
        srv(RECORDS, 0, 1, 1, &target)
    });
    let records = Reply::Truncated(records.collect());
    server.says(RECORDS, RecordType::SRV, records);
    assert_eq!(
        weighted(&mut watch(&server, SERVICE)).await.len(),
        TARGETS_MAX
    );
}
