//! What a channel makes of servers that answer its question for their health badly.

use crate::common::{raw::*, *};
use bytes::Bytes;
use cordial_runtime::{Channel, Code, Limits, RoundRobin};
use http::Response;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// How a question is answered.
#[derive(Clone, Copy)]
enum Answer {
    /// Not with gRPC's OK.
    Fails,
    /// SERVING, and no more.
    ServesAndEnds,
    /// SERVING, and for ever.
    Serves,
    Hangs,
}

/// A server that answers one question after another so, the rest like the last, and
/// how many there were.
async fn asked(answers: &'static [Answer]) -> (RawServer, Arc<AtomicUsize>) {
    let questions = Arc::new(AtomicUsize::new(0));
    let counted = questions.clone();
    let server = RawServer::start(move |asked: Asked| {
        let answer = match asked.request.uri().path() {
            "/grpc.health.v1.Health/Watch" => {
                let number = counted.fetch_add(1, SeqCst);
                Some(answers[number.min(answers.len() - 1)])
            }
            _ => None,
        };
        respond(asked, answer)
    })
    .await;
    (server, questions)
}

async fn respond(mut asked: Asked, answer: Option<Answer>) {
    let grpc = || Response::builder().header("content-type", "application/grpc");
    let ends = |code: &str| grpc().header("grpc-status", code).body(()).unwrap();
    let mut serves = || {
        let head = grpc().body(()).unwrap();
        let mut data = asked.respond.send_response(head, false).unwrap();
        data.send_data(frame(0, &[8, 1]), false).unwrap();
        data
    };
    match answer {
        None => drop(asked.respond.send_response(ends("5"), true).unwrap()),
        Some(Answer::Fails) => drop(asked.respond.send_response(ends("13"), true).unwrap()),
        Some(Answer::ServesAndEnds) => {
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            serves().send_trailers(trailers).unwrap();
        }
        Some(Answer::Serves) => {
            let _open: h2::SendStream<Bytes> = serves();
            std::future::pending().await
        }
        Some(Answer::Hangs) => std::future::pending().await,
    }
}

fn channel_to(server: &RawServer) -> Channel {
    let channel = Channel::to(&server.uri).unwrap();
    let channel = channel.with_balancer(RoundRobin::new());
    channel.with_health_check("test.v1.Probe")
}

/// How a call ends; NOT_FOUND if it gets through.
async fn called(channel: &Channel) -> cordial_runtime::Status {
    let call = channel.unary(UNARY, note(""));
    within(call.into_future()).await.unwrap_err()
}

async fn questions(count: &AtomicUsize, wanted: usize) {
    within(async {
        while count.load(SeqCst) < wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_question_that_fails_is_asked_again_later() {
    let (server, count) = asked(&[Answer::Fails, Answer::Serves]).await;
    let channel = channel_to(&server);
    let status = called(&channel).await;
    assert_eq!(status.code(), Code::Unavailable);
    let says = "does not say whether `test.v1.Probe` serves: Internal";
    assert!(status.message().contains(says), "{status:?}");
    assert_eq!(count.load(SeqCst), 1, "there was no backoff");
    let waiting = channel.unary(UNARY, note("")).wait_for_ready();
    let status = within(waiting.into_future()).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(count.load(SeqCst), 2);
}

#[tokio::test]
async fn what_was_said_holds_until_the_next_question_fails() {
    let (server, count) = asked(&[Answer::ServesAndEnds, Answer::Hangs]).await;
    let channel = channel_to(&server);
    assert_eq!(called(&channel).await.code(), Code::NotFound);
    questions(&count, 2).await;
    assert_eq!(called(&channel).await.code(), Code::NotFound);
}

#[tokio::test]
async fn a_server_has_no_more_time_to_say_than_to_connect() {
    let (server, _) = asked(&[Answer::Hangs]).await;
    let limits = Limits::default().with_connect_timeout(Duration::from_millis(200));
    let channel = channel_to(&server).with_limits(limits);
    let status = called(&channel).await;
    assert_eq!(status.code(), Code::Unavailable);
    let says = "nothing was said within 200ms";
    assert!(status.message().contains(says), "{status:?}");
}
