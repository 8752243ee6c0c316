use crate::support::{
    after, any, assert_near, counts, endpoint, endpoints, pass, picks, ready, shares,
};
use cordial_runtime::{
    Balancer, Candidate, Connects, Endpoint, LoadReport, SlowStart, WeightedRoundRobin,
};
use std::{sync::Arc, time::Duration};

fn balancer() -> WeightedRoundRobin {
    let balancer = WeightedRoundRobin::new().with_seed(1);
    balancer.with_slow_start(SlowStart::off())
}

/// Reports count at once.
fn prompt() -> WeightedRoundRobin {
    balancer().with_blackout(Duration::ZERO)
}

/// A server that wants so many calls.
fn wants(calls: f64) -> LoadReport {
    LoadReport {
        qps: calls,
        eps: 0.0,
        utilization: 1.0,
    }
}

fn weighing(weights: &[u32]) -> Arc<[Candidate]> {
    let endpoints = weights.iter().enumerate();
    ready(endpoints.map(|(nth, weight)| endpoint(nth).with_weight(*weight)))
}

/// One of a hundred calls and one of three hundred.
fn light_and_heavy() -> Arc<[Candidate]> {
    let ready = ready(endpoints(2));
    report(&ready);
    ready
}

fn report(ready: &[Candidate]) {
    ready[0].load.report(wants(100.0));
    ready[1].load.report(wants(300.0));
}

/// Whether the reports of [`light_and_heavy`] count now.
fn reports_count(balancer: &WeightedRoundRobin, ready: &Arc<[Candidate]>) -> bool {
    match shares(balancer, ready)[..] {
        [light, heavy] if light == heavy => false,
        [light, _] => {
            assert_near(light, 0.25, 0.001);
            true
        }
        _ => unreachable!(),
    }
}

#[test]
fn endpoints_have_their_weights() {
    for weights in [
        &[1, 1][..],
        &[1, 2, 3],
        &[5, 0, 5],
        &[1, 1_000],
        &[7; 9],
        &[1],
    ] {
        let total: u32 = weights.iter().map(|weight| weight.max(&1)).sum();
        let shares = shares(&balancer(), &weighing(weights));
        for (share, weight) in shares.iter().zip(weights) {
            let expected = f64::from(*weight.max(&1)) / f64::from(total);
            assert_near(*share, expected, 0.000_3);
        }
    }
    assert_eq!(balancer().connects(), Connects::All);
}

#[test]
fn turns_are_spread_evenly() {
    let picker = balancer().picker(weighing(&[1, 2, 3]));
    let turns = picks(&*picker, 6_000);
    for window in turns.windows(60) {
        for (count, expected) in counts(window, 3).into_iter().zip([10.0, 20.0, 30.0]) {
            assert_near(count as f64, expected, 3.0);
        }
    }
    let longest = turns.chunk_by(|a, b| a == b).map(<[_]>::len).max();
    assert!(
        longest <= Some(2),
        "{longest:?} in a row to one of half the weight"
    );
}

/// A58: `weight = qps / (utilization + eps / qps · penalty)`.
#[test]
fn a_report_weighs_as_a58_has_it() {
    for (qps, eps, utilization, penalty, weight) in [
        (100.0, 0.0, 1.0, 1.0, 100.0),
        (100.0, 0.0, 0.5, 1.0, 200.0),
        (300.0, 0.0, 1.0, 1.0, 300.0),
        (300.0, 0.0, 2.0, 1.0, 150.0),
        (100.0, 10.0, 0.4, 1.0, 200.0),
        (100.0, 50.0, 0.5, 1.0, 100.0),
        (100.0, 50.0, 0.5, 0.0, 200.0),
        (100.0, 50.0, 0.5, 2.0, 200.0 / 3.0),
        (100.0, 50.0, 0.5, -1.0, 200.0),
        (100.0, 50.0, 0.5, f64::NAN, 200.0),
        (100.0, 100.0, 0.25, 1.0, 80.0),
        (100.0, -5.0, 0.5, 1.0, 200.0),
        (0.1, 0.0, 0.001, 1.0, 100.0),
        (1e6, 0.0, 1e4, 1.0, 100.0),
    ] {
        let ready = ready(endpoints(2));
        ready[0].load.report(LoadReport {
            qps,
            eps,
            utilization,
        });
        ready[1].load.report(wants(100.0));
        let share = shares(&prompt().with_error_penalty(penalty), &ready)[0];
        assert_near(share, weight / (weight + 100.0), 0.000_5);
    }
}

#[test]
fn errors_cost_as_much_as_load_by_default() {
    let ready = light_and_heavy();
    ready[0].load.report(LoadReport {
        qps: 100.0,
        eps: 50.0,
        utilization: 0.5,
    });
    assert!(reports_count(&prompt(), &ready));
}

#[test]
fn a_report_of_nothing_says_nothing() {
    for (qps, eps, utilization) in [
        (0.0, 0.0, 0.5),
        (100.0, 0.0, 0.0),
        (-1.0, 0.0, 0.5),
        (100.0, 0.0, -0.5),
        (f64::NAN, 0.0, 0.5),
        (100.0, f64::NAN, 0.5),
        (100.0, 0.0, f64::NAN),
        (f64::INFINITY, 0.0, 0.5),
        (100.0, f64::INFINITY, 0.5),
        (100.0, 0.0, f64::INFINITY),
        (1e-300, 1.0, 1.0),
        (1e300, 1.0, 1e-300),
    ] {
        let ready = light_and_heavy();
        ready[0].load.report(LoadReport {
            qps,
            eps,
            utilization,
        });
        assert!(
            reports_count(&prompt(), &ready),
            "{qps}, {eps}, {utilization}"
        );
    }
    let ready = ready(endpoints(2));
    ready
        .iter()
        .for_each(|one| one.load.report(LoadReport::default()));
    assert_eq!(shares(&prompt(), &ready), [0.5, 0.5]);
}

#[test]
fn one_without_reports_gets_the_average() {
    let ready = ready(endpoints(3));
    report(&ready);
    let shares = shares(&prompt(), &ready);
    for (share, expected) in shares.into_iter().zip([100.0, 300.0, 200.0]) {
        assert_near(share, expected / 600.0, 0.001);
    }
}

#[test]
fn the_average_is_multiplied_by_the_weight_of_the_endpoint() {
    let ready = weighing(&[1, 1, 2]);
    report(&ready);
    let shares = shares(&prompt(), &ready);
    for (share, expected) in shares.into_iter().zip([100.0, 300.0, 400.0]) {
        assert_near(share, expected / 800.0, 0.001);
    }
}

#[test]
fn with_less_than_two_reports_it_is_round_robin() {
    for reporting in [0, 1] {
        let ready = ready(endpoints(3));
        for one in &ready[..reporting] {
            one.load.report(wants(1_000.0));
        }
        let turns = picks(&*prompt().picker(ready), 30);
        for (turn, next) in turns.iter().zip(&turns[1..]) {
            assert_eq!((turn + 1) % 3, *next);
        }
    }
}

#[test]
fn with_less_than_two_reports_endpoints_have_their_weights() {
    let ready = weighing(&[1, 2, 3]);
    ready[1].load.report(wants(1_000.0));
    for (share, expected) in shares(&prompt(), &ready).into_iter().zip([1.0, 2.0, 3.0]) {
        assert_near(share, expected / 6.0, 0.001);
    }
}

#[tokio::test(start_paused = true)]
async fn a_blackout_of_10_seconds() {
    let ready = light_and_heavy();
    for (pause, count) in [
        (0, false),
        (5_000, false),
        (4_999, false),
        (1, true),
        (9, true),
    ] {
        pass(pause).await;
        report(&ready);
        assert_eq!(
            reports_count(&balancer(), &ready),
            count,
            "after {pause} more"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn another_blackout() {
    let ready = light_and_heavy();
    let balancer = balancer().with_blackout(Duration::from_secs(2));
    for (pause, count) in [(1_999, false), (1, true)] {
        pass(pause).await;
        assert_eq!(reports_count(&balancer, &ready), count);
    }
}

#[tokio::test(start_paused = true)]
async fn reports_expire_after_3_minutes_and_begin_anew() {
    let ready = light_and_heavy();
    for (pause, count) in [(179_999, true), (1, false), (1_000, false)] {
        pass(pause).await;
        assert_eq!(
            reports_count(&balancer(), &ready),
            count,
            "after {pause} more"
        );
    }
    report(&ready);
    for (pause, count) in [(0, false), (9_999, false), (1, true)] {
        pass(pause).await;
        assert_eq!(
            reports_count(&balancer(), &ready),
            count,
            "{pause} after the new ones"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn another_expiry() {
    let ready = light_and_heavy();
    let balancer = prompt().with_expiry(Duration::from_secs(5));
    for (pause, count) in [(4_999, true), (1, false)] {
        pass(pause).await;
        assert_eq!(reports_count(&balancer, &ready), count);
    }
}

#[tokio::test(start_paused = true)]
async fn weights_are_computed_every_second() {
    // Period asked for, effective period, in milliseconds.
    for (asked, effective) in [
        (None, 1_000),
        (Some(0), 100),
        (Some(99), 100),
        (Some(250), 250),
    ] {
        let balancer = match asked {
            None => prompt(),
            Some(asked) => prompt().with_update_period(Duration::from_millis(asked)),
        };
        let ready = ready(endpoints(2));
        let picker = balancer.picker(ready.clone());
        report(&ready);
        pass(effective - 1).await;
        assert_eq!(counts(&picks(&*picker, 400), 2), [200, 200]);
        pass(1).await;
        assert_near(counts(&picks(&*picker, 400), 2)[0] as f64, 100.0, 2.0);
        ready[0].load.report(wants(900.0));
        pass(effective - 1).await;
        assert_near(counts(&picks(&*picker, 400), 2)[0] as f64, 100.0, 2.0);
        pass(1).await;
        assert_near(counts(&picks(&*picker, 400), 2)[0] as f64, 300.0, 2.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_one_gets_a_share_that_grows() {
    let mut all = weighing(&[2, 2]).to_vec();
    pass(60_000).await;
    all.extend(ready([endpoint(2).with_weight(2)]).iter().cloned());
    let ready: Arc<[_]> = all.into();
    let balancer = WeightedRoundRobin::default().with_seed(1);
    let picker = balancer.picker(ready);
    for (pause, part) in [(0, 0.1), (15_000, 0.5), (9_000, 0.8), (6_000, 1.0)] {
        pass(pause).await;
        let new = counts(&picks(&*picker, 10_000), 3)[2] as f64 / 10_000.0;
        assert_near(new, part / (2.0 + part), 0.001);
    }
}

#[test]
fn what_was_tried_is_passed_over() {
    let picker = balancer().picker(weighing(&[1, 9]));
    for _ in 0..20 {
        assert_eq!(picker.pick(&after(&[1])), Some(0));
        assert_eq!(picker.pick(&after(&[0])), Some(1));
    }
    assert_eq!(picker.pick(&after(&[0, 1])), None);
    let nobody = ready(Vec::<Endpoint>::new());
    assert_eq!(balancer().picker(nobody).pick(&any()), None);
}

#[test]
fn threads_share_the_turns_while_weights_change() {
    let ready = light_and_heavy();
    let balancer = prompt().with_update_period(Duration::ZERO);
    let picker = balancer.picker(ready.clone());
    let all: Vec<_> = std::thread::scope(|scope| {
        let picking = || {
            report(&ready);
            picks(&*picker, 10_000)
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(picking)).collect();
        let picks = threads.into_iter().map(|thread| thread.join().unwrap());
        picks.flatten().collect()
    });
    assert_near(counts(&all, 2)[0] as f64 / 40_000.0, 0.25, 0.001);
}
