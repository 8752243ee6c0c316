//! Calls made while a call is answered.

use crate::common::*;
use cordial_runtime::{
    Channel, Code, Context, Method, Priority, Request, Response, Server, Status,
};
use futures_util::{StreamExt, stream};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const IDEMPOTENT: Method<Note, Note> = UNARY.idempotent();

/// Says what came with its call: seconds left, priority, an id.
async fn last_tier() -> Serving {
    let probe = Probe::echo().unary(|request| async move {
        let left = request.deadline().map(|deadline| deadline.remaining());
        let id = request.metadata().get("x-request-id");
        let id = id.map_or("none", |id| id.to_str().unwrap());
        let priority = Priority::of(request.metadata()).name();
        Ok(Response::new(Note {
            text: format!("{priority} {id}"),
            number: left.map_or(0, |left| left.as_secs_f64().ceil() as u64),
            ..Note::default()
        }))
    });
    Serving::start(Server::new().add(probe.routes())).await
}

/// Asks `next`, in its handler and in the stream that another returns.
async fn first_tier(next: Channel) -> Serving {
    let streaming = next.clone();
    let probe = Probe::echo()
        .unary(move |request| {
            let detached = request.get_ref().text == "detached";
            let spawned = request.get_ref().text == "spawned";
            let next = next.clone();
            async move {
                let call = || next.unary(UNARY, note(""));
                if detached {
                    return call().detached().await;
                }
                if spawned {
                    let later =
                        Context::current().scope(async move { next.unary(UNARY, note("")).await });
                    return tokio::spawn(later).await.unwrap();
                }
                call().await
            }
        })
        .server_streaming(move |_| {
            let next = streaming.clone();
            async move {
                let replies =
                    stream::once(
                        async move { Ok(next.unary(UNARY, note("")).await?.into_inner()) },
                    );
                Ok(Response::new(replies.boxed()))
            }
        });
    let server = Server::new().propagate(["X-Request-Id"]);
    Serving::start(server.add(probe.routes())).await
}

fn asking(text: &str) -> Request<Note> {
    let mut request = Request::new(note(text));
    request.set_timeout(Duration::from_secs(7));
    Priority::Critical.insert(request.metadata_mut());
    let id = "42".parse().unwrap();
    request.metadata_mut().insert("x-request-id", id);
    request
}

#[tokio::test]
async fn a_call_hands_on_its_deadline_priority_and_chosen_metadata() {
    let last = last_tier().await;
    let first = first_tier(last.channel()).await;
    let channel = first.channel();
    for text in ["", "spawned"] {
        let reply = within(channel.unary(UNARY, asking(text)).into_future()).await;
        let reply = reply.unwrap().into_inner();
        assert_eq!(reply.text, "critical 42", "{text}");
        assert!((1..=7).contains(&reply.number), "{reply:?}");
    }
    let replies = channel.server_streaming(SERVER_STREAMING, asking(""));
    let mut replies = within(replies.into_future()).await.unwrap().into_inner();
    let reply = within(replies.message()).await.unwrap().unwrap();
    assert_eq!(reply.text, "critical 42");
    assert!((1..=7).contains(&reply.number), "{reply:?}");
}

#[tokio::test]
async fn a_detached_call_begins_anew() {
    let last = last_tier().await;
    let first = first_tier(last.channel()).await;
    let call = first.channel().unary(UNARY, asking("detached"));
    let reply = within(call.into_future()).await.unwrap().into_inner();
    assert_eq!(reply.text, "normal none");
    assert!(reply.number > 50, "{reply:?}");
}

#[tokio::test]
async fn a_chain_whose_end_fails_does_not_multiply_its_retries() {
    let asked = Arc::new(AtomicU64::new(0));
    let counted = asked.clone();
    let backend = Probe::echo().unary(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { Err(Status::unavailable("broken")) }
    });
    let mut tiers = vec![Serving::start(Server::new().add(backend.routes())).await];
    for _ in 0..2 {
        let next = tiers.last().unwrap().channel();
        let probe = Probe::echo().unary(move |request| {
            let next = next.clone();
            async move { next.unary(IDEMPOTENT, request.into_inner()).await }
        });
        tiers.push(Serving::start(Server::new().add(probe.routes())).await);
    }
    let channel = tiers.last().unwrap().channel();
    const OFFERED: u64 = 300;
    for _ in 0..OFFERED {
        let call = channel.unary(IDEMPOTENT, note(""));
        let status = within(call.into_future()).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
    }
    let asked = asked.load(Ordering::SeqCst);
    assert!(asked * 10 <= OFFERED * 11, "{asked} of {OFFERED} offered");
}
