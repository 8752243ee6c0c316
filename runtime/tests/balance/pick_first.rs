use crate::support::{after, any, assert_near, endpoint, endpoints, picks, ready};
use cordial_runtime::{Balancer, Connects, Endpoint, PickFirst};
use std::collections::HashSet;

#[test]
fn connects_to_the_first_in_the_order_of_the_resolver() {
    let balancer = PickFirst::new();
    assert_eq!(balancer.connects(), Connects::First);
    assert_eq!(balancer.choose(endpoints(5)), endpoints(5));
}

#[test]
fn picks_the_first() {
    let picker = PickFirst::new().picker(ready(endpoints(3)));
    assert_eq!(picks(&*picker, 4), [0; 4]);
    assert_eq!(picker.pick(&after(&[0])), Some(1));
    assert_eq!(picker.pick(&after(&[1])), Some(0));
    assert_eq!(picker.pick(&after(&[1, 0])), Some(2));
    assert_eq!(picker.pick(&after(&[2, 0, 1])), None);
    assert_eq!(PickFirst::new().picker(ready([])).pick(&any()), None);
}

#[test]
fn shuffled_every_order_comes_equally_often() {
    let balancer = PickFirst::new().with_shuffle(true).with_seed(1);
    let mut first = [0_u32; 4];
    let mut orders = HashSet::new();
    for _ in 0..4_000 {
        let order = balancer.choose(endpoints(4));
        let place = |of: &Endpoint| endpoints(4).iter().position(|one| one == of).unwrap();
        let order: Vec<_> = order.iter().map(place).collect();
        first[order[0]] += 1;
        orders.insert(order);
    }
    assert_eq!(orders.len(), 24);
    for count in first {
        assert_near(f64::from(count), 1_000.0, 100.0);
    }
}

#[test]
fn shuffled_the_first_is_drawn_by_weight() {
    let balancer = PickFirst::new().with_shuffle(true).with_seed(2);
    let heavy = endpoint(0).with_weight(3);
    let mut first = 0.0;
    for _ in 0..4_000 {
        let order = balancer.choose(vec![endpoint(1), heavy.clone()]);
        first += f64::from(u8::from(order[0] == heavy));
    }
    assert_near(first / 4_000.0, 0.75, 0.02);
}

#[test]
fn shuffled_channels_differ() {
    let order = || PickFirst::new().with_shuffle(true).choose(endpoints(20));
    let orders: HashSet<_> = (0..10).map(|_| order()).collect();
    assert!(orders.len() > 5, "{} orders", orders.len());
}
