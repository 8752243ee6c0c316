use crate::support::{after, any, assert_near, counts, endpoint, endpoints, hashed, picks, ready};
use cordial_runtime::{Balancer, Candidate, Connects, Endpoint, Pick, Picker, RingHash};
use std::sync::Arc;

/// XXH64 with seed 0, as its own tests and those of other languages have it.
#[test]
fn keys_are_hashed_as_everywhere() {
    for (key, hash) in [
        ("", 0xef46_db37_51d8_e999),
        ("a", 0xd24e_c4f1_a98c_6e5b),
        ("abc", 0x44bc_2cf5_ad77_0999),
        (
            "Nobody inspects the spammish repetition",
            0xfbce_a83c_8a37_8bf1,
        ),
    ] {
        assert_eq!(RingHash::hash(key.as_bytes()), hash, "{key}");
    }
}

/// How often `place` is on the ring: a call whose hash is that of one of its
/// places on it goes there. More of them do by accident, but not for long.
fn places_on_ring(picker: &dyn Picker, endpoint: &Endpoint, place: usize) -> usize {
    let hash = |nth| RingHash::hash(format!("{}_{nth}", endpoint.address()).as_bytes());
    let is_there = |nth: &usize| picker.pick(&hashed(hash(*nth))) == Some(place);
    (0..).take_while(is_there).count()
}

fn weighted(weights: &[u32]) -> Vec<Endpoint> {
    let numbered = weights.iter().enumerate();
    let weighted = numbered.map(|(nth, weight)| endpoint(nth).with_weight(*weight));
    weighted.collect()
}

#[track_caller]
fn assert_places(balancer: &RingHash, endpoints: Vec<Endpoint>, expected: &[usize]) {
    let picker = balancer.picker(ready(endpoints.clone()));
    let mut exact = 0;
    for (place, endpoint) in endpoints.iter().enumerate() {
        let found = places_on_ring(&*picker, endpoint, place);
        let expected = expected[place % expected.len()];
        assert!(
            (expected..expected + 8).contains(&found),
            "{found} of {expected}"
        );
        exact += usize::from(found == expected);
    }
    assert!(
        2 * exact > endpoints.len(),
        "{exact} of {}",
        endpoints.len()
    );
}

#[test]
fn the_ring_is_as_large_as_a42_has_it() {
    let new = RingHash::new;
    // At least 1,024 places, and a whole number for the lightest.
    assert_places(&new(), endpoints(3), &[342]);
    assert_places(&new(), endpoints(10), &[103]);
    assert_places(&new(), endpoints(1_000), &[2]);
    // No more than 4,096.
    assert_places(&new().with_ring_size_min(1_000_000), endpoints(4), &[1_024]);
    assert_places(
        &new()
            .with_ring_size_max(1_000_000)
            .with_ring_size_min(5_000),
        endpoints(4),
        &[1_024],
    );
    assert_places(&new().with_ring_size_cap(8_192), endpoints(4), &[256]);
    let large = new().with_ring_size_cap(8_192).with_ring_size_max(8_192);
    assert_places(&large.with_ring_size_min(8_192), endpoints(4), &[2_048]);
    // As asked for.
    assert_places(&new().with_ring_size_min(100), endpoints(10), &[10]);
    assert_places(&new().with_ring_size_min(101), endpoints(10), &[11]);
    assert_places(&new().with_ring_size_max(50), endpoints(10), &[5]);
    assert_places(&new().with_ring_size_cap(20), endpoints(10), &[2]);
    assert_places(&new().with_ring_size_min(0), endpoints(10), &[1]);
}

#[test]
fn servers_are_on_the_ring_by_weight() {
    // The example of A42: two localities of weights 3 and 2.
    let places = [363, 181, 363, 121];
    assert_places(&RingHash::new(), weighted(&[6, 3, 6, 2]), &places);
}

#[test]
fn endpoints_of_one_address_add_up() {
    let balancer = RingHash::new();
    let twice = [endpoints(4), endpoints(1)].concat();
    assert_eq!(balancer.choose(twice.clone()), twice);
    let picker = balancer.picker(ready(endpoints(4)));
    for (nth, expected) in [(0, 410), (1, 205), (2, 205), (3, 205)] {
        let found = places_on_ring(&*picker, &endpoint(nth), nth);
        assert!(
            (expected..expected + 8).contains(&found),
            "{found} of {expected}"
        );
    }
}

#[test]
fn nothing_is_larger_than_8_mi() {
    let balancer = RingHash::new().with_ring_size_min(usize::MAX);
    let balancer = balancer.with_ring_size_max(usize::MAX);
    let shown = format!("{:?}", balancer.with_ring_size_cap(usize::MAX));
    for name in ["min", "max", "cap"] {
        let bounded = format!("ring_size_{name}: 8388608,");
        assert!(shown.contains(&bounded), "{shown}");
    }
    let balancer = RingHash::new().with_ring_size_max(0).with_ring_size_cap(0);
    assert_eq!(balancer.picker(ready(endpoints(1))).pick(&any()), Some(0));
}

fn keys() -> impl Iterator<Item = u64> {
    (0..10_000_u32).map(|key| RingHash::hash(&key.to_le_bytes()))
}

/// Where each key leads.
fn owners(balancer: &RingHash, ready: &Arc<[Candidate]>) -> Vec<Endpoint> {
    let picker = balancer.picker(ready.clone());
    let owner = |key| ready[picker.pick(&hashed(key)).unwrap()].endpoint.clone();
    keys().map(owner).collect()
}

fn moved(before: &[Endpoint], then: &[Endpoint]) -> usize {
    before.iter().zip(then).filter(|(a, b)| a != b).count()
}

#[test]
fn keys_are_shared_evenly() {
    let owners = owners(&RingHash::new(), &ready(endpoints(10)));
    for nth in 0..10 {
        let count = owners
            .iter()
            .filter(|owner| **owner == endpoint(nth))
            .count();
        assert_near(count as f64, 1_000.0, 300.0);
    }
}

#[test]
fn the_order_of_the_list_does_not_matter() {
    let forward = owners(&RingHash::new(), &ready(endpoints(10)));
    let backward = owners(&RingHash::new(), &ready(endpoints(10).into_iter().rev()));
    assert_eq!(moved(&forward, &backward), 0);
}

#[test]
fn only_keys_of_one_that_is_not_ready_move() {
    let balancer = RingHash::new();
    let all = ready(balancer.choose(endpoints(20)));
    let before = owners(&balancer, &all);
    for gone in [0, 7, 19] {
        let left = all.iter().filter(|one| one.id != gone).cloned();
        let then = owners(&balancer, &left.collect());
        let was = all[gone as usize].endpoint.clone();
        let lost = before.iter().filter(|owner| **owner == was).count();
        assert_eq!(moved(&before, &then), lost);
        assert_near(lost as f64 / 10_000.0, 1.0 / 20.0, 0.02);
    }
    assert_eq!(owners(&balancer, &all), before);
}

#[test]
fn about_one_in_n_keys_moves_with_the_list() {
    for count in [5, 10, 20, 50] {
        let before = owners(&RingHash::new(), &ready(endpoints(count)));
        let then = owners(&RingHash::new(), &ready(endpoints(count - 1)));
        let part = moved(&before, &then) as f64 / 10_000.0;
        let fair = 1.0 / count as f64;
        assert!((0.6 * fair..2.0 * fair).contains(&part), "{count}: {part}");
    }
}

#[test]
fn what_was_tried_leaves_its_keys_to_the_next_on_the_ring() {
    let balancer = RingHash::new();
    let all = ready(balancer.choose(endpoints(5)));
    let picker = balancer.picker(all.clone());
    for key in keys().take(500) {
        let first = picker.pick(&hashed(key)).unwrap();
        let left: Arc<[_]> = all
            .iter()
            .filter(|one| one.id != first as u64)
            .cloned()
            .collect();
        let second = balancer.picker(left.clone()).pick(&hashed(key)).unwrap();
        let tried = [first as u64];
        let retry = Pick {
            hash: Some(key),
            tried: &tried,
        };
        assert_eq!(picker.pick(&retry), Some(left[second].id as usize));
    }
    assert_eq!(picker.pick(&after(&[0, 1, 2, 3, 4])), None);
    assert_eq!(RingHash::default().connects(), Connects::All);
}

#[test]
fn calls_without_a_hash_go_anywhere() {
    let picker = RingHash::new().with_seed(1).picker(ready(endpoints(4)));
    for count in counts(&picks(&*picker, 10_000), 4) {
        assert_near(count as f64, 2_500.0, 500.0);
    }
    assert_eq!(RingHash::new().picker(ready([])).pick(&any()), None);
}
