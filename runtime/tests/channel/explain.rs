//! What a call tells of itself.

use crate::common::*;
use cordial_runtime::{
    Channel, Code, Explanation, Method, Response, Result, RoundRobin, Server, Status,
};
use std::time::Duration;
use tokio::net::TcpListener;

const IDEMPOTENT: Method<Note, Note> = UNARY.idempotent();

async fn explained(
    channel: &Channel,
    method: Method<Note, Note>,
) -> (Result<Response<Note>>, Explanation) {
    within(channel.unary(method, note("")).explain()).await
}

fn events(explanation: &Explanation) -> Vec<&str> {
    explanation.events().map(|(_, event)| event).collect()
}

async fn echo() -> Serving {
    Serving::start(Server::new().add(Probe::echo().routes())).await
}

async fn refusing() -> Serving {
    let probe = Probe::echo().unary(|_| async { Err(Status::unavailable("two\nlines")) });
    Serving::start(Server::new().add(probe.routes())).await
}

/// An address where nobody listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

fn channel_to(addresses: &[&str]) -> Channel {
    let channel = Channel::to(format!("static:///{}", addresses.join(","))).unwrap();
    channel.with_balancer(RoundRobin::new())
}

#[tokio::test]
async fn a_call_that_goes_well_says_where_it_went() {
    log::keep();
    let serving = echo().await;
    let (channel, address) = (serving.channel(), serving.address());
    let (outcome, first) = explained(&channel, UNARY).await;
    outcome.unwrap();
    // It had to connect.
    assert!(
        events(&first)[2].starts_with("the channel is IDLE"),
        "{first}"
    );
    let (outcome, explanation) = explained(&channel, UNARY).await;
    outcome.unwrap();
    let events = events(&explanation);
    let began = format!("`/test.v1.Probe/Unary` to `{address}` within 59.9");
    assert!(events[0].starts_with(&began), "{explanation}");
    assert!(events[0].ends_with("s, through 0 layers"), "{explanation}");
    assert_eq!(
        events[1..],
        [
            "attempt 1 of at most 1: first".to_owned(),
            format!("attempt 1 goes to `{address}`: picked by `PickFirst`, 1 of 1 addresses READY"),
            format!("attempt 1 to `{address}`: answered"),
            "the call ends well".to_owned(),
        ]
    );
    let times: Vec<_> = explanation.events().map(|(at, _)| at).collect();
    assert!(times.is_sorted(), "{times:?}");
    // The log says the same.
    let address = format!("`{address}`");
    let line = log::says(&["attempt ended", &address, "answered"]).await;
    for word in ["method=\"/test.v1.Probe/Unary\"", "attempt=1", "took="] {
        assert!(line.contains(word), "{line}");
    }
}

#[tokio::test]
async fn a_call_that_is_tried_again_says_why_and_who_was_left_out() {
    let (good, bad, dead) = (echo().await, refusing().await, nowhere().await);
    let channel = channel_to(&[good.address(), bad.address(), &dead]);
    // Nobody is told of while connections are being made.
    let connected = async || {
        let (_, explanation) = explained(&channel, UNARY).await;
        let text = explanation.to_string();
        text.contains("2 of 3 addresses READY") && text.contains("cannot connect")
    };
    within(async { while !connected().await {} }).await;
    let (outcome, explanation) = loop {
        let (outcome, explanation) = explained(&channel, IDEMPOTENT).await;
        if events(&explanation).len() > 5 {
            break (outcome, explanation);
        }
    };
    outcome.unwrap();
    let events = events(&explanation);
    let (good, bad) = (good.address(), bad.address());
    let refused = std::net::TcpStream::connect(&dead).unwrap_err();
    let picked = |address: &str, attempt: u32| {
        format!(
            "attempt {attempt} goes to `{address}`: picked by `RoundRobin`, 2 of 3 addresses READY; \
             left out: `{dead}` (cannot connect to `{dead}`: {refused})"
        )
    };
    assert_eq!(events[1], "attempt 1 of at most 3: first");
    assert_eq!(events[2], picked(bad, 1), "{explanation}");
    assert_eq!(
        events[3],
        format!("attempt 1 to `{bad}`: Unavailable: two\nlines")
    );
    let tokens =
        "the policy covers this status; 9 of 10 tokens are left, over 5 are needed for a retry";
    assert_eq!(events[4], tokens);
    assert!(
        events[5].starts_with("attempt 2 of at most 3 in "),
        "{explanation}"
    );
    assert!(
        events[5].ends_with("ms: the policy covers the last one's status"),
        "{explanation}"
    );
    assert_eq!(events[6], picked(good, 2));
    assert_eq!(events[7], format!("attempt 2 to `{good}`: answered"));
    assert_eq!(events[8..], ["the call ends well"]);
    // A line for each, whatever a peer says.
    let text = explanation.to_string();
    assert_eq!(text.lines().count(), events.len(), "{text}");
    assert!(text.contains("two\\nlines"), "{text}");
}

#[tokio::test]
async fn a_call_that_is_not_tried_again_says_why() {
    let bad = refusing().await;
    let (outcome, explanation) = explained(&bad.channel(), UNARY).await;
    assert_eq!(outcome.unwrap_err().code(), Code::Unavailable);
    let events = events(&explanation);
    let [.., why, end] = events.as_slice() else {
        panic!("{explanation}");
    };
    let none = "no other attempt: neither the .proto nor a policy allows one; 10 of 10 tokens";
    assert!(why.starts_with(none), "{explanation}");
    assert_eq!(*end, "the call ends with Unavailable: two\nlines");
    let (_, explanation) = explained(&bad.channel(), IDEMPOTENT).await;
    let text = explanation.to_string();
    assert!(
        text.contains("no other attempt: it was the last that the policy allows"),
        "{text}"
    );
    assert!(text.contains("; 7 of 10 tokens are left"), "{text}");
}

#[tokio::test]
async fn an_address_that_is_left_alone_is_named_with_the_reason() {
    let (good, bad) = (echo().await, refusing().await);
    let channel = channel_to(&[good.address(), bad.address()]);
    let says = format!(
        "; left out: `{}` (ejected: consecutive_failures)",
        bad.address()
    );
    let found = async || {
        let (_, explanation) = explained(&channel, UNARY).await;
        events(&explanation)
            .iter()
            .any(|event| event.ends_with(&says))
    };
    within(async { while !found().await {} }).await;
}

#[tokio::test]
async fn a_call_that_waits_in_vain_says_for_whom() {
    let dead = nowhere().await;
    let channel = Channel::to(format!("http://{dead}")).unwrap();
    let call = channel.unary(UNARY, note("")).wait_for_ready();
    let call = call.timeout(Duration::from_millis(100));
    let (outcome, explanation) = within(call.explain()).await;
    assert_eq!(outcome.unwrap_err().code(), Code::DeadlineExceeded);
    let events = events(&explanation);
    let failing =
        format!("the channel is in TRANSIENT_FAILURE: Unavailable: cannot connect to `{dead}`");
    assert!(
        events.iter().any(|event| event.starts_with(&failing)),
        "{explanation}"
    );
    let (_, explanation) = explained(&channel, UNARY).await;
    let nobody = format!("attempt 1 to nobody: Unavailable: cannot connect to `{dead}`");
    assert!(explanation.to_string().contains(&nobody), "{explanation}");
}

#[tokio::test]
async fn a_call_in_process_has_little_to_tell() {
    let server = Server::new().add(Probe::echo().routes());
    let channel = server.in_process().unwrap();
    let (outcome, explanation) = explained(&channel, UNARY).await;
    outcome.unwrap();
    let events = events(&explanation);
    assert!(
        events[0].starts_with("`/test.v1.Probe/Unary` to `in process` within"),
        "{explanation}"
    );
    assert_eq!(events[1..], ["the call ends well"]);
}
