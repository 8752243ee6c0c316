//! What is told of several names at once.

use super::*;
use crate::resolver::fixed::Fixed;
use futures_util::FutureExt;
use std::sync::Mutex;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

type Told = Result<Vec<Endpoint>>;

/// Tells what the test says, and when it was asked to look again.
#[derive(Debug)]
struct Puppet {
    told: Mutex<Option<mpsc::Receiver<Told>>>,
    asked: Arc<Mutex<Option<Refresh>>>,
}

impl Resolver for Puppet {
    fn watch(&self, refresh: Refresh) -> BoxStream<Vec<Endpoint>> {
        *self.asked.lock().expect("no test panicked") = Some(refresh);
        let told = self.told.lock().expect("no test panicked").take();
        Box::pin(ReceiverStream::new(told.expect("watched once")))
    }
}

fn puppet() -> (
    mpsc::Sender<Told>,
    Arc<Mutex<Option<Refresh>>>,
    Arc<dyn Resolver>,
) {
    let (tell, told) = mpsc::channel(8);
    let asked = Arc::default();
    let puppet = Puppet {
        told: Mutex::new(Some(told)),
        asked: Arc::clone(&asked),
    };
    (tell, asked, Arc::new(puppet))
}

fn at(port: u16) -> Vec<Endpoint> {
    vec![std::net::SocketAddr::from(([10, 0, 0, 1], port)).into()]
}

fn both(one: u16, other: u16) -> Vec<Endpoint> {
    [at(one), at(other)].concat()
}

#[tokio::test]
async fn all_are_told_and_failures_are_missed_only_together() {
    let (one, _, first) = puppet();
    let (two, _, second) = puppet();
    let mut told = Several(vec![first, second]).watch(Refresh::default());
    let mut next = || {
        told.next()
            .now_or_never()
            .map(|told| told.expect("it goes on"))
    };
    assert!(next().is_none());

    one.try_send(Err(Status::unavailable("first")))
        .expect("room");
    assert!(next().is_none(), "the second may still tell");
    two.try_send(Err(Status::unavailable("second")))
        .expect("room");
    assert_eq!(
        next().expect("told").expect_err("both failed").message(),
        "second"
    );

    two.try_send(Ok(at(2))).expect("room");
    assert_eq!(next().expect("told").expect("endpoints"), at(2));
    one.try_send(Ok(at(1))).expect("room");
    assert_eq!(next().expect("told").expect("endpoints"), both(1, 2));

    // What was good stays, and the same is not told twice.
    two.try_send(Err(Status::unavailable("second")))
        .expect("room");
    two.try_send(Ok(at(2))).expect("room");
    assert!(next().is_none());
    two.try_send(Ok(at(1))).expect("room");
    assert_eq!(next().expect("told").expect("endpoints"), at(1));
}

#[tokio::test]
async fn what_ends_stays_and_refreshes_reach_everybody() {
    let (tell, first, puppet) = puppet();
    let refresh = Refresh::default();
    let mut told = Several(vec![Arc::new(Fixed(at(1))), puppet]).watch(refresh.clone());
    assert_eq!(
        told.next().await.expect("it goes on").expect("endpoints"),
        at(1)
    );
    refresh.ask();
    assert!(told.next().now_or_never().is_none());
    let asked = first.lock().expect("no test panicked").clone();
    let asked = asked.expect("it is watched");
    assert!(asked.asked().now_or_never().is_some());
    tell.try_send(Ok(at(2))).expect("room");
    assert_eq!(
        told.next().await.expect("it goes on").expect("endpoints"),
        both(1, 2)
    );
    drop(tell);
    assert!(
        told.next().now_or_never().is_none(),
        "nothing changes any more"
    );
}
