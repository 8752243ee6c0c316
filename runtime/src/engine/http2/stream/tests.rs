use super::*;
use crate::engine::http2::frame::Reason;

fn incoming(declared: Option<u64>) -> Incoming {
    Stream::new(Instant::now(), 100, 100, declared, false).incoming
}

#[test]
fn ready_when_there_is_what_the_reader_wants() {
    let mut incoming = incoming(None);
    assert!(!incoming.is_ready(), "nothing has come");
    incoming.data.extend_from_slice(b"ab");
    assert!(incoming.is_ready());
    incoming.wanted = 3;
    assert!(!incoming.is_ready());
    incoming.data.extend_from_slice(b"c");
    assert!(incoming.is_ready());
    incoming.wanted = 4;
    incoming.ended = true;
    assert!(incoming.is_ready(), "no more will come");
}

#[test]
fn data_is_counted_as_read_once() {
    let mut incoming = incoming(None);
    assert_eq!((incoming.unread(), incoming.count_read()), (0, 0));
    incoming.data.extend_from_slice(b"abc");
    assert_eq!((incoming.unread(), incoming.count_read()), (3, 3));
    assert_eq!((incoming.unread(), incoming.count_read()), (0, 0));
    incoming.data.extend_from_slice(b"de");
    assert_eq!((incoming.unread(), incoming.count_read()), (2, 2));
}

#[test]
fn as_long_as_declared() {
    let mut declared = incoming(Some(5));
    assert!(!declared.is_as_declared());
    assert!(declared.count(3) && !declared.is_as_declared());
    assert!(!declared.count(3), "a byte too many");
    assert!(declared.count(2) && declared.is_as_declared());
    assert!(declared.count(0) && !declared.count(1));
    let mut free = incoming(None);
    assert!(free.count(usize::MAX) && free.count(usize::MAX) && free.is_as_declared());
    assert!(incoming(Some(0)).is_as_declared());
}

#[test]
fn finished_streams_are_remembered_for_a_while() {
    let mut ended = Ended::default();
    let ids = |from: u32, count: usize| (0..count as u32).map(move |nth| from + 2 * nth);
    ids(1, FINISHED_MAX).for_each(|id| ended.finished(id));
    assert!(ids(1, FINISHED_MAX).all(|id| ended.has_finished(id)));
    ended.finished(1_001);
    assert!(!ended.has_finished(1), "the oldest made way");
    assert!(ended.has_finished(3) && ended.has_finished(1_001));
    assert_eq!(ended.finished.len(), FINISHED_MAX);
    assert!(!ended.was_reset(3), "that is another matter");
}

#[test]
fn reset_streams_are_remembered_for_longer() {
    let mut ended = Ended::default();
    let ids = || (0..RESET_MAX as u32).map(|nth| 1 + 2 * nth);
    ids().for_each(|id| ended.reset(id, Window::new(10)));
    assert!(ids().all(|id| ended.was_reset(id)));
    ended.reset(9_999, Window::new(10));
    assert!(!ended.was_reset(1) && ended.was_reset(3) && ended.was_reset(9_999));
    assert_eq!(ended.reset.len(), RESET_MAX);
    ended.forget(3);
    assert!(!ended.was_reset(3) && ended.data(3, 0).is_none());
}

#[test]
fn a_reset_streams_window_still_holds() {
    let mut ended = Ended::default();
    ended.reset(5, Window::new(10));
    assert_eq!(ended.data(5, 10), Some(Ok(())));
    assert_eq!(ended.data(5, 0), Some(Ok(())));
    let over = ended.data(5, 1).and_then(Result::err);
    assert_eq!(over.map(|fatal| fatal.reason), Some(Reason::FlowControl));
    assert_eq!(ended.data(7, 1), None);
}

#[test]
fn ids_are_told_apart() {
    let mut streams = Streams::default();
    let ids = (1..2_000).step_by(2).chain([i32::MAX as u32]);
    for id in ids.clone() {
        let stream = Stream::new(Instant::now(), i64::from(id), 0, None, false);
        assert!(streams.insert(id, stream).is_none());
    }
    for id in ids {
        let window = streams.get(&id).map(|stream| stream.incoming.window);
        assert_eq!(
            window.map(|window| window.room(usize::MAX)),
            Some(id as usize)
        );
    }
}
