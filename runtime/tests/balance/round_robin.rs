use crate::support::{after, any, counts, endpoints, picks, ready};
use cordial_runtime::{Balancer, Connects, RoundRobin};
use std::collections::HashSet;

#[test]
fn each_in_turn() {
    for count in [1, 2, 3, 7, 100] {
        let picker = RoundRobin::new()
            .with_seed(1)
            .picker(ready(endpoints(count)));
        let turns = picks(&*picker, 3 * count);
        for (turn, next) in turns.iter().zip(&turns[1..]) {
            assert_eq!((turn + 1) % count, *next);
        }
        assert_eq!(counts(&turns, count), vec![3; count]);
    }
    assert_eq!(RoundRobin::new().connects(), Connects::All);
}

#[test]
fn channels_begin_anywhere() {
    let first = || RoundRobin::new().picker(ready(endpoints(8))).pick(&any());
    let firsts: HashSet<_> = (0..200).map(|_| first()).collect();
    assert_eq!(firsts.len(), 8);
}

#[test]
fn what_was_tried_is_passed_over() {
    let picker = RoundRobin::new().picker(ready(endpoints(4)));
    for _ in 0..8 {
        let place = picker.pick(&after(&[0, 1, 3])).unwrap();
        assert_eq!(place, 2);
        assert_ne!(picker.pick(&after(&[7, 2])), Some(2));
    }
    assert_eq!(picker.pick(&after(&[3, 2, 1, 0])), None);
    assert_eq!(RoundRobin::new().picker(ready([])).pick(&any()), None);
}

#[test]
fn threads_share_the_turns() {
    let picker = RoundRobin::new().picker(ready(endpoints(5)));
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| picks(&*picker, 500)))
            .collect();
        let picks = threads.into_iter().map(|thread| thread.join().unwrap());
        picks.flatten().collect()
    });
    assert_eq!(counts(&all, 5), [400; 5]);
}
