//! What comes of names, asked of a real server on loopback.

mod hosts;
mod server;
mod services;

use super::{super::again::INTERVAL_MAX, ask::QUESTION_TIMEOUT};
use crate::{
    endpoint::Endpoint,
    reply::BoxStream,
    resolver::{Destination, Refresh},
    status::{Code, Result, Status},
};
use hickory_resolver::proto::{op::ResponseCode, rr::RecordType};
use server::{Reply, Server, a, aaaa, cname};
use std::time::Duration;
use tokio_stream::StreamExt;

/// What is told of a host, asked of `server`.
fn watch(server: &Server, host: &str) -> BoxStream<Vec<Endpoint>> {
    watch_with(server, host, Refresh::default())
}

fn watch_with(server: &Server, host: &str, refresh: Refresh) -> BoxStream<Vec<Endpoint>> {
    let uri = format!("dns://{}/{host}", server.address);
    let destination = Destination::parse(&uri).unwrap_or_else(|error| panic!("{error}"));
    destination.resolver.watch(refresh)
}

/// The next list, as text.
async fn next(told: &mut BoxStream<Vec<Endpoint>>) -> Result<String> {
    let endpoints = told.next().await.expect("it goes on")?;
    let addresses = endpoints
        .iter()
        .map(|endpoint| endpoint.address().to_string());
    Ok(addresses.collect::<Vec<_>>().join(" "))
}

/// The next error; says of it what all of them say.
async fn next_error(told: &mut BoxStream<Vec<Endpoint>>, server: &Server, name: &str) -> String {
    let status: Status = next(told).await.expect_err("an error");
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    let text = status.message().to_owned();
    assert!(
        text.contains(&format!("asked {} for", server.address)),
        "{text}"
    );
    assert!(text.contains(&format!("records of `{name}`: ")), "{text}");
    text
}

/// Time passes that nobody has to wait for.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn both_families_are_asked_for() {
    let server = Server::start().await;
    let (one, two) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let fours = vec![a("both.test.", 60, one), a("both.test.", 60, two)];
    server.says("both.test.", RecordType::A, Reply::Records(fours));
    let sixes = vec![aaaa("both.test.", 60, "2001:db8::1")];
    server.says("both.test.", RecordType::AAAA, Reply::Records(sixes));
    let told = next(&mut watch(&server, "both.test:50051")).await;
    assert_eq!(
        told.unwrap_or_default(),
        "[2001:db8::1]:50051 10.0.0.1:50051 10.0.0.2:50051"
    );
    let mut asked: Vec<_> = server.asked().into_iter().map(|asked| asked.kind).collect();
    asked.sort();
    // A machine that is busy makes it ask again.
    asked.dedup();
    assert_eq!(asked, [RecordType::A, RecordType::AAAA]);
}

#[tokio::test]
async fn an_answer_is_looked_up_again_before_it_is_old() {
    let server = Server::start().await;
    server.has("old.test.", 60, &[[10, 0, 0, 1]]);
    let mut told = watch(&server, "old.test");
    assert_eq!(next(&mut told).await.unwrap_or_default(), "10.0.0.1:443");

    server.has("old.test.", 20, &[[10, 0, 0, 2], [10, 0, 0, 1]]);
    pass(Duration::from_secs(58)).await;
    assert_eq!(
        next(&mut told).await.unwrap_or_default(),
        "10.0.0.2:443 10.0.0.1:443"
    );

    server.has("old.test.", 300, &[[10, 0, 0, 3]]);
    pass(Duration::from_secs(20)).await;
    assert_eq!(next(&mut told).await.unwrap_or_default(), "10.0.0.3:443");
}

#[tokio::test]
async fn it_is_looked_up_when_endpoints_fail() {
    let server = Server::start().await;
    server.has("asked.test.", 86_400, &[[10, 0, 0, 1]]);
    let refresh = Refresh::default();
    let mut told = watch_with(&server, "asked.test", refresh.clone());
    assert_eq!(next(&mut told).await.unwrap_or_default(), "10.0.0.1:443");
    server.has("asked.test.", 86_400, &[[10, 0, 0, 2]]);
    pass(INTERVAL_MAX / 2).await;
    refresh.ask();
    assert_eq!(next(&mut told).await.unwrap_or_default(), "10.0.0.2:443");
}

#[tokio::test]
async fn errors_say_what_was_asked_of_whom_and_what_came() {
    let server = Server::start().await;
    let says = |name: &str, code| server.says_both(name, Reply::Code(code));
    says("failing.test.", ResponseCode::ServFail);
    says("refused.test.", ResponseCode::Refused);
    says("empty.test.", ResponseCode::NoError);
    server.says_both("cut.test.", Reply::Cut);
    server.says_both("none.test.", Reply::Records(Vec::new()));
    server.has(
        "blocked.test.",
        60,
        &[[0, 0, 0, 0], [224, 0, 0, 1], [255; 4]],
    );
    let others = vec![a("other.test.", 60, [6, 6, 6, 6])];
    server.says_both("foreign.test.", Reply::Records(others));
    for (name, why) in [
        ("nobody.test", "there is no such name (NXDOMAIN)"),
        ("failing.test", "the server failed (SERVFAIL)"),
        ("refused.test", "the server failed (REFUSED)"),
        ("empty.test", "it has neither A nor AAAA records of use"),
        ("none.test", "it has neither A nor AAAA records of use"),
        ("cut.test", "protocol error"),
        ("blocked.test", "it has neither A nor AAAA records of use"),
        ("foreign.test", "it has neither A nor AAAA records of use"),
    ] {
        let mut told = watch(&server, name);
        let text = next_error(&mut told, &server, name).await;
        assert!(text.contains(why), "{name}: {text}");
    }
}

#[tokio::test]
async fn silence_is_an_error_after_a_while() {
    let server = Server::start().await;
    server.says_both("silent.test.", Reply::Silence);
    let mut told = watch(&server, "silent.test");
    let silence = async {
        server.was_asked(2).await;
        pass(QUESTION_TIMEOUT).await;
    };
    let (text, ()) = tokio::join!(next_error(&mut told, &server, "silent.test"), silence);
    assert!(text.ends_with("no answer within 10s"), "{text}");
}

#[tokio::test]
async fn a_family_that_is_not_answered_for_is_not_waited_for() {
    let server = Server::start().await;
    server.has("half.test.", 60, &[[10, 0, 0, 1]]);
    server.says("half.test.", RecordType::AAAA, Reply::Silence);
    let mut told = watch(&server, "half.test");
    let began = std::time::Instant::now();
    assert_eq!(next(&mut told).await.unwrap_or_default(), "10.0.0.1:443");
    assert!(began.elapsed() < QUESTION_TIMEOUT / 2);
}

#[tokio::test]
async fn what_does_not_fit_comes_over_tcp() {
    let server = Server::start().await;
    let many = (0..200).map(|nth| a("large.test.", 60, [10, 0, 1, nth]));
    server.has("large.test.", 60, &[]);
    server.says(
        "large.test.",
        RecordType::A,
        Reply::Truncated(many.collect()),
    );
    let told = next(&mut watch(&server, "large.test")).await;
    assert_eq!(told.unwrap_or_default().split(' ').count(), 200);
    assert!(server.asked().iter().any(|asked| asked.tcp));
}

#[tokio::test]
async fn what_is_no_answer_is_passed_over() {
    let server = Server::start().await;
    server.has("noisy.test.", 60, &[]);
    let answer = vec![a("noisy.test.", 60, [10, 0, 0, 1])];
    server.says("noisy.test.", RecordType::A, Reply::AfterNoise(answer));
    let told = next(&mut watch(&server, "noisy.test")).await;
    assert_eq!(told.unwrap_or_default(), "10.0.0.1:443");
}

#[tokio::test]
async fn aliases_are_followed_and_the_shortest_life_counts() {
    let server = Server::start().await;
    let chain = |last| {
        Reply::Records(vec![
            cname("www.test.", 10, "web.test."),
            cname("web.test.", 300, "host.test."),
            a("host.test.", 300, [10, 0, 0, last]),
            a("other.test.", 300, [6, 6, 6, 6]),
        ])
    };
    server.says(
        "www.test.",
        RecordType::AAAA,
        Reply::Code(ResponseCode::NoError),
    );
    server.says("www.test.", RecordType::A, chain(1));
    let mut told = watch(&server, "www.test");
    assert_eq!(next(&mut told).await.unwrap_or_default(), "10.0.0.1:443");
    server.says("www.test.", RecordType::A, chain(2));
    pass(Duration::from_secs(10)).await;
    assert_eq!(next(&mut told).await.unwrap_or_default(), "10.0.0.2:443");
}

#[tokio::test]
async fn an_alias_alone_is_asked_further() {
    let server = Server::start().await;
    let alias = Reply::Records(vec![cname("www.test.", 60, "host.test.")]);
    server.says_both("www.test.", alias);
    server.has("host.test.", 60, &[[10, 0, 0, 1]]);
    assert_eq!(
        next(&mut watch(&server, "www.test"))
            .await
            .unwrap_or_default(),
        "10.0.0.1:443"
    );
    let circle = |from, to| server.says_both(from, Reply::Records(vec![cname(from, 60, to)]));
    circle("a.test.", "b.test.");
    circle("b.test.", "a.test.");
    next_error(&mut watch(&server, "a.test"), &server, "a.test").await;
}

#[tokio::test]
async fn good_lists_and_errors_follow_each_other() {
    let server = Server::start().await;
    server.has("flaky.test.", 30, &[[10, 0, 0, 1]]);
    let mut told = watch(&server, "flaky.test");
    assert_eq!(next(&mut told).await.unwrap_or_default(), "10.0.0.1:443");
    server.says_both("flaky.test.", Reply::Code(ResponseCode::ServFail));
    pass(Duration::from_secs(30)).await;
    next_error(&mut told, &server, "flaky.test").await;
    server.says_both("flaky.test.", Reply::Silence);
    let before = server.asked().len();
    let silence = async {
        pass(Duration::from_secs(2)).await;
        server.was_asked(before + 2).await;
        pass(QUESTION_TIMEOUT).await;
    };
    tokio::join!(next_error(&mut told, &server, "flaky.test"), silence);
    server.has("flaky.test.", 30, &[[10, 0, 0, 1]]);
    pass(Duration::from_secs(2)).await;
    assert_eq!(next(&mut told).await.unwrap_or_default(), "10.0.0.1:443");
}
