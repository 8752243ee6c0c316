use crate::support::{any, assert_near, endpoint, endpoints, hashed, picks, ready};
use cordial_runtime::{
    Balancer, Candidate, Connects, Endpoint, Pick, PickFirst, RingHash, RoundRobin, ZoneAware,
};
use std::sync::Arc;

fn aware() -> ZoneAware<RoundRobin> {
    ZoneAware::new(RoundRobin::new().with_seed(1), "near").with_seed(1)
}

/// So many near, then so many far.
fn zones(near: usize, far: usize) -> Vec<Endpoint> {
    let zone = |nth| if nth < near { "near" } else { "far" };
    let all = (0..near + far).map(|nth| endpoint(nth).with_zone(zone(nth)));
    all.collect()
}

/// The part of the calls that stays, of so many near with so many not ready.
fn part_that_stays(balancer: &impl Balancer, near: usize, ready_near: usize, far: usize) -> f64 {
    let all = balancer.choose(zones(near, far));
    let ready: Arc<[Candidate]> = ready(all.into_iter().skip(near - ready_near));
    let picks = picks(&*balancer.picker(ready), 20_000);
    let stay = picks.iter().filter(|place| **place < ready_near).count();
    stay as f64 / 20_000.0
}

#[test]
fn calls_stay_while_enough_are_ready() {
    for (near, ready_near, far, part) in [
        (10, 10, 10, 1.0),
        (10, 8, 10, 1.0),
        (10, 7, 10, 0.98),
        (10, 6, 10, 0.84),
        (10, 5, 10, 0.7),
        (10, 2, 10, 0.28),
        (2, 2, 100, 1.0),
        (4, 2, 100, 0.7),
        // Less than two: all zones are one.
        (10, 1, 9, 0.1),
        (1, 1, 9, 0.1),
        (10, 0, 10, 0.0),
        (10, 3, 0, 1.0),
        (10, 1, 0, 1.0),
    ] {
        let found = part_that_stays(&aware(), near, ready_near, far);
        assert_near(found, part, 0.012);
    }
}

#[test]
fn how_many_are_enough_can_be_said() {
    for (percent, part) in [(100, 0.8), (99, 0.8), (0, 0.8), (110, 0.88), (200, 1.0)] {
        let balancer = aware().with_overprovisioning_percent(percent);
        assert_near(part_that_stays(&balancer, 10, 8, 10), part, 0.012);
    }
    for (ready_min, part) in [(0, 1.0), (1, 1.0), (3, 1.0), (4, 0.25)] {
        let balancer = aware()
            .with_ready_min(ready_min)
            .with_overprovisioning_percent(1_000);
        let ready_near = ready_min.clamp(1, 3);
        let far = 3 * ready_near;
        assert_near(part_that_stays(&balancer, 3, ready_near, far), part, 0.012);
    }
}

#[test]
fn in_each_zone_the_other_balancer_picks() {
    let picker = aware().picker(ready(zones(3, 3)));
    let turns = picks(&*picker, 9);
    for (turn, next) in turns.iter().zip(&turns[1..]) {
        assert_eq!((turn + 1) % 3, *next);
    }
}

#[test]
fn a_call_that_failed_near_goes_far() {
    let picker = aware().picker(ready(zones(2, 2)));
    let pick = |tried: &[u64]| picker.pick(&Pick { hash: None, tried });
    assert_eq!(pick(&[0]), Some(1));
    assert!(pick(&[0, 1]) >= Some(2));
    assert_eq!(pick(&[0, 1, 3]), Some(2));
    assert_eq!(pick(&[0, 1, 2, 3]), None);
}

#[test]
fn endpoints_of_no_zone_are_far() {
    let near = [0, 1].map(|nth| endpoint(nth).with_zone("near"));
    let balancer = aware();
    let all = balancer.choose([endpoints(5), near.to_vec()].concat());
    assert_eq!(all[..2], near);
    let picks = picks(&*balancer.picker(ready(all)), 100);
    assert!(picks.iter().all(|place| *place < 2));
    let nowhere = aware().picker(ready(endpoints(3)));
    assert_eq!(
        crate::support::counts(&crate::support::picks(&*nowhere, 9), 3),
        [3; 3]
    );
}

#[test]
fn the_first_is_a_near_one() {
    let far_first: Vec<_> = zones(3, 20).into_iter().rev().collect();
    for shuffle in [false, true] {
        let first = PickFirst::new().with_shuffle(shuffle);
        let balancer = ZoneAware::new(first, "near");
        assert_eq!(balancer.connects(), Connects::First);
        let order = balancer.choose(far_first.clone());
        assert!(order[..3].iter().all(|one| one.zone() == Some("near")));
        assert_eq!(order.len(), 23);
        let picker = balancer.picker(ready(order));
        assert_eq!(picks(&*picker, 3), [0; 3]);
    }
    assert_eq!(aware().connects(), Connects::All);
}

#[test]
fn calls_of_one_hash_stay_or_go_together() {
    let balancer = ZoneAware::new(RingHash::new(), "near");
    let all = balancer.choose(zones(10, 10));
    let picker = balancer.picker(ready(all.into_iter().skip(5)));
    let mut stay = 0.0;
    for key in 0..2_000_u32 {
        let call = hashed(RingHash::hash(&key.to_le_bytes()));
        let place = picker.pick(&call).unwrap();
        assert_eq!(picker.pick(&call), Some(place));
        stay += f64::from(u8::from(place < 5));
    }
    assert_near(stay / 2_000.0, 0.7, 0.03);
    assert!(picker.pick(&any()).is_some());
}
