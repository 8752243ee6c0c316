use super::*;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::Wake,
};

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Call {
    woken: Arc<Woken>,
    ticket: Option<u64>,
}

impl Call {
    fn new() -> Self {
        Self {
            woken: Arc::default(),
            ticket: None,
        }
    }

    /// The stream it has been given.
    fn ask(&mut self, places: &mut Places) -> Option<u32> {
        match places.ask(&mut self.ticket, &self.woken.clone().into()) {
            Asked::Stream(id) => Some(id),
            Asked::Later => None,
            Asked::Never(why) => panic!("{why}"),
        }
    }

    fn times_woken(&self) -> usize {
        self.woken.0.load(Ordering::Relaxed)
    }
}

fn places(max: u32) -> Places {
    let mut places = Places::default();
    places.resize(max);
    places
}

#[test]
fn streams_are_odd_and_rise() {
    let mut places = places(3);
    let ids: Vec<_> = (0..3).map(|_| Call::new().ask(&mut places)).collect();
    assert_eq!(ids, [Some(1), Some(3), Some(5)]);
    assert!(places.is_full());
    assert!(places.has_begun(5) && !places.has_begun(7) && !places.has_begun(4));
}

#[test]
fn the_first_to_come_is_the_first_to_begin() {
    let mut places = places(1);
    let (mut first, mut second, mut third) = (Call::new(), Call::new(), Call::new());
    assert_eq!(first.ask(&mut places), Some(1));
    assert_eq!(second.ask(&mut places), None);
    assert_eq!(third.ask(&mut places), None);
    places.free();
    assert_eq!((second.times_woken(), third.times_woken()), (1, 0));
    assert_eq!(third.ask(&mut places), None, "second came before");
    assert_eq!(
        Call::new().ask(&mut places),
        None,
        "and whoever comes now after"
    );
    assert_eq!(second.ask(&mut places), Some(3));
    assert_eq!(third.times_woken(), 0);
    places.free();
    assert_eq!(third.times_woken(), 1);
}

#[test]
fn who_gives_up_lets_the_next_one_go() {
    let mut places = places(1);
    let (mut second, mut third) = (Call::new(), Call::new());
    Call::new().ask(&mut places);
    second.ask(&mut places);
    third.ask(&mut places);
    places.free();
    places.leave(second.ticket.expect("it waits"));
    assert_eq!(third.times_woken(), 1);
    assert_eq!(third.ask(&mut places), Some(3));
}

#[test]
fn more_room_is_for_all_that_it_is_enough_for() {
    let mut places = places(0);
    let mut calls: Vec<_> = (0..3).map(|_| Call::new()).collect();
    for call in &mut calls {
        assert_eq!(call.ask(&mut places), None);
    }
    places.resize(2);
    assert_eq!(calls[0].times_woken(), 1);
    assert_eq!(calls[0].ask(&mut places), Some(1));
    assert_eq!(calls[1].times_woken(), 1, "there is room for one more");
    assert_eq!(calls[1].ask(&mut places), Some(3));
    assert_eq!(calls[2].times_woken(), 0);
}

#[test]
fn a_closed_connection_sends_everybody_away() {
    let mut places = places(1);
    let mut second = Call::new();
    Call::new().ask(&mut places);
    second.ask(&mut places);
    places.close("gone".into());
    assert!(!places.are_open());
    assert_eq!(second.times_woken(), 1);
    let asked = places.ask(&mut second.ticket, &second.woken.clone().into());
    assert!(matches!(asked, Asked::Never(why) if *why == *"gone"));
}

#[test]
fn the_last_stream_is_the_last() {
    let mut places = places(10);
    places.next = STREAM_MAX;
    assert_eq!(Call::new().ask(&mut places), Some(STREAM_MAX));
    assert!(!places.are_open());
}
