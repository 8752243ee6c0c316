use crate::support::{after, any, assert_near, call, calls, endpoints, pass, picks, ready, shares};
use cordial_runtime::{Balancer, Candidate, Connects, LeastRequest, SlowStart};
use std::{sync::Arc, time::Duration};

/// Of calls in flight alone, for no time.
fn plain() -> LeastRequest {
    let balancer = LeastRequest::new().without_latency().with_seed(1);
    balancer.with_slow_start(SlowStart::off())
}

/// Of latencies, for no time.
fn timed() -> LeastRequest {
    let balancer = LeastRequest::new().with_seed(1);
    balancer.with_slow_start(SlowStart::off())
}

#[test]
fn so_many_choices_as_a48_allows() {
    // One of 20 has nothing to do: it gets the calls that look at it.
    let ready = ready(endpoints(20));
    let _busy: Vec<_> = ready[1..].iter().map(|one| calls(one, 1)).collect();
    assert_near(shares(&plain(), &ready)[0], 2.0 / 20.0, 0.01);
    for (asked, effective) in [
        (0, 2.0),
        (1, 2.0),
        (2, 2.0),
        (3, 3.0),
        (5, 5.0),
        (9, 9.0),
        (10, 10.0),
        (11, 10.0),
        (usize::MAX, 10.0),
    ] {
        let share = shares(&plain().with_choices(asked), &ready)[0];
        assert_near(share, effective / 20.0, 0.01);
    }
}

#[test]
fn the_least_loaded_of_all_if_there_are_no_more() {
    for count in 1..=10 {
        let ready = ready(endpoints(count));
        let busy = |(load, one)| calls(one, load);
        let _busy: Vec<_> = (0..count).rev().zip(&*ready).map(busy).collect();
        let picker = plain().with_choices(10).picker(ready);
        assert_eq!(picks(&*picker, 50), [count - 1; 50]);
    }
}

#[test]
fn a_frozen_one_is_never_the_only_choice() {
    let ready = ready(endpoints(2));
    let _frozen = calls(&ready[0], 1);
    assert_eq!(shares(&plain(), &ready), [0.0, 1.0]);
}

#[test]
fn equals_share_equally() {
    for choices in [2, 3, 10] {
        let shares = shares(&plain().with_choices(choices), &ready(endpoints(10)));
        shares
            .iter()
            .for_each(|share| assert_near(*share, 0.1, 0.01));
    }
    assert_eq!(LeastRequest::default().connects(), Connects::All);
}

async fn quick_and_slow() -> Arc<[Candidate]> {
    let ready = ready(endpoints(2));
    call(&ready[0], 10, true).await;
    call(&ready[1], 100, true).await;
    ready
}

#[tokio::test(start_paused = true)]
async fn the_load_is_latency_times_calls_in_flight() {
    // Calls in flight of one that takes 10 ms, of one that takes 100 ms, who is better.
    for (quick, slow, better) in [
        (0, 0, 0),
        (8, 0, 0),
        (10, 0, 1),
        (18, 1, 0),
        (20, 1, 1),
        (0, 50, 0),
    ] {
        let ready = quick_and_slow().await;
        let _calls = (calls(&ready[0], quick), calls(&ready[1], slow));
        let picker = timed().picker(ready);
        assert_eq!(picks(&*picker, 20), [better; 20], "{quick} and {slow}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_latency_calls_in_flight_are_all() {
    let ready = quick_and_slow().await;
    let _call = calls(&ready[0], 1);
    assert_eq!(shares(&plain(), &ready), [0.0, 1.0]);
    assert_eq!(shares(&timed(), &ready), [1.0, 0.0]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_one_is_as_quick_as_the_quickest() {
    let ready = ready(endpoints(3));
    call(&ready[0], 10, true).await;
    call(&ready[1], 100, true).await;
    let balancer = timed().with_choices(3);
    let found = shares(&balancer, &ready);
    assert_eq!(found[1], 0.0);
    assert_near(found[2], 0.5, 0.02);
    let _call = calls(&ready[2], 1);
    assert_eq!(shares(&balancer, &ready), [1.0, 0.0, 0.0]);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_at_once_gets_no_calls() {
    let ready = ready(endpoints(2));
    call(&ready[1], 10, true).await;
    call(&ready[0], 0, false).await;
    assert_eq!(shares(&timed(), &ready), [0.0, 1.0]);
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_gets_no_calls() {
    let ready = ready(endpoints(2));
    let hung = calls(&ready[0], 1);
    pass(5_000).await;
    drop(hung);
    call(&ready[1], 10, true).await;
    assert_eq!(shares(&timed(), &ready), [0.0, 1.0]);
}

#[tokio::test(start_paused = true)]
async fn slowness_is_forgotten_as_the_decay_says() {
    // Decay asked for, effective decay, in milliseconds.
    for (asked, effective) in [
        (None, 10_000),
        (Some(60_000), 60_000),
        (Some(1), 1),
        (Some(0), 1),
    ] {
        let ready = ready(endpoints(1));
        let balancer = match asked {
            None => timed(),
            Some(asked) => timed().with_decay(Duration::from_millis(asked)),
        };
        let _picker = balancer.picker(ready.clone());
        call(&ready[0], 1_000, true).await;
        pass(effective).await;
        let left = ready[0].load.latency().unwrap().as_secs_f64();
        assert_near(left, (-1.0_f64).exp(), 0.03);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_slow_is_tried_again() {
    let ready = quick_and_slow().await;
    let picker = timed().picker(ready.clone());
    for pause in [10_000, 10_000] {
        assert_eq!(picker.pick(&any()), Some(0));
        pass(pause).await;
        call(&ready[0], 10, true).await;
    }
    pass(5_000).await;
    call(&ready[0], 10, true).await;
    assert_eq!(picker.pick(&any()), Some(1));
}

#[test]
fn what_was_tried_is_not_chosen() {
    let ready = ready(endpoints(3));
    let _busy = calls(&ready[2], 5);
    let picker = plain().picker(ready);
    for _ in 0..50 {
        assert_eq!(picker.pick(&after(&[0, 1])), Some(2));
        assert_eq!(picker.pick(&after(&[0])), Some(1));
    }
    assert_eq!(picker.pick(&after(&[0, 1, 2])), None);
    assert_eq!(plain().picker(crate::support::ready([])).pick(&any()), None);
}

#[tokio::test(start_paused = true)]
async fn a_new_one_gets_a_share_that_grows() {
    let old = ready(endpoints(9));
    pass(60_000).await;
    let mut all = old.to_vec();
    all.extend(ready([crate::support::endpoint(9)]).iter().cloned());
    let ready: Arc<[_]> = all.into();
    let balancer = LeastRequest::new().without_latency().with_seed(3);
    // Seconds since it is there, which part of its share it gets.
    for (pause, part) in [(0, 0.1), (3, 0.1), (12, 0.5), (9, 0.8), (6, 1.0), (60, 1.0)] {
        pass(pause * 1_000).await;
        assert_near(shares(&balancer, &ready)[9], part / 10.0, 0.01);
    }
}

#[tokio::test(start_paused = true)]
async fn if_all_are_new_none_is() {
    let ready = ready(endpoints(4));
    let balancer = LeastRequest::new().with_seed(4);
    let shares = shares(&balancer, &ready);
    shares
        .iter()
        .for_each(|share| assert_near(*share, 0.25, 0.02));
}

/// Requests come faster than one slow server of three can answer.
#[tokio::test(start_paused = true)]
async fn a_slow_server_gets_what_it_can_do() {
    const MILLIS: [u64; 3] = [10, 10, 200];
    let ready = ready(endpoints(3));
    let picker = timed().picker(ready.clone());
    let mut running = Vec::new();
    let mut counts = [0; 3];
    for now in 0..5_000 {
        let place = picker.pick(&any()).unwrap();
        counts[place] += 1;
        running.push((now + MILLIS[place], ready[place].load.start()));
        for (_, mut call) in running.extract_if(.., |(end, _)| *end <= now) {
            call.ended(true);
        }
        pass(1).await;
    }
    assert!(counts[2] < 250, "{counts:?}");
    assert!(counts[2] > 0, "{counts:?}");
    assert_near(f64::from(counts[0]), f64::from(counts[1]), 600.0);
}
