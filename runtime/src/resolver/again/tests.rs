//! When it looks up, and what it tells, on a clock that stands still.

use super::{super::news::ENDPOINTS_MAX, *};
use crate::status::Status;
use futures_util::FutureExt;
use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};
use tokio::time::advance;
use tokio_stream::StreamExt;

/// Answers from a list, its last one for ever, and remembers when it was asked.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    answers: VecDeque<Result<Answer>>,
    asked: Vec<Instant>,
}

impl LookUp for Script {
    async fn look_up(&self) -> Result<Answer> {
        let mut written = self.0.lock().expect("no test panicked");
        written.asked.push(Instant::now());
        match written.answers.len() {
            1 => written.answers[0].clone(),
            _ => written.answers.pop_front().expect("an answer is left"),
        }
    }
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Result<Answer>>) -> Self {
        let written = Written {
            answers: answers.into_iter().collect(),
            asked: Vec::new(),
        };
        Self(Arc::new(Mutex::new(written)))
    }

    fn asked(&self) -> usize {
        self.0.lock().expect("no test panicked").asked.len()
    }

    /// Seconds between one look-up and the next.
    fn pauses(&self) -> Vec<f64> {
        let written = self.0.lock().expect("no test panicked");
        let pauses = written.asked.windows(2);
        pauses.map(|two| (two[1] - two[0]).as_secs_f64()).collect()
    }
}

fn at(last: u8) -> Endpoint {
    SocketAddr::from((Ipv4Addr::new(10, 0, 0, last), 80)).into()
}

fn answer(lasts: &[u8], seconds: u64) -> Result<Answer> {
    Ok(Answer {
        endpoints: lasts.iter().map(|last| at(*last)).collect(),
        fresh: Duration::from_secs(seconds),
    })
}

fn failure() -> Result<Answer> {
    Err(Status::unavailable("nobody answers"))
}

fn endpoints(lasts: &[u8]) -> Vec<Endpoint> {
    lasts.iter().map(|last| at(*last)).collect()
}

#[tokio::test(start_paused = true)]
async fn looks_up_again_before_the_answer_is_old() {
    for seconds in [10, 60, 299] {
        let script = Script::new((1..=50).map(|last| answer(&[last], seconds)));
        let mut told = again(script.clone(), Refresh::default());
        for last in 1..=50 {
            assert_eq!(
                told.next().await.expect("it goes on").expect("endpoints"),
                endpoints(&[last])
            );
        }
        let pauses = script.pauses();
        let live = seconds as f64;
        assert!(
            pauses
                .iter()
                .all(|pause| (0.79 * live..=0.96 * live).contains(pause)),
            "{pauses:?}"
        );
        let spread = pauses.iter().copied().fold(0.0, f64::max)
            - pauses.iter().copied().fold(live, f64::min);
        assert!(spread > 0.05 * live, "all at once: {pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn neither_too_often_nor_too_rarely() {
    for (seconds, range) in [
        (0, 5.0..=6.1),
        (1, 5.0..=6.1),
        (86_400, 239.0..=286.0),
        (u64::from(u32::MAX), 239.0..=286.0),
    ] {
        let script = Script::new((1..=20).map(|last| answer(&[last], seconds)));
        let mut told = again(script.clone(), Refresh::default());
        for _ in 0..20 {
            told.next().await.expect("it goes on").expect("endpoints");
        }
        let pauses = script.pauses();
        assert!(
            pauses.iter().all(|pause| range.contains(pause)),
            "{seconds}: {pauses:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_endpoints_are_told_once() {
    let heavy = Answer {
        endpoints: vec![at(1), at(2).with_weight(7)],
        fresh: Duration::from_secs(10),
    };
    let script = Script::new([
        answer(&[2, 1, 2], 10),
        answer(&[1, 2], 10),
        answer(&[2, 1], 10),
        Ok(heavy.clone()),
        answer(&[1], 10),
    ]);
    let mut told = again(script.clone(), Refresh::default());
    assert_eq!(
        told.next().await.expect("it goes on").expect("endpoints"),
        endpoints(&[2, 1])
    );
    assert_eq!(
        told.next().await.expect("it goes on").expect("endpoints"),
        heavy.endpoints
    );
    assert_eq!(script.asked(), 4);
    assert_eq!(
        told.next().await.expect("it goes on").expect("endpoints"),
        endpoints(&[1])
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_is_heard_but_not_at_once_again() {
    let script = Script::new((1..=9).map(|last| answer(&[last], 300)));
    let refresh = Refresh::default();
    // Asked before there is anything to be stale.
    refresh.ask();
    let mut told = again(script.clone(), refresh.clone());
    told.next().await.expect("it goes on").expect("endpoints");
    assert!(told.next().now_or_never().is_none());
    advance(INTERVAL_MIN * 2).await;
    assert!(told.next().now_or_never().is_none(), "nobody asked since");

    refresh.ask();
    assert!(
        told.next().now_or_never().is_some(),
        "the last look-up is long past"
    );
    for _ in 0..5 {
        refresh.ask();
    }
    told.next().await.expect("it goes on").expect("endpoints");
    assert_eq!(script.pauses(), [10.0, 5.0]);
    assert!(
        told.next().now_or_never().is_none(),
        "many asked for the same"
    );
    advance(Duration::from_secs(200)).await;
    assert!(told.next().now_or_never().is_none());
    advance(Duration::from_secs(100)).await;
    assert!(told.next().now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_and_back_off() {
    let good = [answer(&[1], 300), failure(), answer(&[1], 300)];
    let script = Script::new(good.into_iter().chain((0..14).map(|_| failure())));
    let refresh = Refresh::default();
    let mut told = again(script.clone(), refresh.clone());
    assert_eq!(
        told.next().await.expect("it goes on").expect("endpoints"),
        endpoints(&[1])
    );
    let status = told.next().await.expect("it goes on").unwrap_err();
    assert_eq!(status.message(), "nobody answers");
    // The same as before, but the error is over.
    assert_eq!(
        told.next().await.expect("it goes on").expect("endpoints"),
        endpoints(&[1])
    );
    for _ in 0..14 {
        // Asking does not make a server that fails answer.
        refresh.ask();
        told.next().await.expect("it goes on").unwrap_err();
    }
    let pauses = script.pauses();
    assert!(
        (0.8..=1.2).contains(&pauses[1]),
        "after one failure: {pauses:?}"
    );
    for (failures, pause) in pauses[3..].iter().enumerate() {
        let base = 1.6_f64.powi(failures as i32).min(120.0);
        assert!((0.79 * base..=1.21 * base).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_too_many_endpoints_the_same_are_used() {
    let many = |from: usize| {
        let all = 2 * ENDPOINTS_MAX;
        let endpoint = |nth: usize| {
            let nth = ((nth + from) % all) as u32;
            Endpoint::from(SocketAddr::from((
                Ipv4Addr::from_bits(nth + 0x0a00_0000),
                80,
            )))
        };
        Ok(Answer {
            endpoints: (0..all).map(endpoint).collect(),
            fresh: Duration::from_secs(10),
        })
    };
    let script = Script::new([many(0), many(700), many(1500), answer(&[1], 10)]);
    let mut told = again(script.clone(), Refresh::default());
    assert_eq!(
        told.next()
            .await
            .expect("it goes on")
            .expect("endpoints")
            .len(),
        ENDPOINTS_MAX
    );
    assert_eq!(
        told.next().await.expect("it goes on").expect("endpoints"),
        endpoints(&[1])
    );
}

#[test]
fn waits_are_within_their_bounds() {
    assert_eq!(backoff(u32::MAX, 1.0), Duration::from_secs(144));
    assert_eq!(backoff(0, 0.0), Duration::from_millis(800));
    assert_eq!(interval(Duration::ZERO, 0.0), INTERVAL_MIN);
    assert_eq!(interval(Duration::MAX, 1.0), Duration::from_secs(285));
}
