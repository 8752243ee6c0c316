use super::*;

fn places(max: u32) -> Places {
    let mut places = Places::default();
    places.resize(max);
    places
}

fn stream(places: &mut Places) -> Option<u32> {
    match places.ask() {
        Asked::Stream(id) => Some(id),
        Asked::Full => None,
        Asked::Never(why) => panic!("{why}"),
    }
}

#[test]
fn streams_are_odd_and_rise() {
    let mut places = places(3);
    let ids: Vec<_> = (0..4).map(|_| stream(&mut places)).collect();
    assert_eq!(ids, [Some(1), Some(3), Some(5), None]);
    for (id, begun) in [(1, true), (5, true), (7, false), (4, false), (0, false)] {
        assert_eq!(places.has_begun(id), begun, "{id}");
    }
}

#[test]
fn who_says_nothing_takes_any_number() {
    let mut places = Places::default();
    assert!((0..10_000).all(|_| stream(&mut places).is_some()));
}

#[test]
fn a_place_that_comes_free_is_taken_again() {
    let mut places = places(1);
    assert_eq!(stream(&mut places), Some(1));
    assert_eq!(stream(&mut places), None);
    places.free();
    assert_eq!(places.taken(), 0);
    assert_eq!(stream(&mut places), Some(3));
}

#[test]
fn who_waits_is_told_of_each_place() {
    use futures_util::FutureExt;
    let room = Arc::new(Room::default());
    let mut places = places(2);
    places.tell(room.clone());
    let told = || room.told().now_or_never().is_some();
    assert!(stream(&mut places).is_some());
    places.free();
    assert!(!told(), "nobody waits");
    let waiting = room.wait();
    assert!(stream(&mut places).is_some());
    places.free();
    assert!(told());
    drop(waiting);
    assert!(stream(&mut places).is_some());
    places.free();
    assert!(!told(), "nobody waits any more");
    for change in [
        |places: &mut Places| places.resize(3),
        |places: &mut Places| {
            places.close("gone".into());
        },
    ] {
        let mut waits = Box::pin(room.told());
        assert!(waits.as_mut().now_or_never().is_none());
        change(&mut places);
        assert!(waits.now_or_never().is_some());
    }
}

#[test]
fn fewer_places_than_are_taken() {
    let mut places = places(3);
    assert_eq!((0..3).filter_map(|_| stream(&mut places)).count(), 3);
    places.resize(1);
    assert_eq!(stream(&mut places), None);
    places.free();
    places.free();
    assert_eq!(stream(&mut places), None);
    places.free();
    assert_eq!(stream(&mut places), Some(7));
}

#[test]
fn a_closed_connection_sends_everybody_away() {
    let mut places = places(1);
    places.close("gone".into());
    places.close("again".into());
    assert!(!places.are_open());
    assert!(matches!(places.ask(), Asked::Never(why) if *why == *"gone"));
}

#[test]
fn the_last_stream_is_the_last() {
    let mut places = places(10);
    places.begun = STREAM_MAX / 2;
    assert_eq!(stream(&mut places), Some(STREAM_MAX));
    assert!(!places.are_open());
    assert!(places.has_begun(STREAM_MAX));
}
