//! A resolver of one's own.

use crate::{common::*, named};
use cordial_runtime::{BoxStream, Channel, Code, Endpoint, ErrorKind, Refresh, Resolver, Status};
use futures_util::StreamExt;
use std::net::SocketAddr;
use tokio::sync::watch;

/// What the test says, at first and whenever that changes.
#[derive(Debug)]
struct FromTest(watch::Receiver<Result<Vec<SocketAddr>, Status>>);

impl Resolver for FromTest {
    fn watch(&self, _refresh: Refresh) -> BoxStream<Vec<Endpoint>> {
        let mut lists = self.0.clone();
        lists.mark_changed();
        let lists = futures_util::stream::unfold(lists, |mut lists| async {
            lists.changed().await.ok()?;
            let list = lists.borrow_and_update().clone();
            Some((list, lists))
        });
        Box::pin(lists.map(|list| Ok(list?.into_iter().map(Endpoint::from).collect())))
    }
}

fn at(serving: &Serving) -> Result<Vec<SocketAddr>, Status> {
    Ok(vec![serving.address().parse().unwrap()])
}

#[tokio::test]
async fn calls_follow_its_lists() {
    let (one, other) = (named("one").await, named("other").await);
    let (tell, told) = watch::channel(at(&one));
    let channel = Channel::resolved_by("service.test", FromTest(told)).unwrap();
    let call = async || {
        let reply = within(channel.unary(UNARY, note("")).into_future()).await;
        reply.unwrap().into_inner().text
    };
    assert_eq!(call().await, "one");

    // An error is no reason to forget the last list.
    tell.send(Err(Status::unavailable("nobody knows"))).unwrap();
    for _ in 0..20 {
        assert_eq!(call().await, "one");
    }

    tell.send(at(&other)).unwrap();
    let moved = async { while call().await != "other" {} };
    within(moved).await;
    drop(one);
    assert_eq!(call().await, "other");
    // It ends, and what it told last goes on.
    drop(tell);
    assert_eq!(call().await, "other");
}

#[test]
fn nobody_s_user_name_becomes_an_authority() {
    let (_tell, told) = watch::channel(Err(Status::unavailable("nobody knows")));
    let refused = Channel::resolved_by("user:pw@host", FromTest(told));
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Address);
    assert!(!format!("{error} {error:?}").contains("pw"), "{error}");
}

#[tokio::test]
async fn its_errors_reach_callers_as_what_a_service_does_not_say() {
    let not_found = Status::not_found("no such service");
    let (_tell, told) = watch::channel(Err(not_found));
    let channel = Channel::resolved_by("service.test", FromTest(told)).unwrap();
    let ended = within(channel.unary(UNARY, note("")).into_future()).await;
    let status = ended.unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status}");
    assert!(status.message().contains("no such service"), "{status}");
}
