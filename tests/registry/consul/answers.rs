//! What an agent may answer, and what comes of it.

use super::{
    agent::{Agent, Does, done, list},
    ids,
};
use crate::support::{LONG, SERVICE, instance};
use cordial::{BoxStream, Code, Listing, Result, open_registry};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout};
use tokio_stream::StreamExt;

/// A list of one service that somebody else has registered.
fn listed(id: &str) -> String {
    format!(
        r#"[{{"Node": {{"Node": "n", "Address": "10.0.0.7"}}, "Checks": [],
            "Service": {{"ID": "{id}", "Service": "{SERVICE}", "Port": 50051}}}}]"#
    )
}

async fn next(lists: &mut BoxStream<Listing>) -> Result<Listing> {
    let next = timeout(Duration::from_secs(20), lists.next()).await;
    next.expect("it does not hang").expect("it goes on")
}

#[tokio::test]
async fn an_index_that_goes_back_begins_the_watch_anew() {
    let answers = AtomicU64::new(0);
    let agent = Agent::start(move |_| match answers.fetch_add(1, Relaxed) {
        0 => list(7, &listed("a")),
        1 => list(9, &listed("b")),
        2 => list(4, &listed("c")),
        _ => Does::Hangs,
    });
    let registry = open_registry(&agent.url()).unwrap();
    let mut lists = registry.watch(SERVICE);
    assert_eq!(ids(&next(&mut lists).await.unwrap()), ["n.a"]);
    assert_eq!(ids(&next(&mut lists).await.unwrap()), ["n.b"]);
    let refused = next(&mut lists).await.unwrap_err();
    assert!(refused.message().contains("from 9 to 4"), "{refused}");
    assert!(lists.next().await.is_none());
    let lines = |asked: &[super::agent::Asked]| -> Vec<_> {
        asked.iter().map(|asked| asked.line.clone()).collect()
    };
    let asked = lines(&agent.asked.lock().unwrap());
    let path = format!("GET /v1/health/service/{SERVICE}?wait=20s");
    assert_eq!(
        asked,
        [
            format!("{path} HTTP/1.1"),
            format!("{path}&index=7 HTTP/1.1"),
            format!("{path}&index=9 HTTP/1.1"),
        ]
    );
}

/// An index of 0 would be answered at once, again and again.
#[tokio::test]
async fn an_index_of_0_is_no_reason_to_ask_without_end() {
    let agent = Agent::start(|_| list(0, &listed("a")));
    let registry = open_registry(&agent.url()).unwrap();
    let mut lists = registry.watch(SERVICE);
    assert_eq!(ids(&next(&mut lists).await.unwrap()), ["n.a"]);
    let ended = timeout(Duration::from_secs(20), lists.next()).await;
    assert!(ended.unwrap().unwrap().is_err());
    assert_eq!(
        agent.times("GET /v1/health/service/orders.v1.Orders?wait=20s&index=1"),
        1
    );
}

/// Indexes rise with what others change, too.
#[tokio::test]
async fn a_list_that_is_the_same_is_not_told_and_not_asked_for_too_often() {
    let index = AtomicU64::new(1);
    let agent = Agent::start(move |_| list(index.fetch_add(1, Relaxed), &listed("a")));
    let registry = open_registry(&agent.url()).unwrap();
    let mut lists = registry.watch(SERVICE);
    assert_eq!(ids(&next(&mut lists).await.unwrap()), ["n.a"]);
    let begun = Instant::now();
    assert!(timeout(Duration::from_secs(1), lists.next()).await.is_err());
    let most = begun.elapsed().as_millis() / 200 + 2;
    let asked = agent.times("GET");
    assert!((3..=most as usize).contains(&asked), "asked {asked} times");
    // Over one connection.
    assert_eq!(agent.connections.load(Relaxed), 1);
}

#[tokio::test]
async fn what_is_no_list_ends_the_watch_and_says_why() {
    let large = format!("[{}]", " ".repeat(65 << 20));
    for (answer, why) in [
        (list(7, "<html>"), "does not read"),
        (list(7, "{}"), "is no list"),
        (list(7, "[1]"), "is no list of services"),
        (list(7, "[{}]"), "is no list of services"),
        (list(7, &large), "length limit exceeded"),
        (list(7, &format!("{}1", "[".repeat(100_000))), "recursion"),
        (Does::Answers(200, None, "[]".to_owned()), "no index"),
        (Does::Answers(404, Some(7), "[]".to_owned()), "no Consul"),
        (Does::Answers(301, None, String::new()), "301"),
        (
            Does::Answers(403, None, "Permission denied".to_owned()),
            "403 Forbidden: Permission",
        ),
        (
            Does::Answers(500, None, "No cluster leader".to_owned()),
            "No cluster leader",
        ),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let agent = Agent::start(move |_| {
            let answer = answer.lock().unwrap().take();
            answer.unwrap_or(Does::Hangs)
        });
        let registry = open_registry(&agent.url()).unwrap();
        let mut lists = registry.watch(SERVICE);
        let refused = next(&mut lists).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        let said = refused.message();
        assert!(said.contains(why), "{said}");
        assert!(said.contains(&agent.port.to_string()), "{said}");
        assert!(lists.next().await.is_none());
    }
}

#[tokio::test]
async fn what_is_no_instance_is_skipped_and_the_rest_serve() {
    let entry = |id: &str, rest: &str, checks: &str| {
        format!(
            r#"{{"Node": {{"Node": "n", "Address": "10.0.0.7"}}, "Checks": [{checks}],
                "Service": {{"ID": "{id}", "Service": "{SERVICE}", {rest}}}}}"#
        )
    };
    let entries = [
        entry("name", r#""Port": 1, "Address": "example.org""#, ""),
        entry("no-port", r#""Tags": []"#, ""),
        entry(
            "lies",
            r#""Port": 1"#,
            r#"{"CheckID": "cordial:x", "Notes": "{}"}"#,
        ),
        entry("down", r#""Port": 1"#, r#"{"Status": "critical"}"#),
        entry(
            "slow",
            r#""Port": 2, "Weights": {"Passing": 7}"#,
            r#"{"Status": "warning"}"#,
        ),
        entry(
            "v6",
            r#""Port": 3, "Address": "2001:db8::7", "Meta": {"zone": "a", "k": "v"}"#,
            "",
        ),
    ];
    let all = format!("[{}]", entries.join(","));
    let agent = Agent::start(move |_| list(7, &all));
    let registry = open_registry(&agent.url()).unwrap();
    let listing = next(&mut registry.watch(SERVICE)).await.unwrap();
    assert_eq!(listing.skipped(), 3);
    assert_eq!(ids(&listing), ["n.slow", "n.v6"]);
    let [slow, v6] = listing.instances() else {
        panic!("{listing:?}");
    };
    assert_eq!((slow.weight, slow.healthy), (7, false));
    assert_eq!(v6.address.to_string(), "[2001:db8::7]:3");
    assert_eq!((v6.zone.as_deref(), &*v6.metadata["k"]), (Some("a"), "v"));
}

/// An agent that was left may list it until its lease is over.
#[tokio::test]
async fn it_is_taken_from_each_agent_that_may_list_it() {
    let is_away = Arc::new(AtomicUsize::new(0));
    let away = is_away.clone();
    let first = Agent::start(move |_| match away.load(Relaxed) {
        0 => done(),
        _ => Does::Answers(503, None, "busy".to_owned()),
    });
    let second = Agent::start(|_| done());
    let url = format!("{},127.0.0.1:{}", first.url(), second.port);
    let registry = open_registry(&url).unwrap();
    registry.register(&instance("one"), LONG).await.unwrap();
    is_away.store(1, Relaxed);
    let refused = registry.register(&instance("one"), LONG).await.unwrap_err();
    assert!(
        refused.message().contains("503 Service Unavailable: busy"),
        "{refused}"
    );
    registry.register(&instance("one"), LONG).await.unwrap();
    let path = "PUT /v1/agent/service/deregister/orders.v1.~Orders:one";
    assert!(registry.deregister(&instance("one")).await.is_err());
    assert_eq!((first.times(path), second.times(path)), (1, 1));
    is_away.store(0, Relaxed);
    registry.deregister(&instance("one")).await.unwrap();
    assert_eq!((first.times(path), second.times(path)), (2, 2));
    registry.deregister(&instance("one")).await.unwrap();
    assert_eq!((first.times(path), second.times(path)), (2, 3));
}

#[tokio::test]
async fn an_agent_that_hangs_is_left() {
    let hangs = Agent::start(|_| Does::Hangs);
    let other = Agent::start(|_| done());
    let url = format!("{},127.0.0.1:{}", hangs.url(), other.port);
    let registry = open_registry(&url).unwrap();
    // Whoever waits has a third of a lease.
    let given_up = Duration::from_millis(400);
    let waited = timeout(given_up, registry.register(&instance("one"), LONG)).await;
    assert!(waited.is_err());
    registry.register(&instance("one"), LONG).await.unwrap();
    assert_eq!(other.times("PUT /v1/agent/service/register?"), 1);

    let begun = Instant::now();
    let alone = open_registry(&hangs.url()).unwrap();
    let refused = alone.register(&instance("one"), LONG).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("no answer within"), "{refused}");
    assert!(begun.elapsed() < Duration::from_secs(7));
}

/// Nobody says that a kept connection was closed, until it is used.
#[tokio::test]
async fn a_connection_that_was_closed_costs_nobody_an_answer() {
    let agent = Agent::start(|_| Does::Closes(200, None, String::new()));
    let registry = open_registry(&agent.url()).unwrap();
    for _ in 0..5 {
        registry.register(&instance("one"), LONG).await.unwrap();
    }
    // Registered and renewed, then renewed.
    assert_eq!(agent.connections.load(Relaxed), 6);
}

#[tokio::test]
async fn a_token_is_sent_as_it_is_meant_and_shown_to_nobody() {
    let agent = Agent::start(|_| Does::Answers(403, None, "ACL not found".to_owned()));
    let url = format!("consul://a%2Fb%3A%40@127.0.0.1:{}", agent.port);
    let registry = open_registry(&url).unwrap();
    let refused = registry.register(&instance("one"), LONG).await.unwrap_err();
    assert!(
        refused.message().contains("403 Forbidden: ACL not found"),
        "{refused}"
    );
    assert_eq!(
        agent.asked.lock().unwrap()[0].token.as_deref(),
        Some("a/b:@")
    );
    for shown in [format!("{registry:?}"), refused.to_string()] {
        assert!(!shown.contains("a/b"), "{shown}");
    }
}

#[tokio::test]
async fn what_was_not_heard_is_said_again_from_the_start() {
    let asked = AtomicUsize::new(0);
    let agent = Agent::start(move |_| match asked.fetch_add(1, Relaxed) {
        // What renews it after it was registered.
        1 => Does::Answers(500, None, "not now".to_owned()),
        _ => done(),
    });
    let registry = open_registry(&agent.url()).unwrap();
    assert!(registry.register(&instance("one"), LONG).await.is_err());
    registry.register(&instance("one"), LONG).await.unwrap();
    assert_eq!(agent.times("PUT /v1/agent/service/register?"), 2);
    registry.register(&instance("one"), LONG).await.unwrap();
    assert_eq!(agent.times("PUT /v1/agent/service/register?"), 2);
    // Another lease is another registration, too.
    registry.register(&instance("one"), LONG * 2).await.unwrap();
    assert_eq!(agent.times("PUT /v1/agent/service/register?"), 3);
}
